"""What an action would do, told before it is done (プレビュー): the stage's own decision, a line each. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from pipelines.engine.decision import Decision
from pipelines.rules.billing import is_billed
from pipelines.rules.explain import Sentence


class Foreseen(NamedTuple):
    """One thing that would happen: ``what`` kind of thing (move, money, asked, mail, held), ``about`` which, ``says`` how; of a move
    also whose, from which state (empty: new) and to which."""

    what: str
    about: str
    says: str
    entity: str = ""
    old: str = ""
    new: str = ""


_MONEY: Final = Sentence("{money}円と{points}ポイントをお返しします", "{money} yen and {points} points go back")
_OFF_THE_BILL: Final = Sentence(
    "{money}円を今月のご請求から差し引き、{points}ポイントをお返しします",
    "this month's bill is {money} yen less, and {points} points go back",
)
_AGAIN: Final = Sentence("{to} へもう一度送信します", "once more, to {to}")
_NEW: Final = Sentence("新規", "new")
_HELD: Final = Sentence("保留にします: {says}", "waits for a human: {says}")
_SENT: Final = Sentence("送信します", "goes out")
_OVER: Final = Sentence("保留を終えます", "the hold is over")
_PRICED: Final = Sentence("{total}円に再計算します", "is priced again: {total} yen")


def foreseen(decision: Decision, locale: str) -> list[Foreseen]:
    """What ``decision`` would do, in ``locale`` (ja, else en): states, money, what is asked of the world, mails, holds."""
    return [*_moves(decision, locale), *_money(decision, locale), *_world(decision, locale), *_holds(decision, locale)]


def _moves(decision: Decision, locale: str) -> Iterator[Foreseen]:
    for move in decision.moves:
        old = move.old or _NEW.says(locale)
        says = f"{old} -> {move.new}: {move.cause}"
        yield Foreseen("move", f"{move.entity} {move.id}", says, move.entity, move.old or "", move.new)


def _money(decision: Decision, locale: str) -> Iterator[Foreseen]:
    sentence = _OFF_THE_BILL if is_billed(decision.facts.method) else _MONEY
    for one in decision.adjustments:
        told = sentence.says(locale, money=f"{one.change.money:,}", points=f"{one.change.points_returned:,}")
        yield Foreseen("money", "", told)
    if decision.repricing is not None:
        total = decision.repricing.after.grand_total
        yield Foreseen("money", "", _PRICED.says(locale, total=f"{total:,}"))


def _world(decision: Decision, locale: str) -> Iterator[Foreseen]:
    for effect in decision.effects:
        yield Foreseen(
            "asked", effect.kind, " ".join(str(value) for value in effect.payload.values() if value is not None)
        )
    for mail in decision.mails:
        yield Foreseen("mail", mail.template, _SENT.says(locale))
    for copy in decision.resent:
        yield Foreseen("mail", str(copy.id), _AGAIN.says(locale, to=copy.to))


def _holds(decision: Decision, locale: str) -> Iterator[Foreseen]:
    reasons = {one.id: one.reason for one in decision.facts.holds}
    for closed in decision.closed_holds:
        yield Foreseen("held", reasons.get(closed.id, ""), _OVER.says(locale))
    for opened in decision.opened_holds:
        yield Foreseen("held", opened.hold.reason, _HELD.says(locale, says=opened.hold.says(locale)))
