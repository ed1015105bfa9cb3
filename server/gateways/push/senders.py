"""Pushes on their way out: by Firebase to phones and browsers, as files in a folder that a person can open, or nowhere.

What is written, to which devices, and how often it is tried is decided by others.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import orjson
import structlog

from server.errors import AppError
from server.gateways.outbox import UNSAFE_IN_PER_NAME, write_whole
from server.gateways.push.message import FcmResponse, FirebaseAccount, PushMessage, PushOutcome
from server.outages import CircuitBreaker

if TYPE_CHECKING:
    from server.gateways.push.firebase import Firebase

log = structlog.get_logger(__name__)

BATCH = 500
AT_ONCE = 100  # messages, and so connections, of a process
MAX_NAME = 100


class PushSender(Protocol):
    """Sends notifications to devices."""

    async def send(self, message: PushMessage, tokens: Sequence[str]) -> list[PushOutcome]:
        """One outcome a token, in their order; whatever the other side does is an outcome. Nothing is sent twice."""
        ...

    async def close(self) -> None: ...


class FcmPushSender:
    """Sends through Firebase Cloud Messaging, at most 500 messages within the account's timeout: whatever is not
    answered by then has failed, each by itself."""

    def __init__(self, account: FirebaseAccount, circuit: CircuitBreaker | None = None) -> None:
        """`circuit` is told how each batch fared."""
        self._account = account
        self._opening: asyncio.Task[Firebase] | None = None
        self._closed = False
        self._places = asyncio.Semaphore(AT_ONCE)
        self._circuit = circuit or CircuitBreaker("fcm")

    async def send(self, message: PushMessage, tokens: Sequence[str]) -> list[PushOutcome]:
        devices = list(dict.fromkeys(tokens))
        outcomes: dict[str, PushOutcome] = {}
        for start in range(0, len(devices), BATCH):
            batch = devices[start : start + BATCH]
            outcomes |= zip(batch, await self._send_batch(message, batch), strict=True)
        return [outcomes[token] for token in tokens]

    async def close(self) -> None:
        """Hang up. What is under way fails, and so does what is sent later."""
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
        if all(answer.away for answer in answers):
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
            return FcmResponse(PushOutcome.FAILED, "no answer in time", away=True)
        if answer.outcome is PushOutcome.REFUSED:
            log.warning("push_refused", key=message.key, reason=answer.reason)
        return answer

    async def _firebase(self) -> "Firebase":
        """The one of this object, opened by whoever sends first; whoever of them is cancelled leaves it to the next."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
        opening = self._opening
        try:
            return await asyncio.shield(opening)
        except Exception:
            if self._opening is opening:  # the next one tries again
                self._opening = None
            raise

    async def _open(self) -> "Firebase":
        firebase = await asyncio.to_thread(_make, self._account)
        firebase.connect()
        return firebase


class OutboxPushSender:
    """Writes each message to a file a device in `folder`, readable by its owner alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: PushMessage, tokens: Sequence[str]) -> list[PushOutcome]:
        return [await self._keep(message, token) for token in tokens]

    async def close(self) -> None:
        """There is nothing to close."""

    async def _keep(self, message: PushMessage, token: str) -> PushOutcome:
        # The hash is of the key as well, for keys that only differ in what a name cannot hold.
        digest = hashlib.sha256(f"{message.key}\n{token}".encode()).hexdigest()[:16]
        name = UNSAFE_IN_PER_NAME.sub("_", message.key)[:MAX_NAME]
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
            await asyncio.to_thread(write_whole, file, content)
        except OSError as error:
            log.warning("push_not_written", file=str(file), reason=error.strerror)
            return PushOutcome.FAILED
        log.info("push_written_to_outbox", file=str(file), title=message.title)
        return PushOutcome.SENT


class NullPushSender:
    """Refuses every message: where there is no Firebase, and a folder would only grow."""

    async def send(self, message: PushMessage, tokens: Sequence[str]) -> list[PushOutcome]:
        return [PushOutcome.REFUSED for _ in tokens]

    async def close(self) -> None:
        """There is nothing to close."""


def _make(account: FirebaseAccount) -> "Firebase":
    from server.gateways.push.firebase import Firebase  # 0.25 s and 15 MB, for those only who push

    return Firebase(account)
