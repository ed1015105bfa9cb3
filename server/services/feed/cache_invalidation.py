"""Updates feeds, counters and cards in Redis when a change is committed: the unit of work's change listener.

Redis is updated before the request is answered, so the user's next page shows the change.
"""

import asyncio
from collections.abc import Iterable, Sequence

import structlog

from server.errors import Unavailable
from server.events import (
    CacheKey,
    CloseFriendsChanged,
    DismissalChanged,
    Event,
    FollowAccepted,
    FollowBackChanged,
    FollowErased,
    FollowRequestChanged,
    HashtagFollowChanged,
    LikeChanged,
    MuteChanged,
    PersonChanged,
    PostChanged,
    PostDeleted,
    PostPublished,
    PostRestored,
    PostTakenDown,
    RestrictionChanged,
    SavesChanged,
    UserBlocked,
    UserFollowed,
    UserUnblocked,
    UserUnfollowed,
)
from server.gateways.feed_store.cache_invalidations import InvalidationLog
from server.gateways.feed_store.timeline_reads import PostCounts
from server.gateways.feed_store.timelines import Timelines
from server.gateways.redis.lua import Call
from server.models.audience import Audience

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

EXPIRE_EVERY_S = 1.0


class CacheInvalidation:
    """Change listener that keeps the caches consistent with the database."""

    def __init__(self, timelines: Timelines, invalidations: InvalidationLog) -> None:
        self._timelines = timelines
        self._invalidations = invalidations

    async def before(self, keys: Sequence[CacheKey]) -> Sequence[str]:
        """Record what is about to change; return the entries for `after`."""
        return await self._invalidations.begin(keys)

    async def after(self, entries: Sequence[str], keys: Sequence[CacheKey], events: Sequence[Event]) -> None:
        """Update the caches. Idempotent and order-independent: the higher revision wins."""
        await self._invalidations.commit(entries, keys, list(self._updates(events)))

    async def drop(self, keys: Sequence[CacheKey]) -> None:
        """Drop what was changed without an event."""
        await self._invalidations.drop((), keys)

    async def run(self) -> None:
        """Expire entries every second, until cancelled."""
        while True:
            await asyncio.sleep(EXPIRE_EVERY_S)
            try:
                await self.expire()
            except Unavailable:
                continue  # the health monitor reports it

    async def expire(self) -> None:
        """Drop what crashed processes, or this one, could not update. Raises Unavailable."""
        if expired := await self._invalidations.expire():
            log.info("cache_invalidations_expired", count=expired)

    def _updates(self, events: Sequence[Event]) -> Iterable[Call]:
        timelines = self._timelines
        for event in events:
            match event:
                case PostDeleted() | PostTakenDown() | PostChanged(archived=True):
                    yield timelines.record_deleted_call(event.post_id, event.revision)
                case PostChanged():
                    yield timelines.record_counts_call(event.post_id, _counts(event))
                case LikeChanged():
                    yield timelines.record_like_call(
                        event.actor_id, event.post_id, event.revision, liked=event.liked
                    )
                case SavesChanged():
                    yield timelines.drop_likes_call(event.user_id)
                case PostPublished() | PostRestored():
                    yield timelines.add_own_post_call(event.author_id, event.post_id)
                case PersonChanged():
                    yield timelines.record_revisions_call(
                        {event.user_id: -event.revision if event.hidden else event.revision}
                    )
                case _:
                    yield from self._updates_of_relations(event)

    def _updates_of_relations(self, event: Event) -> Iterable[Call]:
        """Drop the feeds, and the relations to others, that a changed relation makes stale."""
        timelines = self._timelines
        match event:
            case UserFollowed() | UserUnfollowed() | FollowAccepted() | FollowErased():
                yield timelines.drop_feed_call(event.follower_id)
                yield timelines.drop_strangers_call(event.followee_id)
            case FollowRequestChanged():
                yield timelines.drop_strangers_call(event.requester_id)
            case UserBlocked() | UserUnblocked():
                yield timelines.drop_strangers_call(event.blocker_id)
                yield timelines.drop_strangers_call(event.blocked_id)
            case RestrictionChanged():
                yield timelines.drop_strangers_call(event.owner_id)
            case DismissalChanged():
                yield timelines.drop_strangers_call(event.user_id)
            case FollowBackChanged():
                yield timelines.drop_feed_call(event.user_id)
            case HashtagFollowChanged():
                yield timelines.drop_feed_call(event.user_id)
            case MuteChanged():
                yield timelines.drop_feed_call(event.muter_id)
            case CloseFriendsChanged():
                yield timelines.drop_feed_call(event.friend_id)
            case _:
                pass


def _counts(event: PostChanged) -> PostCounts:
    return PostCounts(
        event.revision,
        event.author_id,
        event.likes_count,
        event.comments_count,
        event.changed_at_ms,
        for_close_friends=event.audience == Audience.CLOSE_FRIENDS,
    )
