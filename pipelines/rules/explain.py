"""The sentences that explain a decision to a customer or operator, in Japanese and English: one table for all rules."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from functools import lru_cache
from typing import Final, NamedTuple

from pipelines.values.day_names import SHORT_MONTHS_EN, WEEKDAYS_EN, WEEKDAYS_JA


@dataclass(frozen=True, slots=True)
class Because:
    """One reason: ``rule`` is a stable word for programs, ``says`` a sentence for people."""

    rule: str
    says: str


class Sentence(NamedTuple):
    """What is said to people, in both languages; ``{name}`` stands for a value."""

    ja: str
    en: str

    def says(self, locale: str, **values: object) -> str:
        """The sentence in ``locale`` (ja, else en) with dates and times of day written as that language does."""
        if locale == "ja":
            return self.ja.format(**{name: _written_ja(_named_ja(name, value)) for name, value in values.items()})
        return self.en.format(**{name: _written_en(value) for name, value in values.items()})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not possible as an order stands; ``rule`` is the rule's id, ``ways_out`` names the actions that
    may be possible instead; a sentence may name them as ``{ways_out}``."""

    sentence: Sentence
    values: Mapping[str, object] = field(default_factory=dict)
    rule: str | None = None
    ways_out: tuple[str, ...] = ()

    def says(self, locale: str) -> str:
        """The sentence for people, in ``locale`` (ja, else en)."""
        return self.sentence.says(locale, **self.values, ways_out=", ".join(self.ways_out))


_SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    # dispatch (CUT-01 .. CUT-04, DLV-01, DLV-04); a planned day is a possibility, not a guarantee
    "cutoff.in_time": (
        "{event}が締切時刻{cutoff}までのため、当日{day}の出荷を予定しています。",
        "{event} by the {cutoff} cutoff: planned for dispatch on the same day, {day}.",
    ),
    "cutoff.missed": (
        "{event}が締切時刻{cutoff}を過ぎたため、翌営業日{day}の出荷を予定しています。",
        "{event} after the {cutoff} cutoff: planned for dispatch on the next open day, {day}.",
    ),
    "cutoff.closed": (
        "{event}が休業日のため、翌営業日{day}の出荷を予定しています。",
        "{event} on a closed day: planned for dispatch on the next open day, {day}.",
    ),
    "closed_day": ("{closed}は出荷の休業日です。", "There is no dispatch on {closed}."),
    "lead_time": (
        "出荷の準備に{days}営業日をいただくため、{day}の出荷を予定しています。",
        "Preparation takes {days} business day(s): planned for dispatch on {day}.",
    ),
    "transfer": (
        "商品を出荷元へ移すのに{days}営業日をいただきます。",
        "The goods travel {days} business day(s) to where they leave from.",
    ),
    "capacity": (
        "{full}の出荷枠が埋まっているため、{day}の出荷を予定しています。",
        "No more can leave on {full}: planned for dispatch on {day}.",
    ),
    "processed_late": (
        "処理の時点で予定日を過ぎていたため、{day}の出荷を予定しています。",
        "The planned day had already passed: planned for dispatch on {day}.",
    ),
    "dispatch_late": (
        "{was}に発送できなかったため、{day}の出荷を予定しています。",
        "The goods did not leave on {was}: planned for dispatch on {day}.",
    ),
    "payment.paid": ("ご入金の確認後に出荷日が決まります。", "The dispatch day is set once the payment has arrived."),
    "payment.approved": (
        "ローンの審査可決後に出荷日が決まります。",
        "The dispatch day is set once the loan has been approved.",
    ),
    "backorder.no_date": (
        "お取り寄せ商品の入荷日が未定のため、出荷日はまだ決まっていません。",
        "The goods are on back-order without a date, so no dispatch day can be promised yet.",
    ),
    "backorder.expected": (
        "お取り寄せ商品は{expected}に入荷の予定のため、{day}の出荷を予定しています。",
        "The goods are expected on {expected}: planned for dispatch on {day}.",
    ),
    "desired_date.met": (
        "ご希望のお届け日{desired}に合わせて、{day}の出荷を予定しています。",
        "To arrive on the desired {desired}: planned for dispatch on {day}.",
    ),
    "desired_date.not_met": (
        "ご希望のお届け日{desired}には間に合いません。最短のお届けは{arrive}の予定です。",
        "The desired {desired} cannot be met; the earliest arrival is {arrive}.",
    ),
    "desired_date.ignored": (
        "お取り寄せ品・メーカー直送品のため、お届け日{desired}のご希望は承れません。",
        "The desired {desired} cannot be taken for back-orders and goods sent by the maker.",
    ),
    "kept": (
        "商品は{store}にあり、配送はありません。{day}から店舗でご用意する予定です。",
        "The goods lie at {store} and do not travel: planned to be set aside there from {day}.",
    ),
    "instruction.keep": (
        "{visit}にご来店のお客様のため、発送せずに貴店でお取り置きください。お取り置きが済みましたら、発送のご報告（運送会社と送り状番号はなし）でお知らせください。",
        "Send nothing: set the goods aside at your store for the customer's visit on {visit}, and then report them as shipped, without a "
        "carrier or number.",
    ),
    "visit.met": (
        "ご来店日{visit}には商品をご覧いただけます。店舗でのご用意は{ready}の予定です。",
        "Ready for the visit on {visit}: planned to be at the store on {ready}.",
    ),
    "visit.not_met": (
        "ご来店日{visit}には間に合いません。店舗でのご用意は{ready}の予定です。",
        "Not at the store by {visit}: planned to be there on {ready}.",
    ),
    "visit.closed": (
        "{visit}のご来店は承れません。店舗でのご用意は{ready}の予定です。",
        "No visit is possible on {visit}: planned to be at the store on {ready}.",
    ),
    "visit.from": (
        "店舗では{ready}から商品をご覧いただける予定です。",
        "Planned to be seen at the store from {ready}.",
    ),
    "transit": ("{region}へのお届けは出荷から{days}日後の予定です。", "Delivery to {region} takes {days} day(s)."),
    "no_region": (
        "お届け日は、お届け先の都道府県によります。",
        "The day of arrival depends on the prefecture it goes to.",
    ),
    # what suppliers say of a day, in the shop's words
    "supplier_delay.dated": (
        "出荷元の都合により、{day}の出荷を予定しています。",
        "The supplier gave another day: planned for dispatch on {day}.",
    ),
    "supplier_delay.undated": (
        "出荷元の都合により、出荷日はまだ決まっていません。",
        "The supplier cannot give a day yet, so no dispatch day can be promised.",
    ),
    "supplier_delay.why": (
        "商品の手配に、当初の予定より時間を要しております。",
        "It takes longer than planned to get the goods ready.",
    ),
    # events that start the clock
    "event.order": ("ご注文", "Ordered"),
    "event.paid": ("ご入金の確認", "Payment confirmed"),
    "event.approved": ("審査の可決", "Loan approved"),
    "event.released": ("ご注文内容の確認の完了", "Check completed"),
    # wishes in the remarks that the shop does not meet (DLV-05)
    "not_offered.gift_wrapping": ("ギフト包装は承っておりません。", "Gift wrapping is not available."),
    "not_offered.carrier_choice": (
        "運送会社のご指定は承っておりません。",
        "The carrier cannot be chosen.",
    ),
    "not_offered.request": ("このご要望は承っておりません。", "This is a request that we cannot meet."),
    # cancel (A.3)
    "cancel.never": (
        "ご注文の完了後は、お客様のご都合によるキャンセルは承れません。",
        "An order cannot be cancelled for the customer's reason once it is complete.",
    ),
    "cancel.released": (
        "すでに出荷の準備に入っているため、キャンセルできません。",
        "The goods have been released for dispatch, so the order can no longer be cancelled.",
    ),
    "cancel.over": ("このご注文はすでに終了しています。", "The order is already cancelled or delivered."),
    "cancel.paid": (
        "ご入金(審査可決)の確認後は、ご自身でのキャンセルはできません。お問い合わせください。",
        "The payment or loan is confirmed, so the order cannot be cancelled by oneself; please ask the shop.",
    ),
    "cancel.pull_in": (
        "お取り寄せのご注文から{minutes}分を過ぎたため、ご自身でのキャンセルはできません。お問い合わせください。",
        "More than {minutes} minutes have passed since the pull-in order; please ask the shop.",
    ),
    "cancel.enquiry": (
        "このお支払い方法のご注文は、ご自身でのキャンセルはできません。お問い合わせください。",
        "Orders with this payment method cannot be cancelled by oneself; please ask the shop.",
    ),
    # returns (A.12, B.10): the rule that is cited with them is the shop's own
    "return.reason": (
        "この理由による返品・交換は承っておりません。",
        "Goods are not taken back for this reason.",
    ),
    "return.not_left": (
        "この商品はまだ発送されていません。発送前はご注文の取り消しをご利用ください。",
        "These goods have not left yet; before that the order or its line can be cancelled.",
    ),
    "return.none_left": (
        "お手元にない商品、または返品の手続き中の商品です。",
        "No pieces are left: they came back, or are being returned.",
    ),
    "return.fewer_left": (
        "返品をお申し込みいただけるのは{left}点までです。",
        "At most {left} piece(s) can be asked for.",
    ),
    "return.in_time": (
        "{start}({clock})の翌日から{days}日以内の{until}まで、お申し込みを承ります。",
        "Within {days} day(s) after {start} ({clock}): to be asked for until {until}.",
    ),
    "return.too_late": (
        "お申し込みの期限は、{start}({clock})の翌日から{days}日以内の{until}まででした。",
        "It was to be asked for within {days} day(s) after {start} ({clock}): until {until}.",
    ),
    "return.no_limit": ("お申し込みに期限はありません。", "There is no day by which it is to be asked for."),
    "return.goods_by": (
        "商品は{start}({clock})の翌日から{days}日以内の{until}までに、当店に到着するようご返送ください。",
        "The goods are to be back with us within {days} day(s) after {start} ({clock}): by {until}.",
    ),
    "return.clock.delivered": ("お届け日", "day of arrival"),
    "return.clock.assumed": (
        "配達記録がないため、お届け予定日から算出したお届け日",
        "taken for the day of arrival, as no carrier reported it",
    ),
    "return.clock.dispatch": ("発送日", "day of dispatch"),
    "return.clock.purchase": ("ご注文日", "day of the order"),
    "return.discontinued": (
        "{announced}に販売終了をお知らせした商品のため、{until}まで承ります。",
        "The product was announced to end on {announced}: to be asked for until {until}.",
    ),
    "return.flag": (
        "「{flag}」の商品は返品・交換を承っておりません。",
        "Goods marked {flag} are not taken back.",
    ),
    "return.condition": (
        "「{condition}」の商品は返品・交換を承っておりません。",
        "Goods are not taken back that are: {condition}.",
    ),
    "return.required": (
        "「{condition}」が必要です。",
        "What is needed: {condition}.",
    ),
    "return.price": (
        "返品を承るのは、1点{most:,}円までの商品です。",
        "Only goods of up to {most:,} yen each are taken back.",
    ),
    "return.method": (
        "このお支払い方法のご注文は、返品を承っておりません。",
        "Orders that were paid this way are not taken back.",
    ),
    "return.cost.shop": ("返送にかかる費用は当店が負担いたします。", "We bear the cost of sending the goods back."),
    "return.cost.customer": (
        "返送にかかる費用はお客様のご負担となります。",
        "The cost of sending the goods back is the customer's.",
    ),
    "return.fee": ("手数料{fee:,}円(税込)を申し受けます。", "A fee of {fee:,} yen, tax included, is due."),
    "return.exchange_for": (
        "交換は{least:,}円以上の商品に限ります。差額は別途お支払いいただき、返金はいたしません。",
        "An exchange is for goods of {least:,} yen or more; a difference is charged, and never paid back.",
    ),
    "return.coupon": (
        "クーポンは無効となり、割引額を返金額から差し引きます。",
        "The coupons are void: what they took off is kept back from the refund.",
    ),
    "return.statutory": (
        "返品特約の表示がないため、商品の到着日を含む8日間は返品いただけます(特定商取引法第15条の3)。",
        "No terms are shown, so the law's hold: eight days from delivery, its day counted (Specified Commercial Transactions "
        "Act, art. 15-3).",
    ),
    "return.is.unopened": ("未開封", "unopened"),
    "return.is.opened": ("開封済み", "opened"),
    "return.is.unused": ("未使用", "unused"),
    "return.is.tried_on": ("室内での試着のみ", "tried on indoors"),
    "return.is.used": ("使用済み", "used"),
    "return.is.soiled": ("汚れあり", "soiled"),
    "return.is.damaged": ("お客様による破損", "damaged by the customer"),
    "return.is.smell": ("たばこ・香水等のにおい", "smelling of tobacco or perfume"),
    "return.is.washed": ("洗濯・クリーニング済み", "washed or cleaned"),
    "return.is.repaired": ("修理・お直し済み", "repaired or altered"),
    "return.is.tag_lost": ("タグの紛失・破損", "without its tag, or the tag damaged"),
    "return.is.box_lost": ("箱の紛失・破損", "without its box, or the box damaged"),
    "return.is.manual_lost": ("説明書の紛失・破損", "without its manual, or the manual damaged"),
    "return.is.accessory_lost": ("付属品の紛失・破損", "without its accessories, or these damaged"),
    "return.is.certificate": ("鑑定書等の証明", "a certificate"),
}


def sentences() -> list[Sentence]:
    """Every sentence of the table."""
    return [Sentence(*said) for said in _SENTENCES.values()]


def sentence(key: str) -> Sentence:
    """The sentence ``key`` in both languages."""
    return Sentence(*_SENTENCES[key])


@lru_cache(maxsize=4096)
def says(key: str, locale: str, **values: Hashable) -> str:
    """The sentence ``key`` in ``locale`` (ja, else en)."""
    return sentence(key).says(locale, **values)


@lru_cache(maxsize=4096)
def because(key: str, locale: str, **values: Hashable) -> Because:
    """``says`` as a ``Because`` whose rule is the key's first part."""
    return Because(key.partition(".")[0], says(key, locale, **values))


def written(day: date, locale: str) -> str:
    """A day as sentences name it."""
    return _date_ja(day) if locale == "ja" else _date_en(day)


def days_between(first: date, last: date, locale: str) -> str:
    """A run of days: the single day, or first and last."""
    if first == last:
        return written(first, locale)
    return f"{written(first, locale)}{'から' if locale == 'ja' else ' to '}{written(last, locale)}"


def day_span(first: date | None, last: date | None, locale: str) -> str:
    """Days from ``first`` through ``last``, either of which may be open."""
    if first is not None and last is not None:
        return days_between(first, last, locale)
    ja = locale == "ja"
    if first is not None:
        return f"{written(first, locale)}以降" if ja else f"from {written(first, locale)}"
    if last is not None:
        return f"{written(last, locale)}まで" if ja else f"by {written(last, locale)}"
    return "最短" if ja else "as early as possible"


@lru_cache(maxsize=4096)
def _date_ja(day: date) -> str:
    return f"{day.month}月{day.day}日({WEEKDAYS_JA[day.weekday()]})"


@lru_cache(maxsize=4096)
def _date_en(day: date) -> str:
    return f"{WEEKDAYS_EN[day.weekday()]} {day.day} {SHORT_MONTHS_EN[day.month - 1]} {day.year}"


#: What a sentence in Japanese calls where something stands, of an order, a shipment or a return.
_STANDS_JA: Final = {
    "accepted": "受付",
    "awaiting_payment": "入金待ち",
    "authorized": "決済承認済み",
    "released": "出荷指示済み",
    "partly_shipped": "一部発送済み",
    "shipped": "発送済み",
    "delivered": "配達完了",
    "undelivered": "未達",
    "cancelled": "キャンセル",
    "running": "進行中",
    "held": "保留",
    "done": "完了",
    "planned": "計画",
    "backordered": "取り寄せ",
    "instructed": "指示済み",
    "acknowledged": "受諾",
    "refused": "お断り",
    "requested": "受付済み",
    "approved": "承認",
    "awaiting_goods": "返送待ち",
    "expired": "期限切れ",
    "received": "到着",
    "inspected": "検品済み",
    "rejected": "検品不合格",
    "sent_back": "返送済み",
    "refunded": "返金済み",
    "replaced": "交換済み",
    "exchanged": "交換済み(別商品)",
    "closed": "終了",
}


def _named_ja(name: str, value: object) -> object:
    """The value of a sentence with the codes of ``state``, ``condition`` and ``needed`` (several) as words."""
    if name not in ("state", "condition", "needed") or not isinstance(value, str):
        return value
    return "・".join(_STANDS_JA.get(code, code) for code in value.split(", "))


def _written_ja(value: object) -> object:
    if isinstance(value, date):
        return _date_ja(value)
    return _clock(value) if isinstance(value, time) else value


def _written_en(value: object) -> object:
    if isinstance(value, date):
        return _date_en(value)
    return _clock(value) if isinstance(value, time) else value


def _clock(value: time) -> str:
    return f"{value:%H:%M:%S}" if value.second else f"{value:%H:%M}"
