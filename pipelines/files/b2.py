"""Yamato B2 cloud (B2クラウド): 97 columns, the same for what goes in and what comes out (B.5.1).

Source: solahsoyalp/YAMATO_LabelsSchema_Docs_Unofficial @60c6bff, after Yamato's layout of June 2026.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pipelines.carriers.yamato import CARRIER
from pipelines.files.cp932 import printable, unprintable, width
from pipelines.files.file_format import NUMBER, SHIPMENT, SHIPPED_ON, FileFormat, Results, Written, fixed, nothing
from pipelines.files.label import Cells, Label
from pipelines.files.writing import address, cash, day, delivery, need_sender, written

if TYPE_CHECKING:
    from pipelines.shops.supplier_files import SupplierFiles

_HEADINGS: Final = """
お客様管理番号 送り状種類 クール区分 伝票番号 出荷予定日 お届け予定（指定）日 配達時間帯 お届け先コード お届け先電話番号 お届け先電話番号枝番 お届け先郵便番号 お届け先住所
お届け先住所（アパートマンション名） お届け先会社・部門名1 お届け先会社・部門名2 お届け先名 お届け先名略称カナ 敬称 ご依頼主コード ご依頼主電話番号 ご依頼主電話番号枝番 ご依頼主郵便番号 ご依頼主住所
ご依頼主住所（アパートマンション名） ご依頼主名 ご依頼主略称カナ 品名コード1 品名1 品名コード2 品名2 荷扱い1 荷扱い2 記事 コレクト代金引換額（税込） コレクト内消費税額等 営業所止置き 営業所コード
発行枚数 個数口枠の印字 ご請求先顧客コード ご請求先分類コード 運賃管理番号 クロネコwebコレクトデータ登録 クロネコwebコレクト加盟店番号 クロネコwebコレクト申込受付番号1
クロネコwebコレクト申込受付番号2 クロネコwebコレクト申込受付番号3 お届け予定eメール利用区分 お届け予定eメールe-mailアドレス 入力機種 お届け予定eメールメッセージ お届け完了eメール利用区分
お届け完了eメールe-mailアドレス お届け完了eメールメッセージ クロネコ収納代行利用区分 予備 収納代行請求金額（税込） 収納代行内消費税額等 収納代行請求先郵便番号 収納代行請求先住所
収納代行請求先住所（アパートマンション名） 収納代行請求先会社・部門名1 収納代行請求先会社・部門名2 収納代行請求先名（漢字） 収納代行請求先名（カナ） 収納代行問合せ先名（漢字） 収納代行問合せ先郵便番号
収納代行問合せ先住所 収納代行問合せ先住所（アパートマンション名） 収納代行問合せ先電話番号 収納代行管理番号 収納代行品名 収納代行備考 複数口くくりキー 検索キータイトル1 検索キー1 検索キータイトル2
検索キー2 検索キータイトル3 検索キー3 検索キータイトル4 検索キー4 検索キータイトル5 検索キー5 予備 予備 投函予定メール利用区分 投函予定メールe-mailアドレス 投函予定メールメッセージ
投函完了メール（お届け先宛）利用区分 投函完了メール（お届け先宛）e-mailアドレス 投函完了メール（お届け先宛）メールメッセージ 投函完了メール（ご依頼主宛）利用区分
投函完了メール（ご依頼主宛）e-mailアドレス 投函完了メール（ご依頼主宛）メールメッセージ 連携管理番号 通知メールアドレス
"""
HEADER: Final = tuple(_HEADINGS.split())
#: Kinds of slips that are written by their columns here; kind of slip -> the one that collects; kinds that take a temperature; kinds
#: that take no window, or others (Time).
_KINDS: Final = frozenset("034578A")
_COLLECTING: Final = {"0": "2", "8": "9"}
_COOLED: Final = frozenset("025")
_WITHOUT_WINDOW: Final = frozenset("347A")
_COOL: Final = {"normal": "", "frozen": "1", "chilled": "2"}
_MOST: Final = {"2": 300_000, "9": 30_000}


def _cells(label: Label, settings: SupplierFiles) -> Cells:
    cells = Cells(len(HEADER))
    kind = settings.slip or "0"
    if kind not in _KINDS:
        cells.fault("slip", f"slips of kind {kind} are not written; those of {', '.join(sorted(_KINDS))} are")
    if label.collect is not None:
        if kind not in _COLLECTING:
            cells.fault("collect", f"slips of kind {kind} collect nothing")
        kind = _COLLECTING.get(kind, kind)
    cells.put(1, label.shipment, 50, "shipment")
    cells.code(2, kind)
    _cool(cells, kind, label.temperature)
    cells.code(5, day(cells, label, "%Y/%m/%d"))
    wished, slot, words = delivery(cells, label, CARRIER, "%Y/%m/%d")
    cells.code(6, wished)
    if slot and kind in _WITHOUT_WINDOW:
        cells.fault("slot", f"slips of kind {kind} have no delivery window {label.slot}")
    cells.code(7, slot)
    cells.phone(9, label.to.phone, 15, "phone")
    cells.postal_code(11, label.to.postal_code, "postal_code")
    cells.spread((12, 13), (64, 32), address(label), "address")
    _name(cells, label.to.name)
    need_sender(cells, settings)
    if (sender := settings.sender) is not None:
        cells.phone(20, sender.phone, 15, "sender.phone")
        cells.postal_code(22, sender.postal_code, "sender.postal_code")
        cells.spread((23, 24), (64, 32), (sender.address, sender.building), "sender.address")
        cells.put(25, sender.name, 32, "sender.name")
    cells.put(28, settings.contents, 50, "contents")
    number = "" if unprintable(printable(label.order)) else label.order
    cells.note(33, f"{number} {words}", 44)
    if label.collect is not None:
        amount, tax = cash(cells, label, settings, _MOST.get(kind, 300_000))
        cells.code(34, amount)
        cells.code(35, tax)
    cells.code(38, "1")
    if kind not in "35":
        cells.need(
            settings.customer_code, "customer_code", "the code of who is billed, [suppliers.NAME.files] customer_code,"
        )
        cells.digits(40, settings.customer_code, 12, "customer_code")
        cells.need(settings.freight_code, "freight_code", "the freight number, [suppliers.NAME.files] freight_code,")
        cells.code(42, settings.freight_code)
    return cells


def _cool(cells: Cells, kind: str, temperature: str) -> None:
    cells.code(3, _COOL[temperature])
    if _COOL[temperature] and kind not in _COOLED:
        cells.fault("temperature", f"slips of kind {kind} do not travel {temperature}")


def _name(cells: Cells, name: str) -> None:
    """A long name begins in the line of companies."""
    cells.need(name, "name", "the consignee's name")
    if width(printable(name)) <= 32:
        cells.put(16, name, 32, "name")
    else:
        cells.spread((14, 16), (32 if width(printable(name)) <= 64 else 50, 32), (name,), "name")


def _write(labels: Sequence[Label], settings: SupplierFiles) -> Written:
    return written(labels, _cells, settings, HEADER)


_AT: Final = {SHIPMENT: 1, NUMBER: 4, SHIPPED_ON: 5}
_RESULTS: Final = Results(
    names={
        SHIPMENT: ("お客様管理番号",),
        NUMBER: ("伝票番号", "送り状番号"),
        SHIPPED_ON: ("出荷予定日", "出荷日"),
    },
    # 95 before the last two were added; 96 was seen of one exporter.
    positions={97: _AT, 96: _AT, 95: _AT},
    digits=12,
)

FILE_FORMAT = FileFormat("b2", "Yamato B2 (B2クラウド)", "yamato", fixed(_RESULTS), _write, nothing)
