"""Push senders: Firebase Cloud Messaging, files in the outbox folder, or none.

The callers decide on texts, devices and retries.
"""

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
    from server.gateways.push.firebase import Firebase

log = structlog.get_logger(__name__)

BATCH = 500
MAX_CONCURRENT = 100  # messages and therefore connections per process
MAX_NAME = 100


class PushSender(Protocol):
    """Sends notifications to devices."""

    async def send(self, message: PushMessage, tokens: Sequence[str]) -> list[PushOutcome]:
        """Send once to each token and return the outcomes in their order; server errors are outcomes."""
        ...

    async def close(self) -> None: ...


class FcmPushSender:
    """Sends through Firebase Cloud Messaging, in batches of 500.

    Messages of a batch that are not answered within the account's timeout fail individually.
    """

    def __init__(self, account: FirebaseAccount, circuit: CircuitBreaker | None = None) -> None:
        """Create a sender; `circuit` records whether FCM answers."""
        self._account = account
        self._opening: asyncio.Task[Firebase] | None = None
        self._closed = False
        self._places = asyncio.Semaphore(MAX_CONCURRENT)
        self._circuit = circuit or CircuitBreaker("fcm")

    async def send(self, message: PushMessage, tokens: Sequence[str]) -> list[PushOutcome]:
        devices = list(dict.fromkeys(tokens))
        outcomes: dict[str, PushOutcome] = {}
        for start in range(0, len(devices), BATCH):
            batch = devices[start : start + BATCH]
            outcomes |= zip(batch, await self._send_batch(message, batch), strict=True)
        return [outcomes[token] for token in tokens]

    async def close(self) -> None:
        """Close the connections; running and later calls fail."""
        self._closed = True
        opening, self._opening = self._opening, None
        if opening is not None:
            await (await opening).close()

    async def _send_batch(self, message: PushMessage, tokens: Sequence[str]) -> list[PushOutcome]:
        if self._closed:
            return [PushOutcome.FAILED for _ in tokens]
        try:
            firebase = await self._firebase()
        # Whatever the library objects to, the next message would fail as well.
        except Exception as error:
            self._circuit.failed(error, message.key)
            raise
        deadline = asyncio.get_running_loop().time() + self._account.timeout_s
        try:
            async with asyncio.timeout_at(deadline):
                await firebase.sign_in()
        except (AppError, TimeoutError) as error:
            reason = error if isinstance(error, AppError) else "signing in took too long"
            self._circuit.failed(reason, message.key)
            return [PushOutcome.FAILED for _ in tokens]
        async with asyncio.TaskGroup() as group:
            sending = [
                group.create_task(self._send_one(firebase, message, token, deadline)) for token in tokens
            ]
        answers = [task.result() for task in sending]
        if all(answer.unavailable for answer in answers):
            self._circuit.failed(answers[0].reason, message.key)
        else:
            self._circuit.succeeded()
        return [answer.outcome for answer in answers]

    async def _send_one(
        self, firebase: "Firebase", message: PushMessage, token: str, deadline: float
    ) -> FcmResponse:
        try:
            async with asyncio.timeout_at(deadline), self._places:
                answer = await firebase.send(message, token)
        except TimeoutError:
            return FcmResponse(PushOutcome.FAILED, "no answer in time", unavailable=True)
        if answer.outcome is PushOutcome.REFUSED:
            log.warning("push_refused", key=message.key, reason=answer.reason)
        return answer

    async def _firebase(self) -> "Firebase":
        """Return the app, created by the first call; the cancellation of a caller does not stop its creation."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
        opening = self._opening
        try:
            return await asyncio.shield(opening)
        except Exception:
            if self._opening is opening:  # the next call tries again
                self._opening = None
            raise

    async def _open(self) -> "Firebase":
        firebase = await asyncio.to_thread(_create, self._account)
        firebase.connect()
        return firebase


class OutboxPushSender:
    """Writes a file per message and device to `folder`, readable only by its owner."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: PushMessage, tokens: Sequence[str]) -> list[PushOutcome]:
        return [await self._write(message, token) for token in tokens]

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    async def _write(self, message: PushMessage, token: str) -> PushOutcome:
        # The key is hashed as well, because keys may differ only in characters that a file name cannot have.
        digest = hashlib.sha256(f"{message.key}\n{token}".encode()).hexdigest()[:16]
        name = UNSAFE_IN_FILE_NAME.sub("_", message.key)[:MAX_NAME]
        file = self._folder / f"{name}.{digest}.push.json"
        content = orjson.dumps(
            {
                "token": token,
                "key": message.key,
                "group": message.group,
                "title": message.title,
                "body": message.body,
                "data": dict(message.data),
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
    """Refuses every message: production without Firebase, where an outbox folder would only grow."""

    async def send(self, message: PushMessage, tokens: Sequence[str]) -> list[PushOutcome]:
        return [PushOutcome.REFUSED for _ in tokens]

    async def close(self) -> None:
        """Do nothing: there is no connection."""


def _create(account: FirebaseAccount) -> "Firebase":
    from server.gateways.push.firebase import Firebase  # imported with the first push: 0.25 s and 15 MB

    return Firebase(account)
