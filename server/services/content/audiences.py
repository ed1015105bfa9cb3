"""Explanation of a post's audience for its author: who may see the post, and why a user may or may not."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from server.errors import Forbidden, NotFound
from server.ids import PostId, UserId
from server.models.accounts.users import UserRepository
from server.models.audience import Audience
from server.models.content.post_audiences import PostAudienceRepository
from server.models.content.posts import PostRow
from server.models.people.visibility import Denial
from server.services.content.visibility import Grant, Visibility, explain_post

MAX_COUNTED = 10_000


class VisibleTo(StrEnum):
    """The users who may see a post, by its audience and the author's account; blocked users excepted."""

    EVERYONE = "everyone"
    FOLLOWERS = "followers"
    CLOSE_FRIENDS = "close_friends"
    AUTHOR = "author"


DETAILS: Mapping[Grant | Denial, str] = {
    Grant.AUTHOR: "This is your own post.",
    Grant.EVERYONE: "The post and your account are public.",
    Grant.FOLLOWER: "The user follows you.",
    Grant.CLOSE_FRIEND: "The user is one of your close friends.",
    Denial.DELETED: "The post was deleted.",
    Denial.ARCHIVED: "The post is archived.",
    Denial.ACCOUNT_HIDDEN: "Your account is hidden.",
    Denial.BLOCKED: "The user does not see you.",
    Denial.BLOCKED_BY: "You have blocked the user.",
    Denial.PRIVATE_ACCOUNT: "Your account is private, and the user does not follow you.",
    Denial.NOT_FOLLOWER: "The post is for followers, and the user does not follow you.",
    Denial.NOT_CLOSE_FRIEND: "The post is for close friends, and the user is not one of them.",
}


@dataclass(frozen=True, slots=True)
class AudienceMember:
    """A user who sees a post or does not, and the reason."""

    user_id: UserId
    reason: Grant | Denial

    @property
    def visible(self) -> bool:
        return isinstance(self.reason, Grant)

    @property
    def detail(self) -> str:
        return DETAILS[self.reason]


@dataclass(frozen=True, slots=True)
class PostAudience:
    """The users who see a post. `people_count` counts up to 10,000 users besides the author; None if everyone does."""

    post_id: PostId
    audience: Audience
    visible_to: VisibleTo
    people_count: int | None
    member: AudienceMember | None


class Audiences:
    def __init__(
        self, users: UserRepository, audiences: PostAudienceRepository, visibility: Visibility
    ) -> None:
        self._users = users
        self._audiences = audiences
        self._visibility = visibility

    async def explain(
        self, author_id: UserId, post_id: PostId, user_id: UserId | None = None
    ) -> PostAudience:
        """Return who sees the author's own post, and whether one user does.

        Raises NotFound, and Forbidden for another author's post.
        """
        post = await self._visibility.get_post(author_id, post_id)
        if post.author_id != author_id:
            raise Forbidden("Only the author may see the audience of a post.")
        visible_to = await self._find_visible_to(post)
        return PostAudience(
            post_id,
            post.audience,
            visible_to,
            await self._count(post_id, visible_to),
            None if user_id is None else await self.explain_to(user_id, post_id),
        )

    async def explain_to(self, user_id: UserId, post_id: PostId) -> AudienceMember:
        """Return whether a user sees a post, and why. Raises NotFound without such a post."""
        facts = await self._audiences.find_facts(user_id, post_id)
        if facts is None:
            raise NotFound("Post not found.")
        return AudienceMember(user_id, explain_post(facts))

    async def _find_visible_to(self, post: PostRow) -> VisibleTo:
        if post.archived:
            return VisibleTo.AUTHOR
        match post.audience:
            case Audience.CLOSE_FRIENDS:
                return VisibleTo.CLOSE_FRIENDS
            case Audience.FOLLOWERS:
                return VisibleTo.FOLLOWERS
            case Audience.PUBLIC:
                private = await self._users.is_private(post.author_id)
                return VisibleTo.FOLLOWERS if private else VisibleTo.EVERYONE

    async def _count(self, post_id: PostId, visible_to: VisibleTo) -> int | None:
        match visible_to:
            case VisibleTo.EVERYONE:
                return None
            case VisibleTo.FOLLOWERS:
                return await self._audiences.count_followers(post_id, MAX_COUNTED)
            case VisibleTo.CLOSE_FRIENDS:
                return await self._audiences.count_close_friends(post_id, MAX_COUNTED)
            case VisibleTo.AUTHOR:
                return 0
