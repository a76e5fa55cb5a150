"""What a recogniser is: a kind of instruction, whom it is for, how it is found, and the words it may stand among."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.rules.order import Order
from pipelines.rules.remarks.claim import Claim, Reader
from pipelines.rules.remarks.text import Text

if TYPE_CHECKING:
    from pipelines.shops import Shop
    from pipelines.shops.trading import RemarkRule


@dataclass(frozen=True, slots=True)
class Remark:
    """What a recogniser looks at: the plain copy of the remarks with ``TAKEN`` for what others have claimed; the remarks
    themselves; the order; its shop; the profile's rule that names the recogniser."""

    text: str
    source: Text
    order: Order
    shop: Shop
    rule: RemarkRule


@dataclass(frozen=True, slots=True)
class Recogniser:
    """``kind`` is also its name in a profile; ``words`` (patterns) may stand around its claims without changing them."""

    kind: str
    for_: Reader
    recognise: Callable[[Remark], Iterator[Claim]]
    words: tuple[str, ...]
