"""The part of the sample timeline that exists in the database, with its ids."""

from dataclasses import dataclass, field
from typing import Any

from seeds.timeline import SampleComment, SamplePost, Timeline
from server.errors import NotFound
from server.ids import CommentId, PostId, UserId
from server.models.database import Database, placeholders


@dataclass(slots=True)
class ExistingUser:
    """A sample user who has an account. `email` is the verified address, or empty."""

    id: UserId
    role: str
    email: str
    bio: str
    avatar_key: str


@dataclass(slots=True)
class ExistingRows:
    """The sample rows in the database, by their names in the timeline."""

    users: dict[str, ExistingUser] = field(default_factory=dict[str, ExistingUser])
    follows: set[tuple[UserId, UserId]] = field(default_factory=set[tuple[UserId, UserId]])
    posts: dict[tuple[str, str], PostId] = field(default_factory=dict[tuple[str, str], PostId])
    comments: dict[tuple[PostId, UserId, str], CommentId] = field(
        default_factory=dict[tuple[PostId, UserId, str], CommentId]
    )
    safety: set[str] = field(default_factory=set[str])
    second_factor_secret: str = ""  # of the sample user who has one, if this run set it up
    likes: set[tuple[UserId, PostId]] = field(default_factory=set[tuple[UserId, PostId]])
    saves: set[tuple[UserId, PostId]] = field(default_factory=set[tuple[UserId, PostId]])

    def user_id(self, username: str) -> UserId:
        """Return the id of a sample user. Raises NotFound if the user does not exist yet."""
        if username not in self.users:
            raise NotFound(f"The user {username} does not exist yet: run `python -m seeds users` first.")
        return self.users[username].id

    def post_id(self, post: SamplePost) -> PostId:
        """Return the id of a sample post. Raises NotFound if the post does not exist yet."""
        if post.key not in self.posts:
            raise NotFound(f"Posts of {post.author} are missing: run `python -m seeds posts` first.")
        return self.posts[post.key]

    def comment_id(self, comment: SampleComment) -> CommentId | None:
        """Return the id of a sample comment, or None."""
        author, post_id = self.users.get(comment.author), self.posts.get(comment.post.key)
        if author is None or post_id is None:
            return None
        return self.comments.get((post_id, author.id, comment.content))


async def survey(database: Database, timeline: Timeline) -> ExistingRows:
    """Return the rows of the timeline that exist, with six queries."""
    existing = ExistingRows()
    names = [registration.user.username for registration in timeline.registrations]
    for row in await database.rows(
        "SELECT id, username_key, role, email, bio, avatar_key FROM users"
        f" WHERE username_key IN ({placeholders(len(names))})",
        names,
    ):
        user = ExistingUser(UserId(row["id"]), row["role"], row["email"], row["bio"], row["avatar_key"])
        existing.users[row["username_key"]] = user
    if existing.users:
        await _survey_activities(database, existing)
    return existing


async def _survey_activities(database: Database, existing: ExistingRows) -> None:
    names = {user.id: name for name, user in existing.users.items()}
    ids: list[Any] = list(names)
    user_ids = placeholders(len(ids))
    for row in await database.rows(
        f"SELECT follower_id, followee_id FROM follows WHERE follower_id IN ({user_ids})", ids
    ):
        existing.follows.add((UserId(row["follower_id"]), UserId(row["followee_id"])))
    for row in await database.rows(
        f"SELECT id, author_id, caption FROM posts WHERE author_id IN ({user_ids}) AND deleted_at_ms IS NULL",
        ids,
    ):
        existing.posts[names[UserId(row["author_id"])], row["caption"]] = PostId(row["id"])
    for row in await database.rows(
        f"SELECT id, post_id, author_id, content FROM comments WHERE author_id IN ({user_ids})", ids
    ):
        key = (PostId(row["post_id"]), UserId(row["author_id"]), row["content"])
        existing.comments[key] = CommentId(row["id"])
    for table, known in (("likes", existing.likes), ("saves", existing.saves)):
        for row in await database.rows(
            f"SELECT user_id, post_id FROM {table} WHERE user_id IN ({user_ids})", ids
        ):
            known.add((UserId(row["user_id"]), PostId(row["post_id"])))
