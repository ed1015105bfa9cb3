"""Tells live listeners of what was committed: a notification, the end of sessions.

A message may be lost: the database is the truth, and the relay's sweep finds what was not heard. So a failure here is
counted and logged, and is no failure of the job that published.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from server.clock import isoformat
from server.ids import PostId, SessionId, UserId
from server.outages import Outage
from server.pubsub import channels


@dataclass(frozen=True, slots=True)
class Signal:
    """A notification as the channels tell it; `type` is also part of a channel's name, `text` is a comment's."""

    recipient_id: UserId
    sequence: int
    type: str
    actor_id: UserId
    post_id: PostId | None
    text: str
    created_at_ms: int


class Publisher:
    """Publishes over one Redis client; `count_lost` is called for every signal that could not be sent."""

    def __init__(
        self,
        redis: Redis,
        *,
        timeout_s: float = 1.0,
        outage: Outage | None = None,
        count_lost: Callable[[], None] | None = None,
    ) -> None:
        self._redis = redis
        self._timeout_s = timeout_s
        self._count_lost = count_lost
        self._outage = outage or Outage("redis", by="publisher")
        self._away = False
        self._probing = False

    async def publish(self, signal: Signal) -> bool:
        """Send to both channels in one round trip; return within `timeout_s`, and whether they were sent.

        While Redis is away one call at a time tries it and the others return at once, lest every job wait in turn.
        """
        return await self._send(
            {
                channels.announcements(signal.type): _announcement(signal),
                channels.inbox(signal.recipient_id): str(signal.sequence).encode(),
            }
        )

    async def publish_ended(self, user_id: UserId, session_ids: Sequence[SessionId]) -> bool:
        """Tell this user's streams that these sessions ended; as `publish`."""
        return await self._send({channels.inbox(user_id): channels.ended(session_ids)})

    async def _send(self, messages: Mapping[str, bytes]) -> bool:
        if self._away and self._probing:
            self._lose()
            return False
        self._probing = True
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._pipeline(messages)
        except (RedisError, OSError) as error:
            self._away = True
            self._outage.failed(error)
            self._lose()
            return False
        else:
            self._away = False
            self._outage.succeeded()
            return True
        finally:
            self._probing = False

    async def _pipeline(self, messages: Mapping[str, bytes]) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for channel, message in messages.items():
                pipeline.publish(channel, message)
            await pipeline.execute()

    def _lose(self) -> None:
        if self._count_lost:
            self._count_lost()


def _announcement(signal: Signal) -> bytes:
    return orjson.dumps(
        {
            "fromUserId": str(signal.actor_id),
            "toUserId": str(signal.recipient_id),
            "type": signal.type,
            "postId": None if signal.post_id is None else str(signal.post_id),
            "text": signal.text,
            "timestamp": isoformat(signal.created_at_ms),
        }
    )
