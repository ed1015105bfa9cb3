"""Reads entries from the cached feed, and builds what Redis lacks."""

from server.gateways.feed_store.timeline_reads import ReadStatus, TimelineRead
from server.gateways.feed_store.timelines import Timelines
from server.gateways.redis.error_replies import RedisUnavailable
from server.ids import UserId
from server.services.feed.builder import FeedBuilder

MAX_READS = 6  # the feed, the author set and author lists may have to be built, and one may expire in between


class TimelineReader:
    """Reader of cached feeds. An unavailable Redis is not an error; an unavailable database is."""

    def __init__(self, timelines: Timelines, builder: FeedBuilder) -> None:
        self._timelines = timelines
        self._builder = builder

    async def read(self, reader_id: UserId, before_id: int, limit: int) -> TimelineRead | None:
        """Return the newest `limit` entries below `before_id`, after building what is missing.

        Returns None if Redis is unavailable or another process builds the feed.
        """
        try:
            for _ in range(MAX_READS):
                read = await self._timelines.read(reader_id, before_id, limit)
                if read.status is ReadStatus.OK:
                    return read
                if not await self._build_missing(reader_id, read):
                    return None
        except RedisUnavailable:
            return None
        return None

    async def _build_missing(self, reader_id: UserId, read: TimelineRead) -> bool:
        """Build what a read lacked; return False if the read need not be repeated."""
        match read.status:
            case ReadStatus.MISSING:
                await self._builder.build_feed(reader_id)
            case ReadStatus.BUILDING:
                return await self._builder.wait_for_feed(reader_id)
            case ReadStatus.AUTHOR_SET_MISSING:
                await self._builder.build_author_set()
            case ReadStatus.AUTHOR_LISTS_MISSING:
                return await self._builder.build_author_lists(read.authors)
            case ReadStatus.TAG_LISTS_MISSING:
                await self._builder.build_tag_lists(read.hashtags)
            case ReadStatus.OK:
                pass
        return True
