"""A.0, B.4.4, DLV-02: which times of day an order may ask for, where the profile is silent and where it lists them."""

from __future__ import annotations

import pytest

from pipelines.carriers import CARRIERS
from pipelines.rules.money.pricing import price
from pipelines.rules.refusals import refusals
from pipelines.rules.remarks import read
from pipelines.shops import ProfileErrors
from tests.rules.build import SHOPS, an_order, plain_shop

_YAMATO = ("AM", "14-16", "16-18", "18-20", "19-21")
_MAKER = '[suppliers.maker]\ncarrier = "{}"\n'
_WAREHOUSE = '[suppliers.warehouse]\ncarrier = "{}"\n'


@pytest.mark.parametrize(
    ("shop", "slots"), [("apparel", _YAMATO), ("salon", _YAMATO), ("reuse", _YAMATO), ("clinic", None)]
)
def test_the_four_shops(shop: str, slots: tuple[str, ...] | None) -> None:
    """reuse lists its own (DLV-02), clinic takes any words (DLV-01), the others are silent: Yamato comes."""
    assert SHOPS[shop].slots == slots


@pytest.mark.parametrize(
    ("profile", "slots"),
    [
        ("", ("AM", "12-14", "14-16", "16-18", "18-20", "18-21", "19-21")),  # nobody says who comes
        (_WAREHOUSE.format("yamato"), _YAMATO),
        (_WAREHOUSE.format("佐川"), ("AM", "12-14", "14-16", "16-18", "18-20", "19-21")),
        (_WAREHOUSE.format("sagawa") + "files.windows = 5", ("AM", "12-14", "14-16", "16-18", "18-21")),
        (_WAREHOUSE.format("sagawa") + _MAKER.format("yamato"), _YAMATO),  # what both keep
        (_WAREHOUSE.format("yamato") + _MAKER.format("seino"), ("AM",)),
        (_WAREHOUSE.format("yamato") + _MAKER.format("own_fleet"), _YAMATO),  # it has no windows of its own
        ('[delivery]\ncarriers = ["yamato", "japan_post"]', _YAMATO),
        ('[delivery]\ncarriers = ["sagawa"]\n' + _WAREHOUSE.format("yamato"), _YAMATO),  # its own carrier comes
        (_WAREHOUSE.format("yamato") + _MAKER.format("seino") + 'ships_via = "warehouse"', _YAMATO),
        ('[delivery]\nslots = ["AM", "夕方"]\n' + _WAREHOUSE.format("yamato"), ("AM", "夕方")),
        ("[delivery]\nslots = []\n" + _WAREHOUSE.format("yamato"), None),
    ],
)
def test_what_all_of_a_shops_carriers_keep(profile: str, slots: tuple[str, ...] | None) -> None:
    assert plain_shop(profile).slots == slots


@pytest.mark.parametrize(
    ("profile", "key"),
    [
        ('[delivery]\nslots = ["AM", "12-14"]\n' + _WAREHOUSE.format("yamato"), "delivery.slots[1]"),
        ('[delivery]\nslots = ["20-21"]\n' + _WAREHOUSE.format("japan_post"), "delivery.slots[0]"),
        ('[delivery]\nslots = ["18-21"]\n' + _WAREHOUSE.format("sagawa"), "delivery.slots[0]"),  # six windows
        ('[delivery]\nslots = ["18-21"]\ncarriers = ["yamato"]', "delivery.slots[0]"),
    ],
)
def test_a_window_that_no_carrier_of_the_shop_has_is_refused(profile: str, key: str) -> None:
    with pytest.raises(ProfileErrors, match="no carrier of the shop has it; there is AM") as refused:
        plain_shop(profile)
    assert [one[1] for one in refused.value.entries] == [key]


@pytest.mark.parametrize(
    "profile",
    [
        '[delivery]\nslots = ["12-14"]\n' + _WAREHOUSE.format("yamato") + _MAKER.format("sagawa"),  # one has it
        '[delivery]\nslots = ["06-08"]\n' + _WAREHOUSE.format("yamato") + _MAKER.format("own_fleet"),
        '[delivery]\nslots = ["06-08"]',
    ],
)
def test_a_list_that_some_carrier_may_keep_is_the_shops_own_matter(profile: str) -> None:
    assert plain_shop(profile).slots


@pytest.mark.parametrize("shop", ["apparel", "salon"])
@pytest.mark.parametrize("slot", sorted({slot for carrier in CARRIERS.values() for slot in carrier.slots}))
def test_what_intake_takes_its_label_can_say(shop: str, slot: str) -> None:
    """B.4.4: Yamato has neither 12-14 nor 18-21."""
    order = an_order(shop, delivery_slot=slot)
    refused = refusals(order, SHOPS[shop], price(order, SHOPS[shop]), now=order.placed_at)
    assert any(one.field == "delivery.slot" for one in refused) == (slot not in CARRIERS["yamato"].slots)


def test_remarks_ask_for_the_shops_windows_alone() -> None:
    order = an_order("apparel", remarks="12-14時着希望")
    assert [one.kind for one in read(order, SHOPS["apparel"]).instructions] == ["unread"]
