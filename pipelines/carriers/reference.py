"""The table of all carriers, written from their files so that it cannot fall behind."""

from __future__ import annotations

from pipelines.carriers import CARRIERS, Carrier

_INTRODUCTION = """# Carriers

Every carrier is one file, `pipelines/carriers/<name>.py`, in the folder that `SHUKKA_PLUGINS` names, or behind the entry
points `shukka.carriers`. Events, profiles and `shukka tracking` take any of its spellings; width, case, spaces and marks do
not matter. A carrier that is not listed is taken as it is written: its numbers only have to look like numbers, and there is
no page. This page is written by `python -m pipelines.carriers`.
"""


def markdown() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, *(line for one in CARRIERS.values() for line in _section(one))])


def _section(one: Carrier) -> list[str]:
    words = [
        f"| {status} | {'、'.join([*one.words.get(status, ()), *(f'…{p}…' for p in one.phrases.get(status, ()))])} |"
        for status in dict.fromkeys([*one.words, *one.phrases])
    ]
    return [
        f"## `{one.name}`: {one.japanese}, {one.english}",
        "",
        f"- spellings: {', '.join(one.spellings) or 'none'}",
        f"- page: {f'`{one.page}`' if one.page else 'none'}",
        f"- slots, with the code of its label program: {', '.join(f'{s} `{code}`' for s, code in one.slots.items()) or 'none'}",
        f"- kept at the depot: {f'{one.storage_days} days' if one.storage_days else 'not known'}",
        "",
        *(["| status | its words |", "|---|---|", *words, ""] if words else []),
    ]
