"""The Amazon SNS behind the fake Amazon Pay: a key and certificate of its own, envelopes, and the confirmation of the subscriber.

Shapes: Amazon SNS, "Parsing message formats" and "Verifying message signatures". Notices go out once the subscription was
confirmed, as SNS does it. The key is new with every process; certificates are named by what is in them.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

import orjson
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from workers.sandbox.http_server import Reply, Request

TOPIC: Final = "arn:aws:sns:ap-northeast-1:000000000000:amazon-pay"
HOST: Final = "https://sns.ap-northeast-1.amazonaws.com"
"""What the addresses in messages say; the fake answers for it at its own."""


class Sns:
    """One topic and its one subscriber. ``version``: of the signatures, 1 (SHA-1) or 2 (SHA-256)."""

    def __init__(self, version: str = "2") -> None:
        self.version = version
        self.token: str | None = None
        self.is_confirmed = False

    @cached_property
    def _key(self) -> Any:
        return generate_private_key(65_537, 2_048)

    @cached_property
    def certificate(self) -> bytes:
        """The certificate in PEM."""
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
        start = datetime(2026, 1, 1, tzinfo=UTC)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self._key.public_key())
        made = made.serial_number(x509.random_serial_number())
        made = made.not_valid_before(start).not_valid_after(start + timedelta(days=730))
        return made.sign(self._key, SHA256()).public_bytes(Encoding.PEM)

    @cached_property
    def certificate_path(self) -> str:
        digest = hashlib.md5(self.certificate, usedforsecurity=False).hexdigest()
        return f"/SimpleNotificationService-{digest}.pem"

    def offer(self, token: str) -> dict[str, str]:
        """What a new subscriber is posted first."""
        self.token, self.is_confirmed = token, False
        return {
            "Type": "SubscriptionConfirmation",
            "MessageId": f"confirm-{token}",
            "Token": token,
            "TopicArn": TOPIC,
            "Message": f"You have chosen to subscribe to the topic {TOPIC}.",
            "SubscribeURL": f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={token}",
        }

    def answer(self, request: Request) -> Reply | None:
        """The certificate, or the confirmation; None for anything else."""
        if request.method == "GET" and request.path.endswith(".pem"):
            is_ours = request.path == self.certificate_path
            return Reply(200, self.certificate, {"content-type": "application/x-pem-file"}) if is_ours else Reply(404)
        if request.method == "GET" and request.path == "/" and "Action=ConfirmSubscription" in request.query:
            if self.token is None or f"Token={self.token}" not in request.query.split("&"):
                return Reply(400)
            self.is_confirmed = True
            return Reply(200, b"<ConfirmSubscriptionResponse/>", {"content-type": "text/xml"})
        return None

    def signed(self, content: bytes) -> tuple[Mapping[str, str], bytes]:
        """A message as it is posted: the fields of ``content`` with who signed them, as ``text/plain``."""
        message: dict[str, str] = orjson.loads(content)
        fields = (
            ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
            if message["Type"] == "Notification"
            else ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
        )
        text = "".join(f"{name}\n{message[name]}\n" for name in fields if name in message)
        hashed = SHA1() if self.version == "1" else SHA256()  # noqa: S303 - what version 1 is
        message |= {
            "SignatureVersion": self.version,
            "Signature": base64.b64encode(self._key.sign(text.encode(), PKCS1v15(), hashed)).decode(),
            "SigningCertURL": f"{HOST}{self.certificate_path}",
        }
        headers = {
            "content-type": "text/plain; charset=UTF-8",
            "x-amz-sns-message-type": message["Type"],
            "x-amz-sns-message-id": message["MessageId"],
            "x-amz-sns-topic-arn": message["TopicArn"],
        }
        return headers, orjson.dumps(message)
