"""Password hashing with bcrypt, in a few threads with a bounded queue."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import bcrypt

from server.errors import InvalidInput, Unavailable

Result = TypeVar("Result")

MAX_BYTES = 72  # bcrypt ignores further bytes, and its library rejects them


class Passwords:
    """bcrypt at `cost` (2^cost rounds: 0.28 s at 12) in `threads` threads; at most `queue` calls wait."""

    def __init__(self, cost: int, threads: int, queue: int) -> None:
        self._cost = cost
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="bcrypt")
        self._free_places = threads + queue
        self._dummy_hash = ""

    async def hash(self, password: str, field: str = "password") -> str:
        """Return the bcrypt hash.

        Raises InvalidInput for `field` above 72 bytes and for a lone surrogate, Unavailable if the queue is full.
        """
        secret = self._bytes(password, field)
        return (await self._run(lambda: bcrypt.hashpw(secret, bcrypt.gensalt(self._cost)))).decode()

    async def matches(self, password: str, hashed: str | None) -> bool:
        """Return whether `password` matches the hash.

        None compares with a dummy hash, so that an unknown user takes as long as a wrong password.
        """
        try:
            secret = self._bytes(password)
        except InvalidInput:
            secret, hashed = b"longer than any password that was ever accepted", None
        if hashed is None:
            hashed = await self._get_dummy_hash()
            await self._run(lambda: bcrypt.checkpw(secret, hashed.encode()))
            return False
        return await self._run(lambda: bcrypt.checkpw(secret, hashed.encode()))

    async def close(self) -> None:
        """Stop the threads and abandon waiting calls."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _get_dummy_hash(self) -> str:
        if not self._dummy_hash:
            self._dummy_hash = (
                await self._run(lambda: bcrypt.hashpw(b"dummy", bcrypt.gensalt(self._cost)))
            ).decode()
        return self._dummy_hash

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._free_places <= 0:
            raise Unavailable("Too many sign-ins at the moment. Try again.", retry_after_s=2)
        self._free_places -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._free_places += 1

    @staticmethod
    def _bytes(password: str, field: str = "password") -> bytes:
        try:
            secret = password.encode()
        except UnicodeEncodeError as error:
            raise InvalidInput(
                "This password is not valid Unicode.", fields={field: ["Not valid Unicode."]}
            ) from error
        if len(secret) > MAX_BYTES:
            raise InvalidInput(
                "This password is too long.",
                fields={field: [f"Longer than {MAX_BYTES} bytes in UTF-8."]},
            )
        return secret
