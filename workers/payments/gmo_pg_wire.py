"""The wire of GMO-PG's protocol type (idPass): forms in Windows-31J, HTTP 200 also for refusals (gateways.md 2.1).

Sources: t-k/gmo-payment-ruby (lib/gmo/http_services.rb, lib/gmo.rb), gmopg/sdk-nodejs (src/service/credit.ts).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote_to_bytes

import httpx

from pipelines.gateway import CodeClass
from workers.payments.asking import Unsettled, date_of, proves_nothing, sent
from workers.payments.gmo_pg_codes import BEING_EXECUTED, worst

ENCODING: Final = "cp932"
_GETA: Final = "〓"
"""Stands for a letter that Windows-31J does not have, as printers do it."""
_URLS: Final = (b"RedirectUrl", b"StartURL", b"StartUrl", b"ReceiptUrl")
"""Fields whose value is a URL as it is, ``&`` included."""
_AFTER_URLS: Final = frozenset(
    b"ACS AccessID AccessPass OrderID Token StartLimitDate Convenience ConfNo ReceiptNo PaymentTerm TranDate CheckString "
    b"ClientField1 ClientField2 ClientField3 ErrCode ErrInfo".split()
)
"""Fields that may follow one: anything else after it is still of the URL."""
_CHECKED: Final = ("OrderID", "Forward", "Method", "PayTimes", "Approve", "TranID", "TranDate")


class Refused(Exception):
    """A definite "no" of GMO's: nothing was done. ``code`` is the ErrInfo that weighs most."""

    def __init__(self, code: str, code_class: CodeClass) -> None:
        self.code = code
        self.code_class = code_class
        super().__init__(code)


class Api:
    """Calls by name; every one carries the shop's id and pass."""

    def __init__(self, client: httpx.AsyncClient, shop_id: str, shop_pass: str) -> None:
        self._client = client
        self._shop = {"ShopID": shop_id, "ShopPass": shop_pass}
        self.today = datetime.now(UTC)
        """GMO's own time in its last answer: terms in days are counted from its day."""

    async def call(self, name: str, expects: str, **fields: str | int) -> Mapping[str, str]:
        """GMO's answer to ``<name>.idPass``, which must have the field ``expects``.

        Raises Refused for a definite no, Unsettled for whatever proves nothing, was surely not done, or waits for the
        shop's settings.
        """
        body = encoded({**self._shop, **fields})
        headers = {"content-type": "application/x-www-form-urlencoded"}
        request = self._client.build_request("POST", f"/payment/{name}.idPass", content=body, headers=headers)
        response = await sent(self._client, request)
        answer = decoded(response.content) if response.status_code == 200 else {}
        self.today = date_of(response) or datetime.now(UTC)
        if answer.get("ErrInfo"):
            raise _refusal(answer["ErrInfo"])
        if not answer.get(expects):
            raise proves_nothing(response)
        return answer

    def proves(self, answer: Mapping[str, str]) -> bool:
        """Whether the CheckString of a card's answer was made by who knows the shop's pass."""
        told = answer.get("CheckString", "").lower()
        return hmac.compare_digest(told.encode(), check_string(answer, self._shop["ShopPass"]).encode())


def _refusal(infos: str) -> Exception:
    code, code_class = worst(infos.split("|"))
    if code_class is CodeClass.UNKNOWN or code == BEING_EXECUTED:
        return Unsettled(code, code_class, sent=True, again=False)
    if code_class in (CodeClass.TRANSIENT, CodeClass.CONFIGURATION):
        return Unsettled(code, code_class, sent=False, again=code_class is CodeClass.TRANSIENT)
    return Refused(code, code_class)


def check_string(answer: Mapping[str, str], shop_pass: str) -> str:
    """The CheckString that GMO puts under a card's answer."""
    told = "".join(answer.get(field, "") for field in _CHECKED) + shop_pass
    return hashlib.md5(told.encode(ENCODING), usedforsecurity=False).hexdigest()  # GMO's choice


def encoded(fields: Mapping[str, str | int]) -> bytes:
    """The form as it travels; a blank is %20 and a plus %2B."""
    return "&".join(f"{name}={quote(written(str(value)), safe='')}" for name, value in fields.items()).encode("ascii")


def written(text: str, most: int | None = None) -> bytes:
    """``text`` in Windows-31J, whole letters up to ``most`` bytes."""
    found = b""
    for letter in text:
        try:
            more = letter.encode(ENCODING)
        except UnicodeEncodeError:
            more = _GETA.encode(ENCODING)
        if most is not None and len(found) + len(more) > most:
            break
        found += more
    return found


def decoded(body: bytes) -> dict[str, str]:
    """The fields of an answer or a notice; empty for what is no form. A literal plus stays one, a URL keeps its ``&t=``."""
    parts: list[bytes] = []
    for part in body.strip().split(b"&"):
        name = part.partition(b"=")[0]
        if parts and parts[-1].partition(b"=")[0] in _URLS and name not in _AFTER_URLS:
            parts[-1] += b"&" + part
        else:
            parts.append(part)
    if not all(part.partition(b"=")[0].isalnum() for part in parts):
        return {}
    return {
        name.decode("ascii"): unquote_to_bytes(value).decode(ENCODING, "replace")
        for name, value in ((part.partition(b"=")[0], part.partition(b"=")[2]) for part in parts)
    }
