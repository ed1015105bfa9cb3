"""Encryption of pushes for a browser (RFC 8291), with the content coding aes128gcm (RFC 8188)."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = ec.SECP256R1()
RECORD_BYTES = 4096
SALT_BYTES, AUTH_BYTES = 16, 16
LAST_RECORD = b"\x02"


def encode(data: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Decode base64url with or without padding. Raises ValueError."""
    return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))


def public_bytes(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return a key as an uncompressed point of 65 bytes."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def are_keys(p256dh: str, auth: str) -> bool:
    """Return whether these are the keys of a subscription: a point of the curve, and 16 bytes."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(CURVE, decode(p256dh))
        return len(decode(auth)) == AUTH_BYTES
    except ValueError:
        return False


def encrypt(
    content: bytes,
    p256dh: str,
    auth: str,
    salt: bytes | None = None,
    sender_key: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """Return the body of a push that only the browser with these keys can read, as one record.

    `content` has at most RECORD_BYTES - 103 bytes. Each push has a new salt and a new key; tests pass known ones.
    """
    salt = salt or os.urandom(SALT_BYTES)
    sender_key = sender_key or ec.generate_private_key(CURVE)
    sender, receiver = public_bytes(sender_key.public_key()), decode(p256dh)
    shared = sender_key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, receiver))
    secret = _derive(decode(auth), shared, b"WebPush: info\0" + receiver + sender, 32)
    key = _derive(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(salt, secret, b"Content-Encoding: nonce\0", 12)
    header = salt + RECORD_BYTES.to_bytes(4, "big") + len(sender).to_bytes(1, "big") + sender
    return header + AESGCM(key).encrypt(nonce, content + LAST_RECORD, None)


def _derive(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)
