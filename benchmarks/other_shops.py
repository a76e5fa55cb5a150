"""The shops that come with Shukka as other shops would have set them up: parameters of their profiles drawn by a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pipelines.shops import Shop
from pipelines.shops.installation import Installation
from pipelines.shops.load import ProfileErrors, changed_shop
from workers.sandbox.faults import seeded

#: What a profile may say, each a parameter and its values (docs/shops.md).
CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "suppliers.warehouse.capacity": ("1", "2", "3"),
    "suppliers.maker-a.capacity": ("1", "2"),
    "suppliers.maker-b.capacity": ("1",),
    "suppliers.warehouse.lead_days": ("1", "3"),
    "suppliers.warehouse.acknowledge_within_hours": ("0", "1"),
    "suppliers.warehouse.reminders": ("0", "1"),
    "suppliers.warehouse.report_by": ('"17:00"', '"23:59"'),
    "suppliers.warehouse.late_at": ('"00:00"', '"23:59"'),
    "suppliers.warehouse.ask_date_days": ("1", "3"),
    "suppliers.warehouse.cutoff": ('"09:00"', '"23:59"'),
    "suppliers.warehouse.closed_weekdays": ('["wed"]', "[]"),
    "suppliers.warehouse.no_tracking": ("true",),
    "suppliers.maker-a.ships_via": ('"warehouse"',),
    "suppliers.maker-a.instead": ('"warehouse"',),
    "suppliers.maker-b": ('{ ships_via = "warehouse", transfer_days = 1 }',),
    "pickups.yamato.cutoff": ('"14:00"',),
    "pickups.yamato.closed_weekdays": ('["sun"]',),
    "pickups.sagawa.closed_weekdays": ('["tue", "thu"]',),
    "split.drop_ship": ("true", "false"),
    "split.allow_split_backorder": ("true", "false"),
    "split.chain": (
        '["source", "home", "availability", "promise"]',
        '["source", "home", "availability", "temperature", "together", "limits"]',
    ),
    "calendar.closed_weekdays": ('["mon"]', "[]"),
    "calendar.cutoff": ('"00:00"', '"12:00"', '"23:59"'),
    "calendar.cutoff_inclusive": ("false",),
    "calendar.instruct_at": ('"00:00"', '"14:00"'),
    "calendar.national_holidays": ("false",),
    "price.display": ('"ex_tax"', '"tax_included"'),
    "price.rounding": ('"floor"', '"half_up"', '"ceil"'),
    "price.tax_unit": ('"order"', '"billing_month"'),
    "price.member_discount_percent": ("3", "10"),
    "price.points_treatment": ('"payment"',),
    "shipping.fee": ("330", "980"),
    "shipping.free_from": ("1", "20_000"),
    "shipping.charge_after_change": ("true",),
    "coupons.recover_on": ('["cancel"]', '["short"]', '["cancel", "short", "return"]', "[]"),
    "coupons.return_on_cancel": ("false",),
    "points.rate": ("0.01", "0.1"),
    "points.rounding_scope": ('"line"', '"order"'),
    "points.earn_base_minus_points": ("true",),
    "points.use_cap": ("100", "100_000"),
    "points.activation_event": ('"ordered"', '"delivered"'),
    "points.activation_delay_days": ("1", "14"),
    "points.activate_on": ('"each_shipment"',),
    "points.expiry_months": ("1", "2"),
    "points.expiry_notice_days": ("0", "7", "60"),
    "points.birthday_grant": ("300",),
    "points.registration_grant": ("300",),
    "points.return_expired": ('"regrant"',),
    "points.regrant_days": ("1", "30"),
    "points.clawback": ('"deduct_from_refund"',),
    "ranks.window": ('"calendar_year"', '"rolling_365d"'),
    "ranks.spend_excludes_flagged": ("false",),
    "ranks.keep_after_cancel": ("false",),
    "delivery.requests": ('"strict"', '"clear"', '"best_effort"'),
    "delivery.max_days_ahead": ("0", "7"),
    "delivery.tells": ('["out_for_delivery", "attempt_failed", "held"]',),
    "delivery.delivered_after_days": ("0", "5"),
    "delivery.overdue_after_days": ("1", "5"),
    "payment.capture_policy": ('"last_shipment_full"',),
    "payment.authorization_ends": ('"capture"',),
    "payment.authorization_act_days": ("1", "10"),
    "payment.authorization_warning_days": ("1", "20"),
    "payment.confirm_minutes": ("5", "600"),
    "payment.bank_transfer_days": ("1", "14"),
    "payment.bank_transfer_reminder_days": ("0", "1"),
    "payment.konbini_days": ("1", "10"),
    "payment.konbini_grace_hours": ("0", "48"),
    "payment.konbini_reminder_days": ("0", "2"),
    "payment.reopen_days": ("0", "3"),
    "payment.remind_at": ('"00:00"', '"23:59"'),
    "payment.loan_business_days": ("1", "10"),
    "payment.cod_collects": ('"last"',),
    "payment.cod_unclaimed_days": ("1", "3"),
    "payment.cod_reminder_days": ("0", "1"),
    "payment.cod_redelivery_wait_days": ("0", "3"),
    "payment.cod_return_days": ("1", "5"),
    "payment.transfer_tolerance": ("100", "1_000"),
    "payment.accept_debit": ("false",),
    "cancel.policy": ('"never"', '"until_released"', '"windows"'),
    "intake.marks_window_days": ("30",),
    "intake.max_undelivered_returns": ("0", "1"),
    "intake.max_customer_returns": ("0", "1"),
    "intake.max_customer_cancels": ("1", "2"),
    "intake.individuals": ('"surcharge"',),
    "intake.every_item_unique": ("true", "false"),
    "returns.customer_fee": ("0", "800"),
    "returns.undelivered_fee": ("1_000",),
    "returns.answer_days": ("0", "1", "10"),
    "returns.goods_wait_days": ("1", "5"),
    "returns.inspect_days": ("1", "2"),
}
_CHANGES: Final = 14
"""Parameters that are drawn for a shop."""


def other_shops(
    shops: Mapping[str, Shop], seed: object, installation: Installation
) -> tuple[dict[str, Shop], Mapping[str, Sequence[str]]]:
    """``shops`` with some of ``CHOICES`` instead of what they say, and what was drawn for each; what a profile refuses is not."""
    made, drawn = dict(shops), {key: list[str]() for key in shops}
    for key in shops:
        chance = seeded(seed, "profile", key)
        for name in chance.sample(sorted(CHOICES), _CHANGES):
            says = f"{name} = {chance.choice(CHOICES[name])}"
            try:
                made[key] = changed_shop(made[key], says, installation)
            except ProfileErrors:
                continue
            drawn[key].append(says)
    return made, drawn
