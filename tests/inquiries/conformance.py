"""What every inquiry service must do, whatever its wire.

A service's test module subclasses ``InquiryConformance`` and gives the fixture ``bench``: the service opened against pages that can be told of
parcels, with numbers of its carrier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from pipelines.carriers import CARRIERS, Status, carrier
from pipelines.inquiries.inquiry import Asks, Inquiry, Sighting, Unanswered
from tests.inquiries.conftest import Pages
from tests.rules.build import at

NOW = at("2027-01-02T09:00:00")


@dataclass(frozen=True)
class Bench:
    """A service, open; ``numbers`` are of its carrier, none of which the pages know yet."""

    inquiry: Inquiry[object]  # type: ignore[type-var]
    asks: Asks
    pages: Pages
    numbers: Sequence[str]


class InquiryConformance:
    """The suite."""

    def test_it_is_of_carriers_that_there_are(self, bench: Bench) -> None:
        assert set(bench.inquiry.carriers) <= set(CARRIERS)
        assert bench.inquiry.at_once >= 1

    def test_left_out_it_is_asked_by_nobody(self, bench: Bench) -> None:
        """Named in no setting, no service is."""
        assert bench.inquiry.settings() == bench.inquiry.settings.model_validate({})

    def test_what_happened_is_told_oldest_first_over_the_turn_of_a_year(self, bench: Bench) -> None:
        history = [Sighting("発送", at("2026-12-31T18:05:00")), Sighting("中継", at("2027-01-01T23:59:00"))]
        number = bench.numbers[0]
        bench.pages.scanned(number, *((one.word, one.at or NOW) for one in history))
        assert bench.asks.ask([number], NOW) == {number: history}

    def test_a_number_that_is_not_known_has_no_history(self, bench: Bench) -> None:
        assert bench.asks.ask([bench.numbers[1]], NOW) == {bench.numbers[1]: []}

    def test_as_many_as_it_takes_are_asked_in_one_call(self, bench: Bench) -> None:
        numbers = bench.numbers[2 : 2 + bench.inquiry.at_once]
        for number in numbers[::2]:
            bench.pages.scanned(number, ("発送", at("2027-01-01T10:00:00")))
        before = len(bench.pages.asked())
        told = bench.asks.ask(numbers, NOW)
        assert list(told) == list(numbers)
        assert [bool(told[number]) for number in numbers] == [place % 2 == 0 for place in range(len(numbers))]
        assert len(bench.pages.asked()) - before == 1

    def test_every_word_of_its_carriers_comes_as_it_is_written(self, bench: Bench) -> None:
        """B.4.3"""
        for name in bench.inquiry.carriers:
            for status, words in carrier(name).words.items():
                if status is Status.UNKNOWN_NUMBER:
                    continue
                number = bench.numbers[-1]
                bench.pages.scanned(number, *((word, at("2027-01-01T10:00:00")) for word in words))
                seen = bench.asks.ask([number], NOW)[number]
                assert [carrier(name).status(one.word) for one in seen] == [status] * len(words)

    @pytest.mark.parametrize(
        ("fault", "code"),
        [("down_rate", "http_503"), ("cut_rate", "unreachable"), ("changed_rate", "layout"), ("busy_rate", "http_429")],
    )
    def test_a_carrier_that_does_not_answer_knows_nothing_of_a_number(
        self, bench: Bench, fault: str, code: str
    ) -> None:
        """B.4.3: a transport error is never "not found"."""
        bench.pages.fail(**{fault: 1.0})
        with pytest.raises(Unanswered) as raised:
            bench.asks.ask([bench.numbers[0]], NOW)
        assert raised.value.code == code
        assert raised.value.retry_after == (120.0 if code == "http_429" else None)
