"""How each request to PayPay is signed (gateways.md 5.1): HMAC-SHA256 over its path, method, nonce, time and the bytes of its body."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

CONTENT_TYPE: Final = "application/json;charset=UTF-8"
"""Equal to the byte in the header and in the digest of the body."""
_EMPTY: Final = "empty"


def authorization(key: str, secret: str, method: str, path: str, body: bytes | None, nonce: str, epoch: int) -> str:
    """The header ``Authorization`` of a request: ``path`` without host and query, ``epoch`` in seconds, ``nonce`` of 8 letters;
    ``body`` as it travels, None for a request without one."""
    content_type = _EMPTY if body is None else CONTENT_TYPE
    digest = _EMPTY
    if body is not None:
        digest = base64.b64encode(hashlib.md5(CONTENT_TYPE.encode() + body, usedforsecurity=False).digest()).decode()
    signed = "\n".join([path, method, nonce, str(epoch), content_type, digest])
    mac = base64.b64encode(hmac.digest(secret.encode(), signed.encode(), hashlib.sha256)).decode()
    return f"hmac OPA-Auth:{key}:{mac}:{nonce}:{epoch}:{digest}"
