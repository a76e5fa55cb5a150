"""The makers of the demo's day: one on each channel, each with a way of its own, and what clinic's profile says of them.

``maker-a`` has an interface; ``maker-b`` fetches its work and ships what was cancelled; ``maker-c`` is written to and answers only
once it was asked again; ``maker-d`` has a folder and types a number wrong; ``maker-e`` has its page alone and refuses the first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pipelines.shops.load import PACKAGED

SHOP: Final = "clinic"
MAILBOX: Final = "{supplier}@maker.example.jp"
#: How each maker is told, in the words of profiles.
CHANNELS: Final[Mapping[str, str]] = {
    "maker-a": "webhook",
    "maker-b": "poll",
    "maker-c": "mail",
    "maker-d": "files",
    "maker-e": "portal",
}
#: Goods of the catalogue that other makers send on this day.
SOURCES: Final[Mapping[str, str]] = {"STOOL-3": "maker-d", "BP-700": "maker-e"}
#: The one that ships what was cancelled, and the one to which an operator gives what another one refuses.
REGARDLESS, WILLING = "maker-b", "maker-a"
_WAYS: Final = (
    *("--ships-regardless", REGARDLESS),
    *("--refuses-first", "maker-e"),
    *("--slow", "maker-c"),
    *("--damages", "maker-d"),
)


def written_to() -> list[str]:
    """The addresses at which makers are told."""
    return [MAILBOX.replace("{supplier}", name) for name, channel in CHANNELS.items() if channel in ("mail", "portal")]


def options(url: str, keys: Path, mailbox: Path, files: Path) -> Sequence[str]:
    """The suppliers' process's, so that each maker comes for its work by its channel."""
    told = [
        word
        for name, channel in CHANNELS.items()
        if channel != "webhook"
        for word in ("--channel", f"{name}={channel}")
    ]
    places = (
        "--url",
        url,
        "--keys-file",
        str(keys),
        "--mailbox",
        str(mailbox),
        "--address",
        MAILBOX,
        "--files",
        str(files),
    )
    return (*told, *places, *_WAYS)


def write_profiles(directory: Path) -> None:
    """The four profiles that ship, clinic's with these makers, into the new ``directory``."""
    directory.mkdir()
    for file in PACKAGED.glob("*.toml"):
        text = file.read_text("utf-8")
        (directory / file.name).write_text(with_makers(text) if file.stem == SHOP else text, "utf-8")


def with_makers(profile: str) -> str:
    """A profile whose makers have their channels, over what it says of them. Who is written to is asked again after an hour."""
    for name, channel in CHANNELS.items():
        says = [f'channel = "{channel}"']
        if channel in ("mail", "portal"):
            says += [f'mail = "{MAILBOX.replace("{supplier}", name)}"', "acknowledge_within_hours = 1"]
        if channel == "files":
            says.append('files = { rows = "line" }')
        head = f"[suppliers.{name}]"
        if head not in profile:
            profile += f'\n{head}\ncarrier = "yamato"\n'
        line = re.search(rf"(?m)^{re.escape(head)}.*$", profile)
        assert line is not None  # it was there, or was added
        profile = profile.replace(line.group(), "\n".join([line.group(), *says]))
    return profile
