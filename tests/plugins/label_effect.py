"""A kind of effect as somebody else writes it: it prints a label and yields its bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Engine, text

from pipelines.ports import Outcome, Output, Verdict
from workers.effects.effect import Effect, Job, Means, Perform


def _load(engine: Engine, ids: Sequence[int]) -> Mapping[int, str]:
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT e.id, o.number FROM effect e JOIN shop_order o ON o.id = e.order_id WHERE e.id = ANY(:ids)"),
            {"ids": list(ids)},
        )
        return {row.id: row.number for row in found}


def _equip(means: Means) -> Perform[str]:
    async def perform(job: Job[str]) -> Outcome:
        if job.attempts == 1 and job.row == "S-2":
            return Outcome(Verdict.RETRY, code="no_paper", output=Output("text/plain", b"half a label"))
        label = f"LABEL {job.row}".encode()
        return Outcome(Verdict.OK, reference=f"label-{job.row}", output=Output("text/plain", label))

    return perform


EFFECT = Effect(
    name="labels",
    kinds=("label.print",),
    queue="printers",
    target=lambda number: "the printer",
    total=10.0,
    load=_load,
    equip=_equip,
)
