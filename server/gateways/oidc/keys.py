"""Public keys of a JSON Web Key Set that may verify ID tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import PyJWTError

MIN_RSA_BITS = 2048
MAX_KEYS = 100
PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """A public key, and the algorithms that a token signed with it may name."""

    key_id: str | None
    algorithms: Sequence[str]
    key: PublicKey


def read_keys(document: dict[str, Any]) -> list[ProviderKey]:
    """Return the usable keys of a key set: those for signatures, of a kind and size that is accepted."""
    entries = document.get("keys")
    if not isinstance(entries, list):
        return []
    found = [_read_key(entry) for entry in entries[:MAX_KEYS] if isinstance(entry, dict)]  # pyright: ignore[reportUnknownVariableType]
    return [key for key in found if key is not None]


def _read_key(entry: dict[str, Any]) -> ProviderKey | None:
    """Return None for a key that does not verify signatures; a private or symmetric one is no public key."""
    key_id = entry.get("kid")
    if not (key_id is None or isinstance(key_id, str)) or entry.get("use", "sig") != "sig" or "d" in entry:
        return None
    try:
        key, algorithms = _parse(entry)
    except (PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None
    declared = entry.get("alg")
    allowed = [name for name in algorithms if declared in (None, name)]
    return ProviderKey(key_id, tuple(allowed), key) if allowed else None


def _parse(entry: dict[str, Any]) -> tuple[PublicKey, Sequence[str]]:
    """Return a key and what it may sign with. Raises ValueError for other kinds, and PyJWT's errors."""
    match entry.get("kty"):
        case "RSA":
            key = RSAAlgorithm.from_jwk(entry)
            if isinstance(key, RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
                return key, ("RS256", "PS256")
        case "EC" if entry.get("crv") == "P-256":
            key = ECAlgorithm.from_jwk(entry)
            if isinstance(key, EllipticCurvePublicKey):
                return key, ("ES256",)
        case "OKP" if entry.get("crv") == "Ed25519":
            key = OKPAlgorithm.from_jwk(entry)
            if isinstance(key, Ed25519PublicKey):
                return key, ("EdDSA",)
        case _:
            pass
    raise ValueError("not a key that is accepted")
