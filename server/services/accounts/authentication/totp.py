"""Time-based one-time passwords (RFC 6238) of authenticator apps, and the encryption of their secrets.

The parameters are those that every app supports: SHA-1, six digits, 30 seconds.
"""

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pyotp
from pyotp.exceptions import OTPVerificationError
from pyotp.totp import TOTP

from server.ids import UserId

NONCE_BYTES = 12
# Steps before and after the current one: clocks of phones differ, and typing takes time.
WINDOW = 1


class TotpSecrets:
    """Creates secrets and encrypts them with AES-256-GCM under a key that is derived from `secret`.

    A ciphertext is bound to its user, so that one copied to another row is useless.
    """

    def __init__(self, secret: bytes, issuer: str) -> None:
        """`issuer`: the name that apps show beside the username."""
        # The context string must not change: every stored secret is encrypted with this key.
        self._key = hmac.digest(secret, b"secrets of second factors", "sha256")
        self._issuer = issuer

    def create(self) -> str:
        """Return a new secret of 160 bits, in base32."""
        return pyotp.random_base32()

    def uri(self, secret: str, username: str) -> str:
        """Return the `otpauth` URI that apps read from a QR code."""
        return TOTP(secret).provisioning_uri(name=username, issuer_name=self._issuer)

    def encrypt(self, user_id: UserId, secret: str) -> str:
        # Imported on demand: 7 MB and 13 ms.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(NONCE_BYTES)
        encrypted = AESGCM(self._key).encrypt(nonce, secret.encode(), _context(user_id))
        return urlsafe_b64encode(nonce + encrypted).decode()

    def decrypt(self, user_id: UserId, stored: str) -> str | None:
        """Return the secret; None if it was encrypted with another key or for another user."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        raw = urlsafe_b64decode(stored)
        try:
            return AESGCM(self._key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _context(user_id)).decode()
        except InvalidTag:
            return None


def find_step(secret: str, code: str, now_ms: int) -> int | None:
    """Return the time step of a code, if it is at most `WINDOW` steps away; None for a wrong code."""
    try:
        return TOTP(secret).verify_and_get_timecode(code, for_time=now_ms / 1000, valid_window=WINDOW)
    except OTPVerificationError:
        return None


def _context(user_id: UserId) -> bytes:
    return f"user:{user_id}".encode()
