"""Changes after the order (欠品・一部キャンセル・返品): what goes back, from the stored breakdown alone.

Nothing is priced again. Every piece of a line has its part of each stored amount, the parts are summed over all pieces
that are gone, and an adjustment is what that sum grew by since the one before. So whatever the sequence and the portions,
adjustments add up to the order, to the yen. Tax alone has no parts: it is rounded once per rate on what was supplied, and
once on what of that came back (B.1.2).

Kinds of change: ``cancel`` and ``return`` are the customer's doing; ``short`` (it never left, INT-13) and ``fault`` (it left
and came to nothing: wrong, broken, lost on the way; RET-04, RET-07) are the shop's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pipelines.rules.money.allocation import largest_remainder
from pipelines.rules.money.breakdown import Breakdown, LineShare, TaxAmount
from pipelines.rules.money.earning import still_earned
from pipelines.rules.money.tax import STANDARD_RATE, tax_in, tax_on

CANCEL, SHORT, RETURN, FAULT = "cancel", "short", "return", "fault"
KINDS: Final = (CANCEL, SHORT, RETURN, FAULT)
#: Changes that are the customer's doing.
_GIVEN_UP: Final = (CANCEL, RETURN)
#: Changes of what was never supplied, so that no invoice has it.
_NEVER_LEFT: Final = (CANCEL, SHORT)

Lines = tuple[tuple[str, int], ...]
"""(line, pieces)."""

#: Money that the shop gives back at will: no line, point or tax changes.
GOODWILL: Final = "goodwill"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One change of an order, in yen and points; what it takes out of the order is positive.

    ``amount``, ``member_discount``, ``coupon`` (the discount that ends, of which ``coupon_recovered`` is taken back from
    the customer), ``shipping`` (negative: falls due now) and ``fees`` are in the price display; ``tax`` is what each
    rate's base and tax go down by. ``refund`` = ``money`` + ``points_returned`` (used points that come back) +
    ``points_deducted`` (earned points that were spent meanwhile, at one yen each, where the profile says so).
    ``points_unearned`` are earned no longer. ``return_fee`` is what sending back costs the customer, in the price display;
    it is part of ``fees``. ``carried``: yen given so far beyond what these amounts come to, since a refund is never
    negative; the next adjustment makes it good. It is negative where goodwill had given a part of it before.
    """

    kind: str
    lines: Lines
    amount: int
    member_discount: int
    coupon: int
    coupon_recovered: int
    shipping: int
    fees: int
    tax: tuple[TaxAmount, ...]
    refund: int
    money: int
    points_returned: int
    points_unearned: int
    rank_spend: int
    carried: int
    return_fee: int = 0
    points_deducted: int = 0

    def to_json(self) -> dict[str, Any]:
        """Everything, for storage; ``from_json`` reads it back."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {
            **plain,
            "lines": [{"line": line, "quantity": quantity} for line, quantity in self.lines],
            "tax": [{"rate": one.rate, "base": one.base, "tax": one.tax} for one in self.tax],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Adjustment:
        """Rebuild from ``to_json``'s own output."""
        values = dict(document)
        values["lines"] = tuple((one["line"], one["quantity"]) for one in values["lines"])
        values["tax"] = tuple(TaxAmount(**one) for one in values["tax"])
        return cls(**values)


def adjust(
    breakdown: Breakdown,
    before: Sequence[Adjustment],
    kind: str,
    lines: Iterable[tuple[str, int]],
    *,
    return_fee: int = 0,
    earn_scope: str = "rate_group",
) -> Adjustment:
    """What the change of ``lines`` comes to, after the adjustments ``before``; it costs the customer ``return_fee`` yen
    ex tax (TAX-05). What is left earns over the profile's ``earn_scope`` (INT-13, PTS-03).

    Raises ValueError for an unknown kind or line, or for pieces that are not there any more.
    """
    asked = _asked(breakdown, before, kind, lines)
    on_top = breakdown.rules.display == "ex_tax"
    fee = return_fee if on_top else return_fee + tax_on(return_fee, STANDARD_RATE, breakdown.rules.rounding)
    done = [(one.kind, one.lines, one.return_fee) for one in before]
    old, new = _gone(breakdown, done), _gone(breakdown, [*done, (kind, asked, fee)])
    given = sum(one.refund for one in before if one.kind != GOODWILL)
    refund = max(0, new.value(breakdown) - given)
    returned = sum(one.points_returned for one in before)
    money_left = breakdown.grand_total - sum(one.money for one in before)
    if any(one.kind == GOODWILL for one in before):  # what it gave of these goods' price is not given twice
        refund = min(refund, money_left + breakdown.points_used - returned)
    # Points come back as they were spread over what is gone, and beyond that where money does not suffice.
    most = min(refund, breakdown.points_used - returned)
    points = min(max(new.points_used - returned, refund - money_left, 0), most)
    return Adjustment(
        kind=kind,
        lines=asked,
        amount=new.amount - old.amount,
        member_discount=new.member_discount - old.member_discount,
        coupon=new.coupon - old.coupon,
        coupon_recovered=max(0, new.recovered - sum(one.coupon_recovered for one in before)),
        shipping=new.shipping - old.shipping,
        fees=new.fees - old.fees,
        tax=_tax_since(before, new),
        refund=refund,
        money=refund - points,
        points_returned=points,
        points_unearned=_unearned(breakdown, before, new, earn_scope),
        rank_spend=new.rank_spend - old.rank_spend,
        carried=given + refund - new.value(breakdown),
        return_fee=fee,
    )


def goodwill(amount: int) -> Adjustment:
    """``amount`` yen that the shop gives back at will."""
    return Adjustment(
        kind=GOODWILL,
        lines=(),
        amount=0,
        member_discount=0,
        coupon=0,
        coupon_recovered=0,
        shipping=0,
        fees=0,
        tax=(),
        refund=amount,
        money=amount,
        points_returned=0,
        points_unearned=0,
        rank_spend=0,
        carried=0,
    )


def deduct(change: Adjustment, points: int) -> Adjustment:
    """``change`` with ``points`` of returned goods, which the customer has spent, kept back from its money (PTS-13): as
    many as it has money for."""
    kept = min(points, change.money)
    return replace(change, money=change.money - kept, points_deducted=kept)


def points_unearned(breakdown: Breakdown, before: Sequence[Adjustment], change: Adjustment) -> dict[str, int]:
    """By line, the points of ``change`` that are earned no longer; ``before`` are the adjustments it came after. Each gives those of
    its pieces, and the last what the rest of the order earns less than before (INT-13)."""
    gone = _kinds_by_line([(one.kind, one.lines) for one in before])
    asked = dict(change.lines)
    lost, rest = {}, change.points_unearned
    for share in breakdown.lines:
        if share.line in asked:
            count = len(gone.get(share.line, ()))
            earned_until = _first(share.points, share.quantity, count + asked[share.line])
            lost[share.line] = min(rest, earned_until - _first(share.points, share.quantity, count))
            rest -= lost[share.line]
    if lost and rest:
        lost[next(reversed(lost))] += rest
    return lost


def money_due(breakdown: Breakdown, adjustments: Iterable[Adjustment]) -> int:
    """Yen the customer has to pay in the end: the stored total less the money of all adjustments."""
    return breakdown.grand_total - sum(one.money for one in adjustments)


def totals_after(breakdown: Breakdown, adjustments: Sequence[Adjustment]) -> dict[str, Any]:
    """The contract's ``totals`` of what is left of the order."""
    taxes = {one.rate: [one.base, one.tax] for one in breakdown.tax}
    for change in adjustments:
        for one in change.tax:
            entry = taxes.setdefault(one.rate, [0, 0])
            entry[0] -= one.base
            entry[1] -= one.tax
    left = [{"rate": rate, "base": base, "tax": tax} for rate, (base, tax) in taxes.items() if base or tax]
    return {
        "goods": breakdown.goods - sum(one.amount for one in adjustments),
        "member_discount": breakdown.member_discount - sum(one.member_discount for one in adjustments),
        "coupon_discount": breakdown.coupon_discount - sum(one.coupon for one in adjustments),
        "shipping": breakdown.shipping - sum(one.shipping for one in adjustments),
        "fees": breakdown.fees - sum(one.fees for one in adjustments),
        "tax": left,
        "tax_total": sum(one["tax"] for one in left),
        "before_points": breakdown.before_points - sum(one.refund for one in adjustments if one.kind != GOODWILL),
        "points_used": breakdown.points_used - sum(one.points_returned for one in adjustments),
        "points_deducted": sum(one.points_deducted for one in adjustments),
        "goodwill": sum(one.money for one in adjustments if one.kind == GOODWILL),
        "grand_total": money_due(breakdown, adjustments),
    }


def rows_left(breakdown: Breakdown, adjustments: Sequence[Adjustment]) -> dict[str, Any]:
    """``totals_after`` as people read them, whose rows add up to ``grand_total``: what all changes gave beyond what they come to is
    ``waived``, and ``goodwill`` is only what it gave beside the goods that came back since."""
    totals = totals_after(breakdown, adjustments)
    beyond = next((one.carried for one in reversed(adjustments) if one.kind != GOODWILL), 0)
    return {**totals, "goodwill": totals["goodwill"] + min(beyond, 0), "waived": max(beyond, 0)}


@dataclass(slots=True)
class _Gone:
    """Sums over all pieces that are gone. ``bases`` and ``taxes`` are by rate, what is taken out of the order's; ``left`` is what the
    pieces of each line that are not gone cost after coupons: as they were spread, and less where those of missing goods stay whole on it."""

    amount: int = 0
    member_discount: int = 0
    coupon: int = 0
    recovered: int = 0
    shipping: int = 0
    fees: int = 0
    points_used: int = 0
    rank_spend: int = 0
    left: dict[str, int] = field(default_factory=dict)
    bases: dict[int, int] = field(default_factory=dict)
    taxes: dict[int, int] = field(default_factory=dict)

    def take(self, rate: int, base: int) -> None:
        self.bases[rate] = self.bases.get(rate, 0) + base

    def value(self, breakdown: Breakdown) -> int:
        """What all this cost the customer, with tax."""
        on_top = sum(self.taxes.values()) if breakdown.rules.display == "ex_tax" else 0
        return sum(self.bases.values()) + on_top


_Changes = Sequence[tuple[str, Lines, int]]
"""(kind, lines, return fee in the price display)."""


def _unearned(breakdown: Breakdown, before: Sequence[Adjustment], now: _Gone, scope: str) -> int:
    """Points that are earned no longer, beyond those of the changes before."""
    lost = breakdown.points_earned - still_earned(breakdown, now.left, scope)
    return max(0, lost - sum(one.points_unearned for one in before))


def _gone(breakdown: Breakdown, changes: _Changes) -> _Gone:
    """The state of the order after ``changes``: the same whatever portions it was reached in."""
    gone = _without_tax(breakdown, changes)
    gone.taxes = _taxes_gone(breakdown, changes, gone)
    return gone


def _taxes_gone(breakdown: Breakdown, changes: _Changes, gone: _Gone) -> dict[int, int]:
    """By rate, the tax that ``changes`` take out of the order's. What never left is on no invoice: what was supplied is rounded
    anew. What came back of it is on return invoices, which round for themselves (B.1.2)."""
    stored = {one.rate: one for one in breakdown.tax}
    never_left = _without_tax(breakdown, [one for one in changes if one[0] in _NEVER_LEFT])
    taxes = {}
    for rate in never_left.bases.keys() | gone.bases.keys():
        of_rate, missing = stored.get(rate, TaxAmount(rate, 0, 0)), never_left.bases.get(rate, 0)
        supplied, back = of_rate.base - missing, gone.bases.get(rate, 0) - missing
        taxes[rate] = of_rate.tax - _tax(breakdown, supplied, rate) + _tax(breakdown, back, rate)
    return taxes


def _without_tax(breakdown: Breakdown, changes: _Changes) -> _Gone:
    """As ``_gone``, the bases alone."""
    kinds = _kinds_by_line((kind, lines) for kind, lines, _ in changes)
    gone = _Gone()
    voiding, kept_coupons, given_up = _Voiding(), [], 0
    for share in breakdown.lines:
        pieces = _Pieces(share, on_top=breakdown.rules.display == "ex_tax")
        mine = kinds.get(share.line, [])
        count = len(mine)
        gone.amount += pieces.price * count
        gone.member_discount += pieces.member_discount * count
        gone.points_used += sum(pieces.points_used[:count])
        gone.left[share.line] = sum(pieces.nets[count:])
        gone.rank_spend += _first(share.rank_spend, share.quantity, count)
        gone.take(share.tax_rate, sum(pieces.nets[:count]))
        given_up += sum(net for net, kind in zip(pieces.nets, mine, strict=False) if kind in _GIVEN_UP)
        for kind, coupon in zip(mine, pieces.coupons, strict=False):
            if kind in breakdown.rules.coupon_recovery:
                voiding.price += pieces.price - pieces.member_discount
                voiding.coupon += coupon
            else:
                gone.coupon += coupon
        kept_coupons.append(share.coupon - sum(pieces.coupons[:count]))
    moved = _keep_coupons_whole(breakdown, gone, kinds)
    kept_coupons = [one + more for one, more in zip(kept_coupons, moved, strict=True)]
    risen = _recover_coupon(breakdown, gone, voiding, kept_coupons)
    _lower(breakdown, gone, [max(0, off - up) for off, up in zip(moved, risen, strict=True)])
    all_gone = all(len(kinds.get(share.line, [])) == share.quantity for share in breakdown.lines)
    if all_gone and not any(kind == RETURN for listed in kinds.values() for kind in listed):
        _give_back_extras(breakdown, gone)  # the customer was sent nothing, or nothing right
    elif given_up:
        _charge_shipping(breakdown, gone, given_up - sum(risen))
    for _, _, fee in changes:
        if fee:
            gone.fees -= fee
            gone.take(STANDARD_RATE, -fee)
    return gone


def _keep_coupons_whole(breakdown: Breakdown, gone: _Gone, kinds: Mapping[str, Sequence[str]]) -> list[int]:
    """Coupons of yen stay whole where goods never left: what they took off missing pieces they take off the rest of what they
    discount, as far as it has a price (INT-13). By line, how many yen more."""
    of_yen = [0] * len(breakdown.lines)
    for coupon in breakdown.coupons:
        if coupon.kind == "amount":
            of_yen = [one + part for one, part in zip(of_yen, coupon.by_line, strict=True)]
    if SHORT in breakdown.rules.coupon_recovery or not any(of_yen):
        return [0] * len(of_yen)
    missing, room = 0, []
    for share, yen in zip(breakdown.lines, of_yen, strict=True):
        pieces, mine = _Pieces(share, on_top=breakdown.rules.display == "ex_tax"), kinds.get(share.line, [])
        lost = sum(coupon for coupon, kind in zip(pieces.coupons, mine, strict=False) if kind == SHORT)
        missing += lost * yen // share.coupon if yen else 0
        room.append(sum(pieces.nets[len(mine) :]) if yen else 0)
    moved = largest_remainder(min(missing, sum(room)), room)
    for share, part in zip(breakdown.lines, moved, strict=True):
        gone.coupon -= part
        gone.take(share.tax_rate, part)
    return list(moved)


@dataclass(slots=True)
class _Voiding:
    """Pieces that void the coupons: their price before coupons, and the part of the coupons that was theirs."""

    price: int = 0
    coupon: int = 0


def _recover_coupon(breakdown: Breakdown, gone: _Gone, voiding: _Voiding, kept: Sequence[int]) -> Sequence[int]:
    """Take the whole discount back from what these pieces cost, once (CPN-04); by how many yen kept goods rise, by line.

    What was beyond these pieces' own part is the kept goods' discount: they fall back to their normal price.
    """
    gone.recovered = min(voiding.price, breakdown.coupon_discount - gone.coupon)
    gone.coupon += gone.recovered
    risen = largest_remainder(gone.recovered - voiding.coupon, kept)
    for share, part in zip(breakdown.lines, risen, strict=True):
        gone.take(share.tax_rate, -part)
    return risen


def _lower(breakdown: Breakdown, gone: _Gone, by_line: Sequence[int]) -> None:
    """What is left costs so many yen less, and earns and counts by that (PTS-02, RNK-05)."""
    for share, off in zip(breakdown.lines, by_line, strict=True):
        if off:
            gone.left[share.line] -= off
            gone.rank_spend += share.rank_spend * off // share.net


def _give_back_extras(breakdown: Breakdown, gone: _Gone) -> None:
    """Shipping and fees go back with their part of the points."""
    gone.shipping += breakdown.shipping
    gone.fees += breakdown.fees
    gone.points_used = breakdown.points_used
    gone.take(STANDARD_RATE, breakdown.shipping + breakdown.fees)


def _charge_shipping(breakdown: Breakdown, gone: _Gone, given_up: int) -> None:
    """The fee that was waived falls due once the customer keeps too little (TAX-04; off unless the profile asks)."""
    fee = breakdown.rules.waived_shipping
    net = breakdown.goods - breakdown.member_discount - breakdown.coupon_discount
    if fee and net - given_up < breakdown.rules.free_from:
        gone.shipping -= fee
        gone.take(STANDARD_RATE, -fee)


class _Pieces:
    """A line's stored amounts by piece: unit prices as they are, everything else by the largest remainder (TAX-09)."""

    def __init__(self, share: LineShare, *, on_top: bool) -> None:
        count = share.quantity
        self.price = share.amount // count
        self.member_discount = share.member_discount // count
        self.coupons = largest_remainder(share.coupon, [1] * count)
        self.nets = [self.price - self.member_discount - coupon for coupon in self.coupons]
        taxes = largest_remainder(share.tax, self.nets) if on_top else (0,) * count
        grosses = [net + tax for net, tax in zip(self.nets, taxes, strict=True)]
        self.points_used = largest_remainder(share.points_used, grosses)


def _first(total: int, count: int, pieces: int) -> int:
    """What the first ``pieces`` of ``count`` equal ones have of ``total``: the largest remainder, summed."""
    each, rest = divmod(total, count)
    return each * pieces + min(rest, pieces)


def _tax(breakdown: Breakdown, amount: int, rate: int) -> int:
    compute = tax_on if breakdown.rules.display == "ex_tax" else tax_in
    return compute(amount, rate, breakdown.rules.rounding)


def _kinds_by_line(changes: Iterable[tuple[str, Lines]]) -> dict[str, list[str]]:
    """For each line the kind of each gone piece, first gone first: they take the line's pieces from the front."""
    kinds: dict[str, list[str]] = {}
    for kind, lines in changes:
        for line, quantity in lines:
            kinds.setdefault(line, []).extend([kind] * quantity)
    return kinds


def _asked(breakdown: Breakdown, before: Sequence[Adjustment], kind: str, lines: Iterable[tuple[str, int]]) -> Lines:
    """The lines of a change in the order's sequence, each once; refuses what cannot be."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind of change {kind!r}")
    pieces: dict[str, int] = {}
    for line, quantity in lines:
        if quantity < 1:
            raise ValueError(f"line {line}: {quantity} pieces")
        pieces[line] = pieces.get(line, 0) + quantity
    left = {share.line: share.quantity for share in breakdown.lines}
    if not pieces or not pieces.keys() <= left.keys():
        raise ValueError(f"lines {sorted(pieces)} of an order with {sorted(left)}")
    for one in before:
        for line, quantity in one.lines:
            left[line] -= quantity
    if short := [line for line, quantity in pieces.items() if quantity > left[line]]:
        raise ValueError(f"lines {sorted(short)}: fewer pieces are left")
    return tuple((share.line, pieces[share.line]) for share in breakdown.lines if share.line in pieces)


def _tax_since(before: Sequence[Adjustment], new: _Gone) -> tuple[TaxAmount, ...]:
    """What each rate's base and tax go down by beyond what ``before`` took out of them, as it was stored: a change that was
    rounded in another way is made good by the next."""
    bases, taxes = dict(new.bases), dict(new.taxes)
    for one in (amount for change in before for amount in change.tax):
        bases[one.rate] = bases.get(one.rate, 0) - one.base
        taxes[one.rate] = taxes.get(one.rate, 0) - one.tax
    changes = (TaxAmount(rate, bases[rate], taxes[rate]) for rate in sorted(bases, reverse=True))
    return tuple(one for one in changes if one.base or one.tax)
