"""The thank-you coupon (お礼クーポン): a single-use code for a new customer, posted, or mailed where letters are not wanted (CUT-05).

Points are credited when the customer enters the code with an order (PTS-15), never by making it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from models.store import posted_coupons
from models.store.posted_coupons import MailedRow, NewCodeRow, NewCustomerRow
from pipelines.engine import run
from pipelines.orders.mails import member_mail
from pipelines.ports import MailIntent, MailRenderer
from pipelines.rules.consent import way_of_coupon
from pipelines.rules.dates.periods import end_of, last_day
from pipelines.rules.money.coupons import CODE_GROUPS, CODE_LETTERS, CODE_PREFIX
from pipelines.shops import Shop
from pipelines.values.calendar import in_japan
from pipelines.values.coupon_key import coupon_key

#: By whom a code is sent that goes by mail.
BY_MAIL: Final = "mail"


def new_code() -> str:
    """A code that nobody can guess (59 bits), of letters and digits that nobody confuses."""
    groups = ("".join(secrets.choice(CODE_LETTERS) for _ in range(size)) for size in CODE_GROUPS)
    return "-".join((CODE_PREFIX, *groups))


def thank(
    connection: Connection, renderer: MailRenderer, shop: Shop, customers: Sequence[NewCustomerRow], now: datetime
) -> None:
    """Make a code for each of the customers; those who want no letters get a mail."""
    codes = [_code_for(shop, one, now) for one in customers]
    posted_coupons.add(connection, codes)
    mailed = [
        MailedRow(one.customer_id, code.code, code.points, code.expires_at, one.email, one.name, one.locale)
        for one, code in zip(customers, codes, strict=True)
        if code.way == "mail"
    ]
    _mail(connection, renderer, shop, mailed, now)


def mail_instead(connection: Connection, renderer: MailRenderer, shop: Shop, now: datetime) -> None:
    """Who has stopped letters since the code was made gets it by mail (CON-04)."""
    _mail(connection, renderer, shop, posted_coupons.mail_instead(connection, shop.key, BY_MAIL, now), now)


def _code_for(shop: Shop, one: NewCustomerRow, now: datetime) -> NewCodeRow:
    rules, code = shop.points, new_code()
    way = way_of_coupon(postal_stop=one.postal_stop, withdrawn=False) or "post"
    ordered_on = in_japan(one.accepted_at).date()
    due_on = shop.business_calendar.add_business_days(ordered_on, rules.first_order_coupon_business_days)
    valid = rules.first_order_coupon_valid_days
    return NewCodeRow(
        shop=shop.key,
        customer_id=one.customer_id,
        code=code,
        code_key=coupon_key(code),
        points=rules.first_order_coupon_points,
        order_id=one.order_id,
        way=way,
        due_on=due_on,
        expires_at=end_of(max(due_on, in_japan(now).date()) + timedelta(days=valid)) if valid else None,
        made_at=now,
        posted_at=now if way == "mail" else None,
        posted_by=BY_MAIL if way == "mail" else None,
    )


def _mail(
    connection: Connection, renderer: MailRenderer, shop: Shop, mailed: Sequence[MailedRow], now: datetime
) -> None:
    run.queue_mails(connection, renderer, [run.DueMail(shop.key, _issued(shop, one, now)) for one in mailed], now)


def _issued(shop: Shop, one: MailedRow, now: datetime) -> MailIntent:
    coupon = {
        "code": one.code,
        "points": one.points,
        "expires_on": last_day(one.expires_at) if one.expires_at else None,
    }
    about = f"thanks:{one.customer_id}"
    return member_mail("coupon_issued", shop, one.email, one.name, one.locale, now, about=about, coupon=coupon)
