"""What each reason to hold an order blocks, says and is answered by: one table, read by stages, interface and documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Final, Literal

from models.states import HoldReason
from pipelines.rules.explain import Sentence

_R = HoldReason
#: What a hold keeps back.
Blocks = Literal["authorize", "release", "shipment"]


_CHECKED: Final = Sentence("ご注文の内容を確認しております。", "We are looking through your order.")


@dataclass(frozen=True, slots=True)
class HoldKind:
    """All holds of one reason.

    ``blocks`` authorize: the amount may still change; release: the money may be taken, goods wait; shipment: those of the shipment that
    it is about wait, and all others leave on their day. ``answered_by`` names the actions that are ways out, the most fitting first.
    ``says`` is what is so, ``way_out`` what a person does about it; ``tells`` is what the customer reads of it.
    """

    blocks: Blocks
    answered_by: tuple[str, ...]
    says: Sentence
    way_out: Sentence
    tells: Sentence = _CHECKED

    @property
    def names(self) -> frozenset[str]:
        """The values that ``says`` has a place for."""
        return frozenset(name for _, name, _, _ in Formatter().parse(self.says.en) if name)


#: Every reason, in the order in which operators read of them.
KINDS: Final[Mapping[HoldReason, HoldKind]] = {
    _R.INDIVIDUAL_NOT_DELIVERABLE: HoldKind(
        "authorize",
        ("cancel", "release"),
        Sentence(
            "個人宛にはお届けできない商品が含まれています: {lines}",
            "These lines cannot be delivered to an individual: {lines}.",
        ),
        Sentence(
            "お客様に確認し、注文をキャンセルするか、届け先が事業所であれば保留を解除してください。",
            "Ask the customer; cancel the order, or release it where the address is a business after all.",
        ),
        Sentence(
            "個人宛にはお届けできない商品が含まれているため、お届け先を確認しております。",
            "Some items cannot be delivered to an individual, so we are checking the address.",
        ),
    ),
    _R.QUOTE_NEEDED: HoldKind(
        "authorize",
        ("fee:agree", "release", "cancel"),
        Sentence("個人宛の送料のお見積りが必要です。", "The shipping fee to an individual needs a quote."),
        Sentence(
            "送料をお客様と合意して登録してください。追加の送料がなければ保留を解除し、合意できなければキャンセルしてください。",
            "Agree on the fee with the customer and add it; release the order where nothing is added, or cancel it.",
        ),
        Sentence(
            "個人宛の送料をお見積りしております。送料が決まり次第、ご案内いたします。",
            "We are working out the shipping fee to an individual and will tell you what it is.",
        ),
    ),
    _R.BLOCKED_CUSTOMER: HoldKind(
        "authorize",
        ("release", "cancel"),
        Sentence(
            "{since}からの{days}日間に、お受け取りいただけなかった荷物が{undelivered_returns}件、お客様都合の返品が{customer_returns}件、"
            "お客様都合のキャンセルが{customer_cancels}件あります。",
            "In the {days} days from {since}: {undelivered_returns} parcels not received, {customer_returns} returns and "
            "{customer_cancels} cancels at the customer's wish.",
        ),
        Sentence(
            "以前のご注文を確認し、保留を解除するか、キャンセルしてください。お支払い方法を指定する場合は、お客様のallowed_methodsに登録します。",
            "Look at the customer's earlier orders; release this one or cancel it. To dictate how the customer pays, put "
            "allowed_methods among the customer's facts.",
        ),
    ),
    _R.SAME_MAILBOX: HoldKind(
        "authorize",
        ("release", "cancel"),
        Sentence(
            "初めてのお客様のメールアドレスが、別の会員ですでに登録されています(INT-01)。",
            "The mail address of this new customer is another account's already (INT-01).",
        ),
        Sentence(
            "お客様に確認し、同じ方でなければ保留を解除してください。古い会員を退会にするか、メールアドレスを改めます。",
            "Ask the customer: release the order, and let the older account be withdrawn or told its own address; else cancel it.",
        ),
    ),
    _R.COUPONS_IN_REMARKS: HoldKind(
        "authorize",
        ("coupons", "release", "cancel"),
        Sentence(
            "備考欄にクーポンコードの記載があるため、適用と金額の確認が必要です: 「{words}」",
            'Coupon codes are written in the remarks: they must be applied and the order priced again: "{words}"',
        ),
        Sentence(
            "クーポンを適用してください。該当するものがなければ保留を解除します。金額に変わりがないことをお客様にお知らせします。",
            "Apply the coupons; where none applies, release the order: the customer hears that its sum stays.",
        ),
        Sentence(
            "備考欄にご記入いただいたクーポンを確認しております。適用後の金額をあらためてお知らせいたします。",
            "We are applying the coupons you wrote in the remarks and will tell you the new total.",
        ),
    ),
    _R.NEEDS_HUMAN: HoldKind(
        "release",
        ("release", "cancel"),
        Sentence("備考欄の内容を確認します: 「{words}」", 'The remarks must be read by a person: "{words}"'),
        Sentence(
            "備考を読み、必要な対応をしてから保留を解除してください。",
            "Read the remarks, do what they ask for, then release the order.",
        ),
        Sentence(
            "備考欄にお書きいただいた内容を、担当者が確認しております。",
            "Our staff are reading what you wrote in the remarks.",
        ),
    ),
    _R.REQUEST_NOT_MET: HoldKind(
        "release",
        ("release", "cancel"),
        Sentence(
            "ご希望のお届け日に間に合わないため、確認が必要です。",
            "The desired delivery date cannot be met: the customer must be asked.",
        ),
        Sentence(
            "お客様に確認し、保留を解除するか、キャンセルしてください。",
            "Ask the customer; release the order with the planned date, or cancel it.",
        ),
    ),
    _R.PAYMENT_UNKNOWN: HoldKind(
        "authorize",
        ("release", "cancel"),
        Sentence(
            "決済代行から、決済がどうなったかの回答がありません。",
            "The gateway did not say what became of the payment.",
        ),
        Sentence(
            "「断念した処理」の再実行（`shukka retry`）で再度問い合わせると、その回答に従って注文が進みます。回答がなければキャンセルし、決済代行の画面で"
            "オーソリや支払番号を取り消してから保留を解除します。",
            "Try what was given up again (`shukka retry`): the gateway is asked once more, and the order follows its answer. Else cancel it, void at the gateway what "
            "it may hold or still wait for, then release the order.",
        ),
    ),
    _R.PAYMENT_DIFFERS: HoldKind(
        "release",
        ("release", "cancel"),
        Sentence(
            "決済代行の記録（{theirs}）が当システムの記録（{ours}）と合いません（{wrong}）。",
            "The gateway says {theirs}, our books say {ours} ({wrong}).",
        ),
        Sentence(
            "決済代行の画面で確認して食い違いを解消し、保留を解除するかキャンセルしてください。",
            "Settle it with the gateway, then release the order or cancel it.",
        ),
    ),
    _R.DEPOSIT_MISMATCH: HoldKind(
        "release",
        ("release", "cancel"),
        Sentence("請求額{due}円に対して{amount}円の入金がありました。", "{amount} yen came in for {due} yen due."),
        Sentence(
            "お客様に確認してください。残りの入金で自動的に解除されます。入金額のままで進める場合は保留を解除し、返金する場合はキャンセルします。",
            "Ask the customer: the missing money releases the order by itself; release it to go on with what was paid, or cancel "
            "it to give the money back.",
        ),
    ),
    _R.UNEXPECTED_DEPOSIT: HoldKind(
        "release",
        ("release",),
        Sentence(
            "入金を待っていない注文に{amount}円の入金({event})がありました。注文の金額には含まれていません。",
            "{amount} yen came in as a deposit ({event}), but none was awaited; it is in none of the order's numbers.",
        ),
        Sentence("返金してから保留を解除してください。", "Give it back, then release the order."),
    ),
    _R.REFUND_DUE: HoldKind(
        "release",
        ("refunds", "release"),
        Sentence(
            "お客様へ{amount}円を返金してください。決済代行からは返金できません。",
            "Give {amount} yen back to the customer: no gateway can.",
        ),
        Sentence("返金し、その金額を記録してください。", "Give it back, then record the refund."),
    ),
    _R.REFUND_FAILED: HoldKind(
        "release",
        ("refunds", "release"),
        Sentence(
            "決済代行での返金が完了していません({outcome}、コード{code})。",
            "The gateway did not refund, or did not say so ({outcome}). Code: {code}.",
        ),
        Sentence(
            "拒否された場合は手動で返金して記録してください。回答がない場合は「断念した処理」の再実行（`shukka retry`）で確認し、それでも回答がなければ"
            "決済代行の画面で返金済みであることを確かめてから保留を解除してください。",
            "What was declined, give back and record. Where the gateway never answered, try what was given up again (`shukka retry`); "
            "if it still does not, see to it that it went back there, then release.",
        ),
    ),
    _R.CAPTURE_FAILED: HoldKind(
        "release",
        ("release",),
        Sentence(
            "商品は発送済みですが、売上の確定に失敗しました。コード{code}。",
            "The capture failed; the goods have left. Code: {code}.",
        ),
        Sentence(
            "決済代行の画面で確認し、「断念した処理」を再実行（`shukka retry`）するか、代金を別の方法で受領してから保留を解除してください。",
            "Look it up at the gateway; try what was given up again (`shukka retry`), or collect the money another way and release the order.",
        ),
    ),
    _R.VOID_FAILED: HoldKind(
        "release",
        ("release",),
        Sentence(
            "オーソリ、または未払いの支払番号を取り消せませんでした。コード{code}。",
            "What the gateway holds, or still waits for, could not be taken back. Code: {code}.",
        ),
        Sentence(
            "「断念した処理」を再実行（`shukka retry`）するか、決済代行の画面で取り消してから保留を解除してください。",
            "Try what was given up again (`shukka retry`), or void it at the gateway, then release the order.",
        ),
    ),
    _R.AUTHORIZATION_ENDS: HoldKind(
        "release",
        ("release", "cancel"),
        Sentence(
            "商品の発送前に、{amount}円のオーソリが{until}に失効します(SPL-04)。",
            "The authorization of {amount} yen ends on {until}, before the goods leave (SPL-04).",
        ),
        Sentence(
            "保留を解除すると発送前に全額を売上確定します。発送できない場合はキャンセルしてください。",
            "A release captures the whole sum now, and the goods follow; cancel the order where they will not.",
        ),
    ),
    _R.AUTHORIZATION_LOST: HoldKind(
        "release",
        ("release", "cancel", "lines:cancel", "lines:return"),
        Sentence(
            "{amount}円の支払いの確保が決済代行側で終了しており({state})、商品の代金を受け取れません(SPL-04)。",
            "The gateway holds the {amount} yen no longer ({state}): nothing pays for the goods (SPL-04).",
        ),
        Sentence(
            "お客様から別の方法で代金を受け取ってから保留を解除するか、キャンセルまたは返品として処理してください。",
            "Get the money from the customer in another way, then release; else cancel the order, or take the goods back.",
        ),
    ),
    _R.SUPPLIER_UNREACHABLE: HoldKind(
        "shipment",
        ("shipments:ask_again", "shipments:reroute", "release", "cancel"),
        Sentence(
            "{supplier}が出荷{shipment}の指示を受け付けませんでした。",
            "{supplier} did not take the instruction for {shipment}.",
        ),
        Sentence(
            "出荷元に連絡し、再度指示するか、別の出荷元に変更するか、キャンセルしてください。",
            "Call the supplier; ask it again, give the shipment to another one, or cancel the order.",
        ),
    ),
    _R.SUPPLIER_REFUSED: HoldKind(
        "shipment",
        ("shipments:reroute", "shipments:ask_again", "lines:cancel", "cancel"),
        Sentence("{supplier}が出荷{shipment}を断りました: {why}", "{supplier} refused {shipment}: {why}"),
        Sentence(
            "別の出荷元に変更するか、再度指示するか、明細または注文を取り消してください。出荷元が発送すれば自動的に解除されます。",
            "Give the shipment to another supplier, ask this one again, take the lines out, or cancel the order; the hold ends by itself "
            "if the supplier ships after all.",
        ),
    ),
    _R.SUPPLIER_SHORT: HoldKind(
        "shipment",
        ("lines:cancel", "release", "shipments:reroute", "cancel"),
        Sentence(
            "{supplier}が出荷{shipment}のうち{pieces}を手配できません(INT-13)。",
            "{supplier} cannot supply {pieces} of {shipment} (INT-13).",
        ),
        Sentence(
            "手配できない明細を取り消すか、別の出荷元に変更するか、手配できる見込みなら保留を解除してください。",
            "Take these lines out, give the shipment to another supplier, or release the order where the supplier finds them after "
            "all.",
        ),
    ),
    _R.SUPPLIER_SILENT: HoldKind(
        "shipment",
        ("shipments:ask_again", "release", "shipments:reroute", "lines:cancel", "cancel"),
        Sentence(
            "{supplier}から出荷{shipment}について、再三の問い合わせにもかかわらず回答がありません。",
            "{supplier} does not answer about {shipment}, though it was asked again and again.",
        ),
        Sentence(
            "出荷元に連絡し、再度指示するか、引き続き待つ場合は保留を解除、手配できない場合は別の出荷元に変更するか明細を取り消してください。回答があれば自動的に解除されます。",
            "Call the supplier; ask it again, release the order to wait on, give the shipment to another supplier, or take the lines "
            "out. The hold ends by itself once it answers.",
        ),
    ),
    _R.DISPATCH_LATE: HoldKind(
        "shipment",
        ("release", "shipments:ask_again", "shipments:reroute", "lines:cancel", "cancel"),
        Sentence(
            "{supplier}から出荷{shipment}の発送報告が、予定日({was})を過ぎてもありません。",
            "{supplier} has not reported {shipment} as left on its day, {was}.",
        ),
        Sentence(
            "出荷元に確認し、新しい予定日まで待つ場合は保留を解除、発送できない場合は別の出荷元に変更するか明細を取り消してください。発送されれば自動的に解除されます。",
            "Ask the supplier; release the order to wait for the new day, give the shipment to another supplier, or take the lines "
            "out. The hold ends by itself once the goods leave.",
        ),
    ),
    _R.CANCEL_REFUSED: HoldKind(
        "shipment",
        ("release",),
        Sentence(
            "出荷{shipment}のキャンセルを{supplier}が断りました。商品は発送されます。",
            "{supplier} refused to cancel {shipment}: the goods will leave.",
        ),
        Sentence(
            "出荷元に確認するか、お客様に連絡してから保留を解除してください。",
            "Settle it with the supplier or with the customer, then release the order.",
        ),
    ),
    _R.SHIPPED_AFTER_CANCEL: HoldKind(
        "shipment",
        ("release",),
        Sentence(
            "キャンセル済みの商品が、出荷{shipment}で発送されました。",
            "{shipment} left with goods that had been cancelled.",
        ),
        Sentence(
            "荷物を呼び戻すか、お客様に連絡してから保留を解除してください。",
            "Call the parcel back or settle it with the customer, then release the order.",
        ),
    ),
    _R.RETURNED_UNDELIVERED: HoldKind(
        "release",
        ("lines:return", "release"),
        Sentence("出荷{shipment}がお客様に届かず戻りました(RET-08)。", "{shipment} came back undelivered (RET-08)."),
        Sentence(
            "返品として処理してください(返品手数料・クーポンの差引はありません)。再発送した場合は保留を解除します。",
            "Take the goods back: no return fee is due and no coupon lost (RET-08). Release the order where they were sent again.",
        ),
    ),
    _R.TRANSIT_ACCIDENT: HoldKind(
        "shipment",
        ("lines:return", "release"),
        Sentence(
            "出荷{shipment}が輸送中に紛失、または破損しました(RET-07)。",
            "{shipment} was lost or damaged on the way (RET-07).",
        ),
        Sentence(
            "店舗の責任(fault: shop)として返品処理してください。荷物が見つかれば自動的に解除されます。",
            'Take the goods back with "fault": "shop"; the hold ends by itself if the parcel is found.',
        ),
    ),
    _R.PARCEL_PROBLEM: HoldKind(
        "release",
        ("release", "lines:return"),
        Sentence(
            "出荷{shipment}をお届けできていません(住所不明・受取拒否・返送中のいずれか)。",
            "{shipment} cannot be delivered: the address is not found, it was refused, or it is on its way back.",
        ),
        Sentence(
            "お客様に連絡し、運送会社に指示してから保留を解除してください。配達が完了すれば自動的に解除されます。",
            "Ask the customer and instruct the carrier, then release the order; the hold ends by itself on delivery.",
        ),
    ),
    _R.DELIVERY_OVERDUE: HoldKind(
        "shipment",
        ("release", "lines:return"),
        Sentence(
            "出荷{shipment}は届いているはずですが、{day}から配達の知らせがありません。",
            "{shipment} should have arrived by now, and nothing was heard of it since {day}.",
        ),
        Sentence(
            "運送会社またはお客様に確認し、届いていれば保留を解除、紛失していれば返品(fault: shop)として処理してください。",
            'Ask the carrier or the customer: release the order where it arrived, else take the goods back with "fault": "shop"; '
            "the hold ends by itself when news of the parcel comes.",
        ),
    ),
    _R.COD_UNCOLLECTED: HoldKind(
        "release",
        ("collected", "lines:return", "lines:cancel"),
        Sentence(
            "代金引換の{amount}円が未回収で、この先も自動では回収されません(PAY-09)。",
            "The {amount} yen due on delivery were not collected, and nothing brings them in by itself (PAY-09).",
        ),
        Sentence(
            "お客様から代金を受け取って記録するか、商品を返品として処理してください。代金を回収する荷物があれば自動的に解除されます。",
            "Get the money from the customer and record it, or take the goods back; the hold ends by itself once a parcel collects it.",
        ),
    ),
    _R.COD_AFTER_CANCEL: HoldKind(
        "release",
        ("release", "refunds"),
        Sentence(
            "代金引換の注文をキャンセルした後に出荷{shipment}が受け取られ、{amount}円が回収されました(PAY-09)。",
            "{shipment} was received after the order was cancelled, and {amount} yen were collected (PAY-09).",
        ),
        Sentence(
            "お客様がお買い上げになる場合は保留を解除して販売を成立させ、そうでない場合は返金して記録してください。",
            "Where the customer keeps the goods, release the order and the sale stands; else give the money back and record the refund.",
        ),
    ),
    _R.RETURN_OVERDUE: HoldKind(
        "release",
        ("release",),
        Sentence(
            "受け取られなかった出荷{shipment}が、まだ戻っていません(PAY-09)。",
            "{shipment}, which nobody received, is not back yet (PAY-09).",
        ),
        Sentence(
            "運送会社に所在を確認してから保留を解除してください。戻れば自動的に解除されます。",
            "Ask the carrier where it is, then release the order; the hold ends by itself once the parcel is back.",
        ),
    ),
    _R.RETURN_UNSETTLED: HoldKind(
        "release",
        ("returns:inspect", "returns:refund", "returns:replace", "returns:close"),
        Sentence(
            "返品{return_id}の商品が届いていますが、まだ処理が終わっていません。",
            "The goods of return {return_id} are back, and nobody has settled it.",
        ),
        Sentence(
            "商品を検品し、返金・交換などの処理を行うか、返品を終了してください。",
            "Inspect the goods and give the customer what is due, or close the return.",
        ),
        Sentence("返品の商品を確認しております。", "We are looking at the goods that you sent back."),
    ),
}
