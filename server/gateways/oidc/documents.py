"""Reads JSON documents of identity providers over HTTPS."""

import asyncio
from typing import Any

import orjson
from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar

from server.errors import Unavailable
from server.networks import is_secure_url

MAX_BYTES = 262_144  # Google's and Apple's key sets have less than 4 KiB
CHUNK_BYTES = 16_384


class ProviderDocuments:
    """HTTP client that opens on first use. It follows no redirect and keeps no cookie."""

    def __init__(self, timeout_s: float, *, this_machine: bool = False) -> None:
        """`this_machine`: also read http URLs on loopback, for development."""
        self._timeout_s = timeout_s
        self._this_machine = this_machine
        self._session: ClientSession | None = None

    async def get(self, url: str) -> dict[str, Any]:
        """Return the JSON object at a URL. Raises Unavailable, whatever is wrong with it."""
        if not is_secure_url(url, this_machine=self._this_machine):
            raise _unavailable(url, "it is not an https URL")
        try:
            async with asyncio.timeout(self._timeout_s):
                document: Any = orjson.loads(await self._read(url))
        except TimeoutError as error:
            raise _unavailable(url, f"no answer within {self._timeout_s:g} s") from error
        except (ClientError, OSError, ValueError) as error:
            raise _unavailable(url, str(error) or type(error).__name__) from error
        if not isinstance(document, dict):
            raise _unavailable(url, "it is not a JSON object")
        return document  # pyright: ignore[reportUnknownVariableType] - JSON is untyped

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _read(self, url: str) -> bytes:
        if self._session is None:
            timeout = ClientTimeout(total=self._timeout_s)
            self._session = ClientSession(timeout=timeout, cookie_jar=DummyCookieJar())
        headers = {"Accept": "application/json"}
        async with self._session.get(url, headers=headers, allow_redirects=False) as response:
            if response.status != 200:
                raise _unavailable(url, f"HTTP status {response.status}")
            content = bytearray()
            async for chunk in response.content.iter_chunked(CHUNK_BYTES):  # decompressed
                content += chunk
                if len(content) > MAX_BYTES:
                    raise _unavailable(url, f"it has more than {MAX_BYTES} bytes")
            return bytes(content)


def _unavailable(url: str, reason: str) -> Unavailable:
    return Unavailable(reason=f"Cannot read {url}: {reason}.", retry_after_s=5.0)
