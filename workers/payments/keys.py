"""Keys and secrets of gateways as they must be written: one that was copied wrong is refused at the start, not at each payment."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, SecretStr

_IN_A_HEADER: Final = re.compile(r"[\x21-\x7e]+")


def _in_a_header(key: SecretStr) -> SecretStr:
    if not _IN_A_HEADER.fullmatch(key.get_secret_value()):
        raise ValueError("it has a blank, a line end, or a letter that no header carries")
    return key


def _one_at_least(secrets: SecretStr) -> SecretStr:
    if not secrets.get_secret_value().strip(", "):
        raise ValueError("there is none between the commas")
    return secrets


HeaderKey = Annotated[SecretStr, AfterValidator(_in_a_header)]
"""A key that each request carries in a header."""
SecretsByComma = Annotated[SecretStr, AfterValidator(_one_at_least)]
"""Secrets with commas between them; without one no notice could ever be proven."""
