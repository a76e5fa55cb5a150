"""Messages of Amazon SNS: proven by the certificate that signed them, before anything in them is believed (gateways.md 6.4).

Source: the notification handler of ``woocommerce/woocommerce-gateway-amazon-pay``. What is signed is some fields of the
envelope, not its bytes, and a message has no age at which it is refused: one that nobody took is sent again for 14 days.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx
import structlog

from pipelines.errors import Unreachable
from workers.http.signing import SignatureRefused

if TYPE_CHECKING:  # the library is loaded by those who get a message: it is large, and most shops get none
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

log = structlog.get_logger(__name__)

_NOTICE: Final = "Notification"
_OFFER: Final = "SubscriptionConfirmation"
_END: Final = "UnsubscribeConfirmation"
_OF_A_SUBSCRIPTION: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED: Final = {
    _NOTICE: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    _OFFER: _OF_A_SUBSCRIPTION,
    _END: _OF_A_SUBSCRIPTION,
}
_HASHES: Final[Mapping[str, str]] = {"1": "SHA1", "2": "SHA256"}
_HOST: Final = re.compile(r"sns\.[a-zA-Z0-9\-]{3,}\.amazonaws\.com(\.cn)?")
_TIMEOUT: Final = 3.0
"""Seconds for a certificate, or for a confirmation."""
_MOST_KEYS: Final = 64
"""Certificates that are kept: Amazon has one a region at a time."""

Fetch = Callable[[str], bytes]
"""The content at an address. Raises Unreachable where it cannot be had now, SignatureRefused where there is none."""


def signed_text(message: Mapping[str, Any]) -> str:
    """What is signed of ``message``: name and value of its fields, a line each. Raises SignatureRefused for another type."""
    names = _SIGNED.get(str(message.get("Type")))
    if names is None:
        raise SignatureRefused("It is no SNS message of a type that is known.")
    return "".join(f"{name}\n{message[name]}\n" for name in names if message.get(name) is not None)


class Messages:
    """Proves messages; keeps the keys of the certificates that it fetched. Safe to use from several threads."""

    def __init__(self, fetch: Fetch | None = None) -> None:
        self._fetch = fetch or fetched
        self._keys: dict[str, RSAPublicKey] = {}

    def tell(self, message: Mapping[str, Any], topics: Sequence[str]) -> bool:
        """Whether there is something to read: True for a notification. A subscription that is offered is accepted; that one has ended
        is logged. Raises as ``prove`` and ``confirm`` do."""
        self.prove(message, topics)
        if message["Type"] == _OFFER:
            self.confirm(message, topics)
        elif message["Type"] == _END:
            log.warning("sns.unsubscribed", topic=message["TopicArn"])
        return bool(message["Type"] == _NOTICE)

    def prove(self, message: Mapping[str, Any], topics: Sequence[str]) -> None:
        """Raise SignatureRefused unless SNS signed ``message`` for one of ``topics``, each an ARN and, after a space, where SNS
        is reached if not under its own names. Raises Unreachable where the certificate cannot be had now."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

        certificate = self._of_sns(message, "SigningCertURL", topics)
        if not urlsplit(certificate).path.endswith(".pem"):
            raise SignatureRefused("SigningCertURL names no certificate.")
        hash_name = _HASHES.get(str(message.get("SignatureVersion")))
        if hash_name is None:
            raise SignatureRefused("SignatureVersion must be 1 or 2.")
        text, signature = signed_text(message).encode("utf-8", "surrogatepass"), _decoded(message.get("Signature"))
        try:
            self._key(certificate).verify(signature, text, PKCS1v15(), getattr(hashes, hash_name)())
        except InvalidSignature:
            raise SignatureRefused("Signature is not that of the message.") from None

    def confirm(self, message: Mapping[str, Any], topics: Sequence[str]) -> None:
        """Accept the subscription that a proven ``message`` offers. Raises SignatureRefused, Unreachable."""
        self._fetch(self._of_sns(message, "SubscribeURL", topics))

    def _of_sns(self, message: Mapping[str, Any], name: str, topics: Sequence[str]) -> str:
        """The address in ``message`` under ``name``, once it is one of SNS and the topic one of ours."""
        reached = {topic.partition(" ")[0]: topic.partition(" ")[2] for topic in topics}
        topic = message.get("TopicArn")
        if not isinstance(topic, str) or topic not in reached:
            raise SignatureRefused("TopicArn is none of the topics that are heard.")
        url = str(message.get(name))
        try:
            parts = urlsplit(url)
            trusted = parts.scheme == "https" and parts.port is None and _HOST.fullmatch(parts.netloc) is not None
        except ValueError:
            trusted = False
        if not trusted:
            raise SignatureRefused(f"{name} is no address of SNS.")
        return f"{reached[topic]}{parts.path}{'?' if parts.query else ''}{parts.query}" if reached[topic] else url

    def _key(self, url: str) -> RSAPublicKey:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
        from cryptography.x509 import load_pem_x509_certificate

        if (known := self._keys.get(url)) is not None:
            return known
        try:
            key = load_pem_x509_certificate(self._fetch(url)).public_key()
        except ValueError:
            raise SignatureRefused("SigningCertURL names no certificate.") from None
        if not isinstance(key, RSAPublicKey):
            raise SignatureRefused("SigningCertURL names no certificate of an RSA key.")
        if len(self._keys) >= _MOST_KEYS:
            self._keys.clear()
        self._keys[url] = key
        return key


def fetched(url: str) -> bytes:
    """What ``url`` has, no redirect followed. Raises Unreachable, SignatureRefused for a 4xx."""
    try:
        answer = httpx.get(url, timeout=_TIMEOUT, trust_env=False)
    except httpx.HTTPError as error:
        raise Unreachable(f"SNS cannot be reached: {type(error).__name__}") from error
    if 400 <= answer.status_code < 500:
        raise SignatureRefused("SNS has nothing at the address that the message names.")
    if answer.status_code != 200:
        raise Unreachable(f"SNS answered {answer.status_code}")
    return answer.content


def _decoded(signature: object) -> bytes:
    try:
        return base64.b64decode(str(signature), validate=True)
    except (binascii.Error, ValueError):
        raise SignatureRefused("Signature must be base64.") from None
