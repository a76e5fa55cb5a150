"""Japan Post Click Post (クリックポスト): what comes out names nobody's id, so a row is found by the consignee's name (B.5)."""

from __future__ import annotations

from typing import Final

from pipelines.files.file_format import NAME, NUMBER, FileFormat, Results, fixed

_RESULTS: Final = Results(
    names={NAME: ("お届け先氏名",), NUMBER: ("お問い合わせ番号", "お問い合せ番号")}, day_needed=False, digits=12
)

FILE_FORMAT = FileFormat("clickpost", "Japan Post Click Post (クリックポスト)", "japan_post", fixed(_RESULTS))
