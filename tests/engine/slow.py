"""A batch that stands still between its decisions and its commit, for tests of what another one does meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event

from pipelines.ports import MailIntent, MailRenderer, RenderedMail


@dataclass
class Slow:
    """A renderer that stops, with its batch decided and not written, until it may go on."""

    real: MailRenderer
    reached: Event = field(default_factory=Event)
    go: Event = field(default_factory=Event)

    def render(self, intent: MailIntent, *, shop: str, number: str) -> RenderedMail:
        self.reached.set()
        assert self.go.wait(30)
        return self.real.render(intent, shop=shop, number=number)
