"""How requests to Amazon Pay are signed: RSASSA-PSS over a canonical form of all that is sent (gateways.md 6.1).

Source: ``amzn/amazon-pay-api-sdk-php``, ``Amazon/Pay/API/Client.php`` 2.7.2.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # the library is loaded by those who sign: it is large, and most shops have no such gateway
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

ALGORITHM: Final = "AMZN-PAY-RSASSA-PSS-V2"
_SALT: Final = 32  # of V2; the first version's 20 is another algorithm


def canonical(method: str, path: str, query: str, headers: Mapping[str, str], payload: bytes) -> str:
    """What is signed of a request; ``headers`` by lower-case name, ``query`` as it travels."""
    names = sorted(headers)
    told = "".join(f"{name}:{headers[name]}\n" for name in names)
    parameters = "&".join(sorted(query.split("&"))) if query else ""
    return "\n".join([method, path, parameters, told, ";".join(names), hashlib.sha256(payload).hexdigest()])


def authorization(key: RSAPrivateKey, key_id: str, request: str, headers: Mapping[str, str]) -> str:
    """The ``Authorization`` header of the canonical ``request`` with ``headers``."""
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
    from cryptography.hazmat.primitives.hashes import SHA256

    to_sign = f"{ALGORITHM}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = base64.b64encode(key.sign(to_sign.encode(), PSS(MGF1(SHA256()), _SALT), SHA256())).decode()
    return f"{ALGORITHM} PublicKeyId={key_id}, SignedHeaders={';'.join(sorted(headers))}, Signature={signature}"


def private_key(pem: str) -> RSAPrivateKey:
    """The RSA key in ``pem``, whose line ends may be written as backslash n. Raises ValueError for anything else."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.replace("\\n", "\n").encode(), password=None)
    except TypeError:
        raise ValueError("the key is encrypted") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("it is no RSA key")
    return key
