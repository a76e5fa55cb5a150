"""Next Engine (ネクストエンジン) 出荷実績: three columns under their header, of whichever carrier (B.5)."""

from __future__ import annotations

from typing import Final

from pipelines.files.file_format import NUMBER, SHIPMENT, SHIPPED_ON, FileFormat, Results, fixed

_RESULTS: Final = Results(
    names={SHIPMENT: ("伝票番号",), NUMBER: ("発送伝票番号",), SHIPPED_ON: ("出荷予定日",)},
)

FILE_FORMAT = FileFormat("nextengine", "Next Engine (ネクストエンジン)", None, fixed(_RESULTS))
