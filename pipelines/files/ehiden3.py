"""Sagawa e-hiden III (e飛伝Ⅲ): 74 columns go in (標準_飛脚宅配便_CSV_ヘッダあり), 91 of the dispatch history come out (B.5.2).

Source: and-period/furumaru and three other public exporters, which agree on the order; values after the e-hiden II manual.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pipelines.carriers.sagawa import CARRIER, NOT_IN_CONTRACT
from pipelines.files.file_format import (
    DIGITS,
    NUMBER,
    SHIPMENT,
    SHIPPED_ON,
    SLASHES,
    FileFormat,
    Results,
    Written,
    fixed,
    nothing,
)
from pipelines.files.label import Cells, Label, short_id
from pipelines.files.writing import address_in_three, cash, day, delivery, need_sender, written

if TYPE_CHECKING:
    from pipelines.shops.supplier_files import SupplierFiles

_HEADINGS: Final = """
お届け先コード取得区分 お届け先コード お届け先電話番号 お届け先郵便番号 お届け先住所１ お届け先住所２ お届け先住所３ お届け先名称１ お届け先名称２ お客様管理番号 お客様コード 部署ご担当者コード取得区分
部署ご担当者コード 部署ご担当者名称 荷送人電話番号 ご依頼主コード取得区分 ご依頼主コード ご依頼主電話番号 ご依頼主郵便番号 ご依頼主住所１ ご依頼主住所２ ご依頼主名称１ ご依頼主名称２ 荷姿 品名１ 品名２
品名３ 品名４ 品名５ 荷札荷姿 荷札品名１ 荷札品名２ 荷札品名３ 荷札品名４ 荷札品名５ 荷札品名６ 荷札品名７ 荷札品名８ 荷札品名９ 荷札品名１０ 荷札品名１１ 出荷個数 スピード指定 クール便指定 配達日
配達指定時間帯 配達指定時間（時分） 代引金額 消費税 決済種別 保険金額 指定シール１ 指定シール２ 指定シール３ 営業所受取 SRC区分 営業所受取営業所コード 元着区分 メールアドレス ご不在時連絡先 出荷日
お問い合せ送り状No. 出荷場印字区分 集約解除指定 編集０１ 編集０２ 編集０３ 編集０４ 編集０５ 編集０６ 編集０７ 編集０８ 編集０９ 編集１０
"""
HEADER: Final = tuple(_HEADINGS.split())
_COOL: Final = {"normal": "001", "chilled": "002", "frozen": "003"}
_COOL_SEAL: Final = {"chilled": "001", "frozen": "002"}
_ANY_MEANS, _ON_A_DAY, _AT_A_TIME, _IN_THE_MORNING, _IN_SIX_WINDOWS = "010", "005", "007", "016", "019"
_MOST: Final = 9_999_999
_WIDE: Final = 32


def _cells(label: Label, settings: SupplierFiles) -> Cells:
    cells = Cells(len(HEADER))
    cells.code(1, "0")
    cells.phone(3, label.to.phone, 14, "phone")
    cells.postal_code(4, label.to.postal_code, "postal_code")
    cells.spread((5, 6, 7), (_WIDE,) * 3, address_in_three(label), "address", converts=True)
    cells.need(label.to.name, "name", "the consignee's name")
    cells.spread((8, 9), (_WIDE,) * 2, (label.to.name,), "name", converts=True)
    cells.put(10, short_id(label.shipment), 16, "shipment")
    cells.digits(11, settings.customer_code, 12, "customer_code")
    need_sender(cells, settings)
    if (sender := settings.sender) is not None:
        cells.phone(18, sender.phone, 14, "sender.phone")
        cells.postal_code(19, sender.postal_code, "sender.postal_code")
        cells.spread((20, 21), (_WIDE,) * 2, (sender.address, sender.building), "sender.address", converts=True)
        cells.spread((22, 23), (_WIDE,) * 2, (sender.name,), "sender.name", converts=True)
    cells.code(24, "001")
    cells.put(25, settings.contents, _WIDE, "contents", converts=True)
    cells.code(42, "1")
    cells.code(43, "000")
    cells.code(44, _COOL[label.temperature])
    wished, slot, words = delivery(cells, label, CARRIER, "%Y/%m/%d")
    if label.slot in NOT_IN_CONTRACT[settings.windows]:
        if not label.best_effort:
            cells.fault("slot", f"the contract with {settings.windows} windows has no {label.slot}")
        slot, words = "", label.slot or ""
    cells.note(26, words[:16], _WIDE)
    cells.code(45, wished)
    cells.code(46, slot)
    if label.collect is not None:
        amount, tax = cash(cells, label, settings, _MOST)
        cells.code(48, amount)
        cells.code(49, tax)
        cells.code(50, "1")
    for column, seal in zip((52, 53, 54), _seals(label, settings, slot), strict=False):
        cells.code(column, seal)
    cells.code(56, "0")
    cells.code(58, "1")
    cells.code(61, day(cells, label, "%Y/%m/%d"))
    return cells


def _seals(label: Label, settings: SupplierFiles, slot: str) -> Sequence[str]:
    """Three at most: how it is paid, how it travels, and either its window or its day (B.4.4)."""
    when = ""
    if slot:
        morning = _IN_THE_MORNING if label.slot == "AM" else _AT_A_TIME
        when = _IN_SIX_WINDOWS if settings.windows == 6 else morning
    elif label.deliver_on is not None:
        when = _ON_A_DAY
    found = (_ANY_MEANS if label.collect is not None else "", _COOL_SEAL.get(label.temperature, ""), when)
    return [seal for seal in found if seal]


def _write(labels: Sequence[Label], settings: SupplierFiles) -> Written:
    return written(labels, _cells, settings, HEADER)


_RESULTS: Final = Results(
    names={
        SHIPMENT: ("お客様管理番号", "お客様管理ナンバー", "顧客管理番号"),
        NUMBER: ("お問い合せ送り状No.", "お問合せ送り状No.", "お問い合わせ送り状No."),
        SHIPPED_ON: ("出荷日", "出荷日付"),
    },
    # The history's order is known in part (1, 3, 19); the template of 74 may be used for what comes out too.
    positions={
        91: {NUMBER: 1, SHIPPED_ON: 3, SHIPMENT: 19},
        74: {SHIPMENT: 10, SHIPPED_ON: 61, NUMBER: 62},
    },
    days=(SLASHES, DIGITS),
    digits=12,
)

FILE_FORMAT = FileFormat("ehiden3", "Sagawa e-hiden III (e飛伝Ⅲ)", "sagawa", fixed(_RESULTS), _write, nothing)
