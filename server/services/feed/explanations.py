"""Says to a reader why a post is in their feed, or is not."""

from dataclasses import dataclass
from enum import StrEnum

from server.errors import NotFound, Unavailable
from server.gateways.feed_store.timeline_audit import TimelineAudit
from server.ids import PostId, UserId
from server.services.content.visibility import Visibility
from server.services.feed.queries import FeedQueries


class Reason(StrEnum):
    OWN = "own"
    PUSHED = "pushed"
    PULLED = "pulled"
    ON_ITS_WAY = "on_its_way"
    FROM_DATABASE = "from_database"
    NOT_KEPT = "not_kept"
    NOT_FOLLOWED = "not_followed"
    GONE = "gone"


TOLD = {
    Reason.OWN: "It is your own post, and your own posts are in your feed.",
    Reason.PUSHED: "You follow its author, and it was put into your feed when it was published or you followed.",
    Reason.PULLED: "You follow its author, whose posts are not put into feeds but looked up when you read yours.",
    Reason.ON_ITS_WAY: "You follow its author; it was published a moment ago and is on its way into feeds.",
    Reason.FROM_DATABASE: "You follow its author; it is older than what is kept ready, and is read from the database.",
    Reason.NOT_KEPT: "You follow its author; your feed is not kept ready now, and is built when you read it next.",
    Reason.NOT_FOLLOWED: "You do not follow its author.",
    Reason.GONE: "There is no such post: it was deleted, or never was, or is not for you to see.",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    post_id: PostId
    in_feed: bool
    reason: Reason
    followed: bool

    @property
    def detail(self) -> str:
        return TOLD[self.reason]


class Explanations:
    def __init__(self, source: FeedQueries, visibility: Visibility, audit: TimelineAudit) -> None:
        self._source = source
        self._visibility = visibility
        self._audit = audit

    async def of(self, reader_id: UserId, post_id: PostId) -> Explanation:
        """Why a post is in the reader's feed or not. For a post that is hidden it says no more than for one that is not
        there."""
        try:
            post = await self._visibility.post(reader_id, post_id)
        except NotFound:
            return Explanation(post_id, False, Reason.GONE, followed=False)
        author_id = UserId(post["author_id"])
        if author_id == reader_id:
            return Explanation(post_id, True, Reason.OWN, followed=False)
        if author_id not in await self._source.followed_among(reader_id, [author_id]):
            return Explanation(post_id, False, Reason.NOT_FOLLOWED, followed=False)
        reason = await self._way(reader_id, author_id, post_id)
        return Explanation(post_id, reason is not Reason.ON_ITS_WAY, reason, followed=True)

    async def _way(self, reader_id: UserId, author_id: UserId, post_id: PostId) -> Reason:
        """How a post of somebody who is followed comes into the feed."""
        if author_id in await self._source.pulled():
            return Reason.PULLED
        try:
            kept = await self._audit.kept("feed", reader_id)
        except Unavailable:
            kept = None
        if kept is None:
            return Reason.NOT_KEPT
        if post_id < kept.floor:
            return Reason.FROM_DATABASE
        return Reason.PUSHED if post_id in kept.post_ids else Reason.ON_ITS_WAY
