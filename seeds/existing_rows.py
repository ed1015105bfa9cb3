"""The sample place as it is in the database: who and what of the story is there already, under which ids."""

from dataclasses import dataclass, field
from typing import Any

from seeds.timeline import Publication, Remark, Story
from server.errors import NotFound
from server.ids import CommentId, PostId, UserId
from server.models.database import Database, placeholders


@dataclass(slots=True)
class Resident:
    """Somebody of the story who has an account."""

    id: UserId
    role: str
    bio: str
    avatar_key: str


@dataclass(slots=True)
class Place:
    residents: dict[str, Resident] = field(default_factory=dict[str, Resident])
    follows: set[tuple[UserId, UserId]] = field(default_factory=set[tuple[UserId, UserId]])
    posts: dict[tuple[str, str], PostId] = field(default_factory=dict[tuple[str, str], PostId])
    comments: dict[tuple[PostId, UserId, str], CommentId] = field(
        default_factory=dict[tuple[PostId, UserId, str], CommentId]
    )
    likes: set[tuple[UserId, PostId]] = field(default_factory=set[tuple[UserId, PostId]])

    def user_id(self, username: str) -> UserId:
        """Raises NotFound, with what to do."""
        if username not in self.residents:
            raise NotFound(f"There is no {username} yet: run `python -m seeds users` first.")
        return self.residents[username].id

    def post_id(self, post: Publication) -> PostId:
        """Raises NotFound, with what to do."""
        if post.key not in self.posts:
            raise NotFound(f"{post.author}'s posts are not all there yet: run `python -m seeds posts` first.")
        return self.posts[post.key]

    def comment_id(self, remark: Remark) -> CommentId | None:
        """None if it is not there."""
        author, post_id = self.residents.get(remark.author), self.posts.get(remark.post.key)
        if author is None or post_id is None:
            return None
        return self.comments.get((post_id, author.id, remark.content))


async def survey(database: Database, story: Story) -> Place:
    """What is there of the story, in five queries."""
    place = Place()
    names = [arrival.character.username for arrival in story.arrivals]
    for row in await database.rows(
        f"SELECT id, username_key, role, bio, avatar_key FROM users WHERE username_key IN ({placeholders(len(names))})",
        names,
    ):
        resident = Resident(UserId(row["id"]), row["role"], row["bio"], row["avatar_key"])
        place.residents[row["username_key"]] = resident
    if place.residents:
        await _survey_acts(database, place)
    return place


async def _survey_acts(database: Database, place: Place) -> None:
    names = {resident.id: name for name, resident in place.residents.items()}
    ids: list[Any] = list(names)
    theirs = placeholders(len(ids))
    for row in await database.rows(
        f"SELECT follower_id, followee_id FROM follows WHERE follower_id IN ({theirs})", ids
    ):
        place.follows.add((UserId(row["follower_id"]), UserId(row["followee_id"])))
    for row in await database.rows(
        f"SELECT id, author_id, caption FROM posts WHERE author_id IN ({theirs}) AND deleted_at_ms IS NULL",
        ids,
    ):
        place.posts[names[UserId(row["author_id"])], row["caption"]] = PostId(row["id"])
    for row in await database.rows(
        f"SELECT id, post_id, author_id, content FROM comments WHERE author_id IN ({theirs})", ids
    ):
        key = (PostId(row["post_id"]), UserId(row["author_id"]), row["content"])
        place.comments[key] = CommentId(row["id"])
    for row in await database.rows(f"SELECT user_id, post_id FROM likes WHERE user_id IN ({theirs})", ids):
        place.likes.add((UserId(row["user_id"]), PostId(row["post_id"])))
