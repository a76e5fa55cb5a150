"""What may wait for a human besides holds: its words, and the choices that answer it. Holds have theirs in ``rules.hold_kinds``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from models.store import review
from pipelines.rules.explain import Sentence

#: Choices that are no action of an order.
RETRY, ASSIGN, DISMISS, POSTED = "retry", "assign", "dismiss", "posted"
OWN: Final = frozenset({RETRY, ASSIGN, DISMISS, POSTED})
#: The action that sends a mail again, to the same address or a corrected one.
RESEND: Final = "mails:resend"


@dataclass(frozen=True, slots=True)
class Kind:
    """All of one kind that waits.

    ``label`` is what it is called; ``says`` why it waits, with a place for what ``models.store.review`` tells of it; ``tried`` what
    was tried already, None where nothing can be; ``way_out`` what a person does about it, ``{which}`` being which; ``choices`` what
    may safely be asked of it here.
    """

    label: Sentence
    says: Sentence
    way_out: Sentence
    tried: Sentence | None = None
    choices: tuple[str, ...] = ()


#: A hold's sentence, way out and choices are those of its reason; what was tried is counted.
HOLD: Final = "hold"
HOLD_LABEL: Final = Sentence("注文の保留", "order held")
ASKED_GATEWAY: Final = Sentence("決済への問い合わせ{count}回", "The gateway was asked {count} times.")
ASKED_SUPPLIER: Final = Sentence("仕入先への再依頼{count}回", "The supplier was asked again {count} times.")

KINDS: Final[Mapping[str, Kind]] = {
    "transfer": Kind(
        Sentence("注文不明の入金", "transfer"),
        Sentence("{sum}、{on}: {reason}", "{sum}, {on}: {reason}"),
        Sentence(
            "`shukka payments unassigned`で送金者を確認し、`shukka payments assign {which} SHOP/NUMBER`または`dismiss {which}`を実行してください。",
            "shukka payments unassigned says who sent it; then shukka payments assign {which} SHOP/NUMBER, or dismiss {which}",
        ),
        choices=(ASSIGN, DISMISS),
    ),
    "event": Kind(
        Sentence("隔離された通知", "event quarantined"),
        Sentence("{source} {event}、{type}: {reason}", "{source} {event}, {type}: {reason}"),
        Sentence(
            "送信元に確認し、原因が解消したら`shukka retry event {which}`を実行してください。",
            "ask its sender; once what kept it out is mended, shukka retry event {which}",
        ),
        choices=(RETRY,),
    ),
    "early_event": Kind(
        Sentence("早すぎた通知", "event waits"),
        Sentence(
            "{source} {event}、{type}: まだ知らされていない荷物についての通知です。",
            "{source} {event}, {type}: names a parcel that is not known yet",
        ),
        Sentence("送信元に、先に送るべき通知を確認してください。", "ask its sender for the news before it"),
    ),
    "effect": Kind(
        Sentence("断念した処理", "effect"),
        Sentence("{kind}: {code} {says}", "{kind}: {code} {says}"),
        Sentence(
            "相手先で結果を確認してから、`shukka retry effect {which}`を実行してください。",
            "look it up outside, then shukka retry effect {which}",
        ),
        Sentence(
            "繰り返し実行し、結果は最後まで分かりませんでした。",
            "It was repeated under its key, and its outcome never told.",
        ),
        (RETRY,),
    ),
    "mail": Kind(
        Sentence("送れなかったメール", "mail"),
        Sentence("{template}: {code}", "{template}: {code}"),
        Sentence(
            "宛先を確認し、`shukka retry mail {which}`または注文の操作`mails:resend`を実行してください。",
            "shukka retry mail {which}",
        ),
        Sentence("送信を試み、断念しました。", "It was sent until it was given up."),
        (RETRY, RESEND),
    ),
    "bounce": Kind(
        Sentence("届かなかったメール", "mail bounced"),
        Sentence(
            "{about}: {templates}が届きませんでした（{reasons}）", "{about}: {templates} did not arrive ({reasons})"
        ),
        Sentence(
            "`shukka order`で電話番号を確認して連絡し、`shukka mails release ADDRESS`または`shukka mails dismiss {which}`を実行してください。",
            "shukka order has the phone; then shukka mails release ADDRESS, or shukka mails dismiss {which}",
        ),
        choices=(RESEND,),
    ),
    "return": Kind(
        Sentence("返品", "return"),
        Sentence("{state}、{until}まで", "{state}, until {until}"),
        Sentence(
            "`shukka act SHOP/NUMBER returns:... --about {which}`で進めてください。",
            "shukka act SHOP/NUMBER returns:... --about {which} goes on with it",
        ),
    ),
    "replacement": Kind(
        Sentence("届かない交換品", "goods not sent for a return"),
        Sentence(
            "返品{key}の代わりの注文{replacement}がキャンセル、未達または返品となり、お客様には商品も代金もありません。",
            "Order {replacement}, which was to leave for return {key}, was cancelled, never arrived or came back: its customer has neither goods nor money.",
        ),
        Sentence(
            "お客様と相談し、`shukka act SHOP/NUMBER returns:refund --about {which}`(または`returns:replace`、`returns:exchange`)で清算してください。",
            "ask the customer, then shukka act SHOP/NUMBER returns:refund (or returns:replace, returns:exchange) --about {which}",
        ),
    ),
    "payment": Kind(
        Sentence("応答のない決済", "payment waits"),
        Sentence("{gateway}が{kind}に応答しません", "{gateway} does not answer {kind}"),
        Sentence(
            "自動的に繰り返します。決済サービスの管理画面で結果を確認してください。復旧していれば、コンソールですぐに再実行できます。",
            "it is asked again by itself; look it up in the gateway's own dashboard, and once it is back ask at once (retry, in the console)",
        ),
        Sentence(
            "{attempts}回試み、うち{unknowns}回は結果不明でした。",
            "It was tried {attempts} times, {unknowns} without a known outcome.",
        ),
        choices=(RETRY,),
    ),
    "erasure": Kind(
        Sentence("待っている個人情報の消去", "erasure waits"),
        Sentence("{on}に請求、待っているもの: {waits_for}", "asked for on {on}, waits for {waits_for}"),
        Sentence(
            "残っている注文を終わらせてください。終われば1時間以内に消去します。",
            "bring its orders to their end; it follows by itself within the hour",
        ),
        Sentence("1時間ごとに試みています。", "It is tried each hour."),
    ),
    "work": Kind(
        Sentence("失敗している判断", "work failing"),
        Sentence("{error}", "{error}"),
        Sentence("自動的に、1時間以内の間隔で繰り返します。", "it is tried again by itself, at most an hour apart"),
        Sentence("{attempts}回失敗しました。", "It failed {attempts} times."),
    ),
    "job": Kind(
        Sentence("遅れている定期処理", "periodic job behind"),
        Sentence("{job}: {error}", "{job}: {error}"),
        Sentence(
            "1分以内に自動的に繰り返し、直れば続きから進みます。詳細はclockのログの`job.failed`にあります。",
            "it is tried again by itself within the minute, and goes on from its last step once what failed is mended; the clock's log has job.failed",
        ),
        Sentence("1分ごとに繰り返しています。", "It is tried each minute."),
    ),
    "circuit": Kind(
        Sentence("応答しない相手先", "circuit open"),
        Sentence("連続{failures}回失敗、最後は{code}", "{failures} failures on end, the last {code}"),
        Sentence(
            "1分以内の間隔で自動的に確認します。相手先に問い合わせてください。",
            "it is asked again by itself, at most a minute apart; ask the partner",
        ),
        Sentence("連続{failures}回失敗しました。", "It failed {failures} times on end."),
    ),
    "posting": Kind(
        Sentence("投函する手紙", "posting"),
        Sentence(
            "{order}のクーポンの手紙、期日{due_on}{overdue}", "a coupon's letter for {order}, due {due_on}{overdue}"
        ),
        Sentence(
            "`shukka postings label {which}`で印刷し、投函したら`shukka postings done {which}`を実行してください。",
            "shukka postings label {which}; once it is posted, shukka postings done {which}",
        ),
        choices=(POSTED,),
    ),
    "refused_order": Kind(
        Sentence("受け付けなかった注文", "order refused"),
        Sentence("{problems}", "{problems}"),
        Sentence(
            "訂正した注文を送るよう、ストアに依頼してください。", "ask the storefront to send it again, corrected"
        ),
    ),
}
assert {HOLD, *KINDS} == set(review.KINDS), "what is found has words, and the other way round"
