"""Identification of this server to push services (VAPID, RFC 8292)."""

import hashlib
import time
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from server.gateways.push.web_push.encryption import CURVE, decode, encode, public_bytes

KEY_BYTES = 32
# RFC 8292 allows a day. A token is renewed while it is still valid for some hours, so that clocks may differ.
LIFETIME_S, RENEWED_AFTER_S = 12 * 3600, 6 * 3600
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def parse_key(text: str) -> ec.EllipticCurvePrivateKey:
    """Return the private key of 32 bytes in base64url. Raises ValueError."""
    content = decode(text)
    if len(content) != KEY_BYTES:
        raise ValueError("not 32 bytes")
    return ec.derive_private_key(int.from_bytes(content, "big"), CURVE)


def derive_key(secret: str) -> ec.EllipticCurvePrivateKey:
    """Return the key for development, which another secret determines."""
    digest = hashlib.sha512(b"vapid " + secret.encode()).digest()
    return ec.derive_private_key(int.from_bytes(digest, "big") % (ORDER - 1) + 1, CURVE)


class Vapid:
    """`subject` is an address of the operator, as mailto: or https:."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, subject: str) -> None:
        self._key = key
        self._subject = subject
        self._headers: dict[str, tuple[float, str]] = {}
        self.public_key = encode(public_bytes(key.public_key()))

    def authorization(self, endpoint: str) -> str:
        """Return the header for a request to the push service of an endpoint; it is the same for hours."""
        parts = urlsplit(endpoint)
        audience = f"{parts.scheme}://{parts.netloc}"
        now = time.time()
        made_at, header = self._headers.get(audience, (0.0, ""))
        if now - made_at > RENEWED_AFTER_S:
            claims = {"aud": audience, "exp": int(now) + LIFETIME_S, "sub": self._subject}
            header = f"vapid t={jwt.encode(claims, self._key, algorithm='ES256')}, k={self.public_key}"
            self._headers[audience] = (now, header)
        return header
