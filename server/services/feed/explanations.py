"""Explanation of why a post is in a reader's feed or not."""

from dataclasses import dataclass
from enum import StrEnum

from server.errors import NotFound, Unavailable
from server.gateways.feed_store.timeline_audit import TimelineAudit
from server.ids import PostId, UserId
from server.models.audience import Audience
from server.services.content.visibility import Visibility
from server.services.feed.queries import FeedQueries


class Reason(StrEnum):
    """Why a post is in a feed or not."""

    OWN = "own"
    ARCHIVED = "archived"
    FAN_OUT_ON_WRITE = "fan_out_on_write"
    FAN_OUT_ON_READ = "fan_out_on_read"
    FAN_OUT_PENDING = "fan_out_pending"
    FROM_DATABASE = "from_database"
    NOT_CACHED = "not_cached"
    HASHTAG = "hashtag"
    NOT_FOLLOWED = "not_followed"
    NOT_FOUND = "not_found"


DETAILS = {
    Reason.OWN: "This is your own post, and your feed includes your own posts.",
    Reason.ARCHIVED: "This is your own post, and archived posts are in no feed.",
    Reason.FAN_OUT_ON_WRITE: "You follow the author, and the post was added to your cached feed.",
    Reason.FAN_OUT_ON_READ: "You follow the author, whose posts are merged into your feed when you read it.",
    Reason.FAN_OUT_PENDING: "You follow the author; the post is new and has not reached your feed yet.",
    Reason.FROM_DATABASE: "You follow the author; the post is older than the cached part of your feed.",
    Reason.NOT_CACHED: "You follow the author; your feed is not cached and will be built when you next read it.",
    Reason.HASHTAG: "You follow a hashtag of the post, whose public posts are merged into your feed when you read it.",
    Reason.NOT_FOLLOWED: "You follow neither the author nor a hashtag of the post.",
    Reason.NOT_FOUND: "The post does not exist, was deleted, or is not visible to you.",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Reason why a post is in a feed or not; `followed` is True if the reader follows the author.

    `audience` is None for a post that the reader does not find.
    """

    post_id: PostId
    in_feed: bool
    reason: Reason
    followed: bool
    audience: Audience | None

    @property
    def detail(self) -> str:
        return DETAILS[self.reason]


class Explanations:
    """Explanations for readers."""

    def __init__(self, queries: FeedQueries, visibility: Visibility, audit: TimelineAudit) -> None:
        self._queries = queries
        self._visibility = visibility
        self._audit = audit

    async def explain(self, reader_id: UserId, post_id: PostId) -> Explanation:
        """Return why a post is in the reader's feed or not; a hidden post is reported as not found."""
        try:
            post = await self._visibility.get_post(reader_id, post_id)
        except NotFound:
            return Explanation(post_id, False, Reason.NOT_FOUND, followed=False, audience=None)
        author_id = post.author_id
        audience = post.audience
        if post.archived:
            return Explanation(post_id, False, Reason.ARCHIVED, followed=False, audience=audience)
        if author_id == reader_id:
            return Explanation(post_id, True, Reason.OWN, followed=False, audience=audience)
        if author_id not in await self._queries.filter_feed_authors(reader_id, [author_id]):
            tagged = post_id in await self._queries.filter_tagged(reader_id, [post_id])
            reason = Reason.HASHTAG if tagged else Reason.NOT_FOLLOWED
            return Explanation(post_id, tagged, reason, followed=False, audience=audience)
        reason = await self._explain_followed(reader_id, author_id, post_id)
        in_feed = reason is not Reason.FAN_OUT_PENDING
        return Explanation(post_id, in_feed, reason, followed=True, audience=audience)

    async def _explain_followed(self, reader_id: UserId, author_id: UserId, post_id: PostId) -> Reason:
        if author_id in await self._queries.list_fan_out_on_read_authors():
            return Reason.FAN_OUT_ON_READ
        try:
            cached = await self._audit.get_list("feed", reader_id)
        except Unavailable:
            cached = None
        if cached is None:
            return Reason.NOT_CACHED
        if post_id < cached.complete_from_id:
            return Reason.FROM_DATABASE
        return Reason.FAN_OUT_ON_WRITE if post_id in cached.post_ids else Reason.FAN_OUT_PENDING
