"""Shows what authors can decide about comments and likes: pins, likes of comments, comments off, hidden counts."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial

from seeds.existing_rows import ExistingRows
from seeds.timeline import SampleComment, SamplePost, Timeline
from server.control import SeedContext
from server.ids import CommentId
from server.models.database import Database
from server.services.content.post_options import OptionChanges

MAX_LIKED = 5

Part = tuple[str, Callable[[SeedContext, ExistingRows], Awaitable[None]]]


@dataclass(frozen=True, slots=True)
class CommentChoices:
    """`liked` are comments that the author of their posts likes; the first of them is pinned."""

    liked: tuple[SampleComment, ...]
    without_comments: SamplePost | None
    without_like_count: SamplePost | None


def build_choices(timeline: Timeline, author: str, private: str) -> CommentChoices:
    """Return the choices of an author, and of another one whose account is not `private`."""
    liked = [each for each in timeline.comments if each.post.author == author and each.parent is None]
    others = [post for post in timeline.posts if post.author not in (author, private)]
    own = [post for post in timeline.posts if post.author == author]
    return CommentChoices(tuple(liked[:MAX_LIKED]), others[-1] if others else None, own[-1] if own else None)


def parts(choices: CommentChoices) -> Iterator[Part]:
    """Yield the parts in the order in which they happen."""
    for comment in choices.liked:
        yield f"likes {comment.post.key} {comment.content}", partial(_like, comment)
    if choices.liked:
        yield "pin", partial(_pin, choices.liked[0])
    if choices.without_comments:
        yield "comments off", partial(_edit, choices.without_comments, OptionChanges(comments_enabled=False))
    if choices.without_like_count:
        hidden = OptionChanges(like_count_hidden=True)
        yield "like count hidden", partial(_edit, choices.without_like_count, hidden)


async def survey_choices(database: Database, choices: CommentChoices, existing: ExistingRows) -> set[str]:
    """Return the parts that exist."""
    done: set[str] = set()
    for comment in choices.liked:
        comment_id = existing.comment_id(comment)
        if comment_id is not None:
            found = "SELECT 1 FROM comment_likes WHERE comment_id = ? LIMIT 1"
            if await database.rows(found, [comment_id]):
                done.add(f"likes {comment.post.key} {comment.content}")
    for key, found in (
        ("pin", "SELECT 1 FROM comments WHERE pinned_at_ms IS NOT NULL LIMIT 1"),
        ("comments off", "SELECT 1 FROM posts WHERE comments_enabled = 0 LIMIT 1"),
        ("like count hidden", "SELECT 1 FROM posts WHERE like_count_hidden = 1 LIMIT 1"),
    ):
        if await database.rows(found):
            done.add(key)
    return done


def describe_choices(choices: CommentChoices) -> Iterator[tuple[str, str]]:
    """Yield the user to sign in as, and what that user finds."""
    if choices.liked:
        yield (
            choices.liked[0].post.author,
            "has pinned a comment, likes comments, and hides the likes of a post",
        )
    if choices.without_comments:
        yield choices.without_comments.author, "has turned off the comments of a post"


async def _like(comment: SampleComment, context: SeedContext, existing: ExistingRows) -> None:
    author_id, post_id = existing.user_id(comment.post.author), existing.post_id(comment.post)
    await context.services.comment_likes.like(author_id, post_id, _id_of(comment, existing))


async def _pin(comment: SampleComment, context: SeedContext, existing: ExistingRows) -> None:
    author_id, post_id = existing.user_id(comment.post.author), existing.post_id(comment.post)
    await context.services.comment_pins.pin(author_id, post_id, _id_of(comment, existing))


async def _edit(
    post: SamplePost, options: OptionChanges, context: SeedContext, existing: ExistingRows
) -> None:
    author_id = existing.user_id(post.author)
    await context.services.posts.edit(author_id, existing.post_id(post), None, None, options=options)


def _id_of(comment: SampleComment, existing: ExistingRows) -> CommentId:
    comment_id = existing.comment_id(comment)
    assert comment_id is not None  # the step follows that of comments
    return comment_id
