"""An address as people read it, whatever its storefront wrote (B.9.4)."""

from __future__ import annotations

import pytest

from pipelines.values.place import shown_place

PLACE = {"name": "サロン髙橋", "city": "名古屋市中区", "line1": "栄1-2-3"}


@pytest.mark.parametrize(
    ("code", "region", "shown"),
    [
        ("460-0008", "愛知県", ("460-0008", "愛知県")),
        ("〒460 0008", "JP-23", ("460-0008", "愛知県")),
        ("〒４６０　０００８", "ＪＰ－２３", ("460-0008", "愛知県")),
        ("4600008", "jp23", ("460-0008", "愛知県")),
        ("460-0008", "Aichi", ("460-0008", "Aichi")),
        ("46", "JP-48", ("46", "JP-48")),
        ("", "", ("", "")),
    ],
)
def test_a_place_is_shown_without_codes(code: str, region: str, shown: tuple[str, str]) -> None:
    """No second 〒 stands before the code; a name stays as it was written (B.9.2)."""
    told = shown_place({**PLACE, "postal_code": code, "region": region})
    assert (told["postal_code"], told["region"]) == shown
    assert {name: told[name] for name in PLACE} == PLACE
