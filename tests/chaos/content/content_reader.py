"""Read rules of the state machine: read the program and the model, and compare."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine

from server.ids import CommentId, PostId, UserId
from server.paging import OLDEST_FIRST
from server.services.records import Comment, Post, RelatedUser, UserCard
from tests.chaos.content.content_model import ContentModel, ModelComment, ModelPost, Refused
from tests.chaos.state_machines import ServiceRunner


class ContentReader(RuleBasedStateMachine):
    """Each read fails unless program and model agree: same items, same order, or same refusal."""

    def __init__(self, runner: ServiceRunner) -> None:
        super().__init__()
        self.runner = runner
        self.harness = runner.harness
        self.model = ContentModel()

    def read_post(self, viewer: UserId, post: PostId) -> None:
        seen = self.runner.outcome(self.harness.posts.get(viewer, post))
        wanted = expected(lambda: self._wanted_post(viewer, self.model.post(post)))
        assert (self._shown_post(seen) if isinstance(seen, Post) else seen) == wanted

    def read_posts(self, viewer: UserId, author: UserId, limit: int) -> None:
        found = self.runner.pages(
            lambda request: self.harness.posts.list_by_author(viewer, author, request), limit
        )
        assert shown(found, self._shown_post) == expected(
            lambda: [
                self._wanted_post(viewer, self.model.post(each)) for each in self.model.of_author(author)
            ]
        )

    def read_profile(self, viewer: UserId, user: UserId) -> None:
        profile = self.runner.outcome(self.harness.profiles.get(viewer, user))
        wanted = expected(
            lambda: (
                len(self.model.of_author(user)),
                len(self.model.followers(user)),
                len(self.model.following(user)),
                (viewer, user) in self.model.follows,
                (user, viewer) in self.model.follows,
            )
        )
        counts = ("posts_count", "followers_count", "following_count")
        follows = ("relationship.following", "relationship.followed_by")
        assert pair(profile, *counts, *follows) == wanted

    def read_likers(self, viewer: UserId, post: PostId, limit: int) -> None:
        found = self.runner.pages(
            lambda request: self.harness.likes.list_likers(viewer, post, request), limit
        )
        assert shown(found, _listed) == expected(lambda: self._people(self.model.likers(post)))

    def read_follows(self, viewer: UserId, user: UserId, limit: int) -> None:
        for read, wanted in (
            (self.harness.follows.list_followers, self.model.followers),
            (self.harness.follows.list_following, self.model.following),
        ):
            found = self.runner.pages(lambda request, read=read: read(viewer, user, request), limit)
            assert shown(found, _listed) == expected(lambda wanted=wanted: self._people(wanted(user)))

    def read_comments(self, viewer: UserId, post: PostId, limit: int) -> None:
        found = self.runner.pages(
            lambda request: self.harness.comments.list_by_post(viewer, post, request), limit
        )
        assert shown(found, self._shown_comment) == expected(
            lambda: self._wanted_comments(post, self.model.comments(post))
        )

    def read_replies(self, viewer: UserId, post: PostId, parent: CommentId, limit: int) -> None:
        found = self.runner.pages(
            lambda request: self.harness.comments.list_replies(viewer, post, parent, request),
            limit,
            OLDEST_FIRST,
        )
        assert shown(found, self._shown_comment) == expected(
            lambda: self._wanted_comments(post, self.model.replies(post, parent))
        )

    # Comparable forms of both sides

    def _shown_post(self, post: Post) -> tuple[Any, ...]:
        return (
            post.id, _card(post.author), post.card.caption, [image.alt_text for image in post.card.images],
            post.likes_count, post.comments_count, post.liked, post.card.edited_at_ms is not None,
        )  # fmt: skip

    def _wanted_post(self, viewer: UserId, post: ModelPost) -> tuple[Any, ...]:
        return (
            post.id, self._person(post.author), post.caption, post.alt_texts,
            len(post.likers), len(post.comments), viewer in post.likers, post.edited,
        )  # fmt: skip

    def _shown_comment(self, comment: Comment) -> tuple[Any, ...]:
        author = _card(comment.author)
        return comment.id, comment.parent_id, author, comment.content, comment.replies_count

    def _wanted_comment(self, post: ModelPost, comment: ModelComment) -> tuple[Any, ...]:
        author = self._person(comment.author)
        return comment.id, comment.thread, author, comment.content, len(post.replies(comment.id))

    def _wanted_comments(self, post: PostId, comments: list[ModelComment]) -> list[tuple[Any, ...]]:
        return [self._wanted_comment(self.model.post(post), comment) for comment in comments]

    def _person(self, user: int) -> tuple[int, str]:
        return user, self.model.names[user]

    def _people(self, users: list[int]) -> list[tuple[int, str]]:
        return [self._person(user) for user in users]


def expected(ask: Callable[[], Any]) -> Any:
    """Return the answer of the model, or the code of its refusal."""
    try:
        return ask()
    except Refused as refusal:
        return refusal.code


def shown(found: Any, look: Callable[[Any], Any]) -> Any:
    """Map items to their comparable form; leave a refusal code as it is."""
    return found if isinstance(found, str) else [look(item) for item in found]


def pair(record: Any, *names: str) -> Any:
    """Return some attributes of a record; leave a refusal code as it is."""
    return record if isinstance(record, str) else tuple(attrgetter(name)(record) for name in names)


def _listed(user: RelatedUser) -> tuple[int, str]:
    return _card(user.card)


def _card(card: UserCard) -> tuple[int, str]:
    return card.id, card.full_name
