"""docs/metrics.md, made from the registry: ``python -m workers.metrics_page > docs/metrics.md``."""

from __future__ import annotations

from collections.abc import Iterator

from workers.metrics import METRICS, Label

_HEAD = """# Metrics

Made by `python -m workers.metrics_page` from `workers/metrics.py`; a test compares. What is *web* is on `GET /metrics` of every web process and,
but for counters and times of requests, told from the database: one of them is enough. What is *worker* is on each worker's own page
(`SHUKKA_WORKER_METRICS_PORT`; the processes of a host take that port and those after it). No label grows with orders, customers or time: its values are
listed here, or it says how many there are at most. [grafana.json](grafana.json) is a board of them, [alerts.yml](alerts.yml) the alerts, explained in
[operations.md](operations.md#alerts).

| metric | type | unit | labels | process | meaning |
|---|---|---|---|---|---|
"""


def lines() -> Iterator[str]:
    """The page, line by line."""
    for told in METRICS:
        labels = ", ".join(f"`{label.name}`" for label in told.labels) or "none"
        yield f"| `{told.name}` | {told.kind} | {told.unit} | {labels} | {told.where} | {told.says} |\n"
    yield "\n## Labels\n\n| label | of | is | values |\n|---|---|---|---|\n"
    of: dict[Label, list[str]] = {}
    for told in METRICS:
        for label in told.labels:
            of.setdefault(label, []).append(f"`{told.name}`")
    for label, names in of.items():
        yield f"| `{label.name}` | {', '.join(names)} | {label.says} | {_values(label)} |\n"


def _values(label: Label) -> str:
    if isinstance(label.values, int):
        return f"at most {label.values}"
    values = list(label.values())
    return (
        f"{len(values)} numbers"
        if label.name == "status" and len(values) > 10
        else ", ".join(f"`{one}`" for one in values)
    )


def page() -> str:
    """The whole of it."""
    return _HEAD + "".join(lines())


if __name__ == "__main__":
    print(page(), end="")
