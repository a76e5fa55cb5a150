"""御中 after an organisation, 様 after a person, one alone, and in Japanese alone (documents.md 2)."""

from __future__ import annotations

import pytest

from pipelines.values.honorific import called


@pytest.mark.parametrize(
    ("to", "locale", "shown"),
    [
        ({"name": "サロン髙橋", "kind": "organisation"}, "ja", "サロン髙橋 御中"),
        ({"name": "髙橋 﨑子", "kind": "individual"}, "ja", "髙橋 﨑子 様"),
        ({"name": "髙橋 﨑子"}, "ja", "髙橋 﨑子 様"),
        ({"name": "サロン髙橋御中", "kind": "organisation"}, "ja", "サロン髙橋御中"),
        ({"name": "サロン髙橋 髙橋様", "kind": "organisation"}, "ja", "サロン髙橋 髙橋様"),
        ({"name": "髙橋 﨑子 さま", "kind": "individual"}, "ja", "髙橋 﨑子 さま"),
        ({"name": "", "kind": "individual"}, "ja", ""),
        ({"name": "Salon", "kind": "organisation"}, "en", "Salon"),
    ],
)
def test_how_an_addressee_is_called(to: dict[str, str], locale: str, shown: str) -> None:
    assert called(to, locale) == shown
