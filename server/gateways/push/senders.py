"""Push senders: through Firebase Cloud Messaging, to the outbox folder, or none."""

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import orjson
import structlog

from server.errors import AppError
from server.gateways.outbox import UNSAFE_IN_FILE_NAME, write_atomically
from server.gateways.push.message import FcmResponse, FirebaseAccount, PushMessage, PushOutcome
from server.outages import CircuitBreaker

if TYPE_CHECKING:
    from server.gateways.push.fcm_client import FcmClient

log = structlog.get_logger(__name__)

MESSAGES_PER_BATCH = 500
MAX_CONCURRENT = 100  # messages, and therefore connections, per process
MAX_FILE_NAME = 100


class PushSender(Protocol):
    """Sends notifications to devices."""

    async def send(self, message: PushMessage, tokens: Sequence[str]) -> list[PushOutcome]:
        """Send a message once to each token; return an outcome per token, in order. Failures are outcomes, too."""
        ...

    async def close(self) -> None: ...


class FcmPushSender:
    """Sends through Firebase Cloud Messaging, up to 500 messages per batch.

    The account's timeout bounds a batch. A message that is not answered by then has failed.
    """

    def __init__(self, account: FirebaseAccount, circuit: CircuitBreaker | None = None) -> None:
        """Report each batch to `circuit`."""
        self._account = account
        self._opening: asyncio.Task[FcmClient] | None = None
        self._closed = False
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)
        self._circuit = circuit or CircuitBreaker("fcm")

    async def send(self, message: PushMessage, tokens: Sequence[str]) -> list[PushOutcome]:
        devices = list(dict.fromkeys(tokens))
        outcomes: dict[str, PushOutcome] = {}
        for start in range(0, len(devices), MESSAGES_PER_BATCH):
            batch = devices[start : start + MESSAGES_PER_BATCH]
            outcomes |= zip(batch, await self._send_batch(message, batch), strict=True)
        return [outcomes[token] for token in tokens]

    async def close(self) -> None:
        """Close the connections. Messages in progress and later ones fail."""
        self._closed = True
        opening, self._opening = self._opening, None
        if opening is not None:
            await (await opening).close()

    async def _send_batch(self, message: PushMessage, tokens: Sequence[str]) -> list[PushOutcome]:
        if self._closed:
            return [PushOutcome.FAILED for _ in tokens]
        try:
            client = await self._client()
        # The library rejects our account, and would do so for the next message.
        except Exception as error:
            self._circuit.failed(error, message.key)
            raise
        deadline = asyncio.get_running_loop().time() + self._account.timeout_s
        try:
            async with asyncio.timeout_at(deadline):
                await client.sign_in()
        except (AppError, TimeoutError) as error:
            reason = error if isinstance(error, AppError) else "sign-in timed out"
            self._circuit.failed(reason, message.key)
            return [PushOutcome.FAILED for _ in tokens]
        async with asyncio.TaskGroup() as group:
            sending = [
                group.create_task(self._send_one(client, message, token, deadline)) for token in tokens
            ]
        responses = [task.result() for task in sending]
        if all(response.unavailable for response in responses):
            self._circuit.failed(responses[0].reason, message.key)
        else:
            self._circuit.succeeded()
        return [response.outcome for response in responses]

    async def _send_one(
        self, client: "FcmClient", message: PushMessage, token: str, deadline: float
    ) -> FcmResponse:
        try:
            async with asyncio.timeout_at(deadline), self._slots:
                response = await client.send(message, token)
        except TimeoutError:
            return FcmResponse(PushOutcome.FAILED, "timeout", unavailable=True)
        if response.outcome is PushOutcome.REFUSED:
            log.warning("push_refused", key=message.key, reason=response.reason)
        return response

    async def _client(self) -> "FcmClient":
        """Return the client, which the first caller opens. A caller's cancellation does not stop the opening."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
        opening = self._opening
        try:
            return await asyncio.shield(opening)
        except Exception:
            if self._opening is opening:  # the next caller tries again
                self._opening = None
            raise

    async def _open(self) -> "FcmClient":
        client = await asyncio.to_thread(_create_client, self._account)
        client.connect()
        return client


class OutboxPushSender:
    """Writes each message to a file per device in `folder`, readable by its owner only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: PushMessage, tokens: Sequence[str]) -> list[PushOutcome]:
        return [await self._write(message, token) for token in tokens]

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    async def _write(self, message: PushMessage, token: str) -> PushOutcome:
        # The hash includes the key, because two keys may differ only in characters that a file name cannot have.
        digest = hashlib.sha256(f"{message.key}\n{token}".encode()).hexdigest()[:16]
        name = UNSAFE_IN_FILE_NAME.sub("_", message.key)[:MAX_FILE_NAME]
        file = self._folder / f"{name}.{digest}.push.json"
        content = orjson.dumps(
            {
                "token": token,
                "key": message.key,
                "group": message.group,
                "title": message.title,
                "body": message.body,
                "data": dict(message.data),
                "badge": message.badge,
                "silent": message.silent,
            },
            option=orjson.OPT_INDENT_2,
        )
        try:
            await asyncio.to_thread(write_atomically, file, content)
        except OSError as error:
            log.warning("push_not_written", file=str(file), reason=error.strerror)
            return PushOutcome.FAILED
        log.info("push_written_to_outbox", file=str(file), title=message.title)
        return PushOutcome.SENT


class NullPushSender:
    """Refuses every message: for production without Firebase, where an outbox would only grow."""

    async def send(self, message: PushMessage, tokens: Sequence[str]) -> list[PushOutcome]:
        return [PushOutcome.REFUSED for _ in tokens]

    async def close(self) -> None:
        """Do nothing: there is no connection."""


def _create_client(account: FirebaseAccount) -> "FcmClient":
    # The import costs 0.25 s and 15 MB, so only a process that pushes pays for it.
    from server.gateways.push.fcm_client import FcmClient

    return FcmClient(account)
