"""A TCP proxy that cuts connections: what a phone's connection does in a tunnel."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress


class CuttingProxy:
    """Forwards connections to `port`, and cuts the one that carries each of the positions in `cut_at`.

    Positions count the bytes from clients over all connections. `on_cut` is awaited after each cut with its number.
    """

    def __init__(
        self, port: Callable[[], int], cut_at: list[int], on_cut: Callable[[int], Awaitable[None]]
    ) -> None:
        self._port = port
        self._cut_at = cut_at
        self._on_cut = on_cut
        self._forwarded = 0
        self._connections: set[asyncio.Task[None]] = set()
        self.cuts = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Yield the proxy's URL."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with suppress(ConnectionError):
                await self._forward(reader, writer)
        finally:
            writer.transport.abort()
            self._connections.discard(task)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port())
        answers = asyncio.create_task(_copy(from_server, writer))
        try:
            while piece := await reader.read(16_384):
                to_server.write(piece)
                await to_server.drain()
                self._forwarded += len(piece)
                if self.cuts < len(self._cut_at) and self._forwarded >= self._cut_at[self.cuts]:
                    self.cuts += 1
                    writer.transport.abort()
                    to_server.close()
                    await self._on_cut(self.cuts)
                    return
        finally:
            answers.cancel()
            to_server.close()
            await asyncio.gather(answers, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(16_384):
        writer.write(piece)
        await writer.drain()
