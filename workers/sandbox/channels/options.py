"""The options of ``workers.sandbox.supplier`` about suppliers that come for their work, and about those with ways of their own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import orjson

from pipelines.errors import Misconfigured
from workers.sandbox.channels.channel import SupplierChannel
from workers.sandbox.channels.folder import Folder
from workers.sandbox.channels.page import Page
from workers.sandbox.channels.poll import Poll
from workers.sandbox.courier import Courier
from workers.sandbox.http_client import HttpClient
from workers.sandbox.journal import Journal

#: What each channel needs to be told.
_NEEDS: Final = {"poll": ("url", "keys_file"), "mail": ("mailbox",), "portal": ("mailbox",), "files": ("files",)}


def add_options(options: argparse.ArgumentParser) -> None:
    """Add them."""
    options.add_argument(
        "--channel",
        type=_channel,
        action="append",
        default=[],
        metavar="NAME=CHANNEL",
        help="poll, mail, portal or files",
    )
    options.add_argument("--url", help="Shukka's address, for those that fetch their work")
    options.add_argument("--keys-file", type=Path, help='JSON {"name": "key"}')
    options.add_argument("--mailbox", type=Path, metavar="DIR", help="where the mails of those by mail and portal lie")
    options.add_argument("--address", default="{supplier}@maker.example.jp", help="their mail address")
    options.add_argument("--files", type=Path, metavar="DIR", help="the folder of those by files (SHUKKA_FILES)")
    options.add_argument("--slow", action="append", default=[], metavar="NAME", help="answers only after a while")
    options.add_argument("--slow-minutes", type=float, default=80.0, help="how long that is")
    options.add_argument("--refuses-first", action="append", default=[], metavar="NAME", help="refuses its first")
    options.add_argument("--ships-regardless", action="append", default=[], metavar="NAME", help="heeds no cancel")
    options.add_argument(
        "--damages", action="append", default=[], metavar="NAME", help="its first file has a wrong number"
    )


def channels_of(
    arguments: argparse.Namespace, client: HttpClient, courier: Courier, journal: Journal
) -> dict[str, SupplierChannel]:
    """The channels of those that are not posted to, by supplier. Raises Misconfigured where one lacks what it needs."""
    found: dict[str, SupplierChannel] = {}
    keys = orjson.loads(arguments.keys_file.read_bytes()) if arguments.keys_file is not None else {}
    for name, channel in arguments.channel:
        for option in _NEEDS[channel]:
            if getattr(arguments, option) is None:
                raise Misconfigured(f"--{option.replace('_', '-')}", f"is needed, since {name} is told by {channel}")
        if channel == "poll":
            found[name] = Poll(name, url=arguments.url, key=keys.get(name, ""), client=client, courier=courier)
        elif channel == "files":
            found[name] = Folder(arguments.files, name, journal=journal, damages=name in arguments.damages)
        else:
            address = arguments.address.replace("{supplier}", name)
            found[name] = Page(channel, arguments.mailbox, address, client=client, courier=courier)
    return found


def _channel(word: str) -> tuple[str, str]:
    name, _, channel = word.partition("=")
    if channel not in _NEEDS:
        raise argparse.ArgumentTypeError(f"{word!r} must be NAME=CHANNEL, the channel one of {', '.join(_NEEDS)}")
    return name, channel
