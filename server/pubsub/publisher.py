"""Publishes signals to the live streams: committed notifications, ended sessions, new posts and more.

A message may be lost: the relay's sweep finds in the database what was not received. A failure is therefore counted and
logged, and does not fail the job that published.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from server.clock import isoformat
from server.ids import MediaId, PostId, SessionId, UserId
from server.outages import Outage
from server.pubsub import channels

USERS_PER_CALL = 1000

# Publish ARGV[1] to those of the other channels that have subscribers. Redis would pass every message on to its
# replicas.
PUBLISH_TO_OPEN = """
local listeners, published = redis.call('PUBSUB', 'NUMSUB', unpack(ARGV, 2)), 0
for at = 1, #listeners, 2 do
  if listeners[at + 1] > 0 then
    redis.call('PUBLISH', listeners[at], ARGV[1])
    published = published + 1
  end
end
return published
"""


@dataclass(frozen=True, slots=True)
class NotificationSignal:
    """A notification to publish. `type` is also part of a channel's name; `text` is the comment or caption."""

    recipient_id: UserId
    sequence: int
    type: str
    actor_id: UserId
    post_id: PostId | None
    text: str
    created_at_ms: int


class Publisher:
    """Publishes through one Redis client; `count_lost` is called for every signal that could not be sent."""

    def __init__(
        self,
        redis: Redis,
        *,
        timeout_s: float = 1.0,
        outage: Outage | None = None,
        count_lost: Callable[[], None] | None = None,
    ) -> None:
        self._redis = redis
        self._publish_to_open = redis.register_script(PUBLISH_TO_OPEN)
        self._timeout_s = timeout_s
        self._count_lost = count_lost
        self._outage = outage or Outage("redis", by="publisher")
        self._unavailable = False
        self._probing = False

    async def publish(self, signal: NotificationSignal) -> bool:
        """Send to both channels in one round trip, within `timeout_s`; return whether they were sent.

        While Redis is unavailable, one call at a time tries it and the others return at once. Otherwise every job would
        wait for the timeout.
        """
        return await self._send(
            {
                channels.notification_channel(signal.type): _announcement(signal),
                channels.user_channel(signal.recipient_id): str(signal.sequence).encode(),
            }
        )

    async def publish_ended_sessions(self, user_id: UserId, session_ids: Sequence[SessionId]) -> bool:
        """Notify the user's streams that these sessions ended; otherwise like `publish`."""
        message = channels.encode_ended_sessions(session_ids)
        return await self._send({channels.user_channel(user_id): message})

    async def publish_media(self, owner_id: UserId, media_id: MediaId, status: str) -> bool:
        """Send the progress of an image to the owner's streams; otherwise like `publish`."""
        message = channels.encode_passing(channels.MediaSignal(media_id, status))
        return await self._send({channels.user_channel(owner_id): message})

    async def publish_read(self, user_id: UserId, unread: int) -> bool:
        """Send the unread count to the user's streams; otherwise like `publish`."""
        message = channels.encode_passing(channels.ReadSignal(unread))
        return await self._send({channels.user_channel(user_id): message})

    async def publish_new_post(self, user_ids: Sequence[UserId], post_id: PostId) -> bool:
        """Report a post to those of the users who have streams; otherwise like `publish`.

        One call per thousand users, however few of them have streams.
        """
        message = channels.encode_passing(channels.FeedSignal(post_id))
        for start in range(0, len(user_ids), USERS_PER_CALL):
            names = [channels.user_channel(user_id) for user_id in user_ids[start : start + USERS_PER_CALL]]
            if not await self._attempt(partial(self._publish_to_open, args=[message, *names])):
                return False
        return True

    async def list_listeners(self) -> list[UserId]:
        """Return the users who have streams; empty while Redis is unavailable."""
        found: list[UserId] = []

        async def read() -> None:
            names = await self._redis.pubsub_channels(f"{channels.USER_CHANNEL_PREFIX}*")
            found.extend(map(channels.user_of_channel, names))

        await self._attempt(read)
        return found

    async def _send(self, messages: Mapping[str, bytes]) -> bool:
        return await self._attempt(partial(self._pipeline, messages))

    async def _attempt(self, call: Callable[[], Awaitable[Any]]) -> bool:
        if self._unavailable and self._probing:
            self._record_lost()
            return False
        self._probing = True
        try:
            async with asyncio.timeout(self._timeout_s):
                await call()
        except (RedisError, OSError) as error:
            self._unavailable = True
            self._outage.failed(error)
            self._record_lost()
            return False
        else:
            self._unavailable = False
            self._outage.succeeded()
            return True
        finally:
            self._probing = False

    async def _pipeline(self, messages: Mapping[str, bytes]) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for channel, message in messages.items():
                pipeline.publish(channel, message)
            await pipeline.execute()

    def _record_lost(self) -> None:
        if self._count_lost:
            self._count_lost()


def _announcement(signal: NotificationSignal) -> bytes:
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
