"""Password hashing: bcrypt of a digest, so that passwords of any length and script count in full.

Passwords are normalized to NFKC (NIST SP 800-63B-4, 3.1.1.2), because keyboards compose characters differently. bcrypt
reads 72 bytes and no NUL, so it is given the Base64 text of HMAC-SHA-384. The HMAC's key is not secret; it keeps
digests from other sites' leaks from being tried here.
"""

import hmac
import unicodedata
from base64 import b64encode

import bcrypt

from server.errors import InvalidInput
from server.gateways.password_queue import Caller, PasswordQueue

PREFIX = "sha384:"  # before the bcrypt hash; a hash without it is one of the password's own bytes
MAX_BARE_BYTES = 72
_CONTEXT = b"photofeed password, version 1"  # part of every stored hash


class Passwords:
    """Hashes at `cost` (2^cost rounds: 0.28 s at 12)."""

    def __init__(self, cost: int, queue: PasswordQueue) -> None:
        self._cost = cost
        self._queue = queue
        self._dummy_hash = ""

    async def hash(self, password: str, field: str = "password", caller: Caller | None = None) -> str:
        """Return the hash to store. Raises InvalidInput for `field` with a lone surrogate, Unavailable."""
        try:
            digest = _digest(password)
        except UnicodeEncodeError as error:
            raise InvalidInput(
                "This password is not valid Unicode.", fields={field: ["Not valid Unicode."]}
            ) from error
        return await self._queue.run(lambda: self._hash(digest), caller)

    async def matches(self, password: str, hashed: str | None, caller: Caller | None = None) -> bool:
        """Return whether `password` matches the hash. Raises Unavailable.

        None is compared with a dummy hash, so that an unknown user takes as long as a wrong password. So is an empty
        hash, of an account without a password.
        """
        hashed = hashed or None
        secret = _secret_for(password, hashed)
        if secret is None or hashed is None:
            dummy = await self._get_dummy_hash(caller)
            await self._queue.run(lambda: bcrypt.checkpw(b"no password", dummy), caller)
            return False
        stored = hashed.removeprefix(PREFIX).encode()
        return await self._queue.run(lambda: bcrypt.checkpw(secret, stored), caller)

    def is_outdated(self, hashed: str) -> bool:
        """Return whether a hash was made in an earlier way or at another cost."""
        return not hashed.startswith(f"{PREFIX}$2b${self._cost:02}$")

    async def close(self) -> None:
        """Stop the threads and abandon waiting calls."""
        await self._queue.close()

    async def _get_dummy_hash(self, caller: Caller | None) -> bytes:
        if not self._dummy_hash:
            self._dummy_hash = await self._queue.run(lambda: self._hash(b"dummy"), caller)
        return self._dummy_hash.removeprefix(PREFIX).encode()

    def _hash(self, digest: bytes) -> str:
        return PREFIX + bcrypt.hashpw(digest, bcrypt.gensalt(self._cost)).decode()


def normalize_password(password: str) -> str:
    """Return the form in which a password is compared."""
    return unicodedata.normalize("NFKC", password)


def _digest(password: str) -> bytes:
    """Return 64 bytes of Base64. Raises UnicodeEncodeError for a lone surrogate."""
    return b64encode(hmac.digest(_CONTEXT, normalize_password(password).encode(), "sha384"))


def _secret_for(password: str, hashed: str | None) -> bytes | None:
    """Return what bcrypt compares with this hash; None if no hash can match."""
    try:
        if hashed is None or hashed.startswith(PREFIX):
            return _digest(password)
        secret = password.encode()
    except UnicodeEncodeError:
        return None
    return secret if len(secret) <= MAX_BARE_BYTES else None
