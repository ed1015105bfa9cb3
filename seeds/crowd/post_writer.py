"""Posts of a crowd with a picture, likes and comments, written in batches."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from seeds.crowd.graph import celebrities
from seeds.crowd.people import Crowd
from seeds.crowd.pictures import Picture
from seeds.crowd.rows import add, insert
from seeds.history import HistoryClock, Span
from seeds.words import caption, comment_text, reply_text
from server.ids import IdGenerator
from server.models.database import Database, retry_on_deadlock

POST_COLUMNS = ("id", "author_id", "caption", "likes_count", "comments_count", "revision")
IMAGE_COLUMNS = (
    "id", "post_id", "position", "media_key", "width", "height", "blurhash", "alt_text", "variants",
)  # fmt: skip
LIKE_COLUMNS = ("id", "user_id", "post_id")
COMMENT_COLUMNS = ("id", "post_id", "author_id", "parent_id", "content", "replies_count")
PUBLISHED_BY = 0.6  # share of a batch's time span; likes and comments fill the rest
MAX_LIKES = 2_000
LIKES_PARETO = 1.6
MIN_LIKES = 2.0  # of posts by other users than celebrities; the mean is 2.7 times as many
CELEBRITY_LIKES = 50.0
COMMENT_CHANCE = 0.28  # probability of one more comment
REPLY_CHANCE = 0.3


class Engagement(NamedTuple):
    """A like or a comment of a user on a post.

    `moment` (0 to 1) is its time. `parent` is the index of a comment of the same post, -1 for none.
    """

    moment: float
    post: int
    actor: int
    comment: bool
    parent: int = -1


@dataclass(slots=True)
class Batch:
    """The rows of one transaction and the increments of posts_count by author."""

    posts: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    images: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    likes: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    comments: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    authors: Counter[int] = field(default_factory=Counter[int])


class PostWriter:
    """Generates and writes batches of posts."""

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        clock: HistoryClock,
        crowd: Crowd,
        pictures: Sequence[Picture],
    ) -> None:
        self._database = database
        self._ids = ids
        self._clock = clock
        self._crowd = crowd
        self._pictures = pictures
        self._celebrities = celebrities(len(crowd.ids))

    async def write(self, batch: Batch) -> None:
        """Write the rows and counters of a batch in one transaction."""

        async def transaction() -> None:
            async with self._database.transaction():
                await add(self._database, "users", "posts_count", batch.authors)
                await insert(self._database, "posts", POST_COLUMNS, batch.posts)
                await insert(self._database, "post_images", IMAGE_COLUMNS, batch.images)
                await insert(self._database, "likes", LIKE_COLUMNS, batch.likes)
                await insert(self._database, "comments", COMMENT_COLUMNS, batch.comments)

        await retry_on_deadlock(transaction)

    def make(self, authors: Sequence[int], rng: Random, span: Span) -> Batch:
        """Return one post per author with its likes and comments, in chronological order of ids."""
        publishing, later = span.part(0, PUBLISHED_BY), span.part(PUBLISHED_BY, 1)
        post_ids: list[int] = []
        batch = Batch()
        for index in range(len(authors)):
            self._clock.at_ms = publishing.at(index / len(authors))
            post_ids.append(self._ids.next())
            batch.images.append(self._image(post_ids[-1], rng))
        engagements = sorted(self._engagements(authors, rng), key=lambda engagement: engagement.moment)
        likes, comments = self._engagement_rows(batch, post_ids, engagements, rng, later)
        for index, number in enumerate(authors):
            author_id, post_id = self._crowd.ids[number], post_ids[index]
            said = caption(rng)
            batch.posts.append(
                (post_id, author_id, said, likes[index], comments[index], likes[index] + comments[index])
            )
            batch.authors[author_id] += 1
        return batch

    def _image(self, post_id: int, rng: Random) -> tuple[object, ...]:
        shown = rng.choice(self._pictures)
        return (
            self._ids.next(), post_id, 0, shown.media_key, shown.width, shown.height, shown.blurhash, shown.alt_text,
            shown.variants,
        )  # fmt: skip

    def _engagements(self, authors: Sequence[int], rng: Random) -> list[Engagement]:
        people = len(self._crowd.ids)
        engagements: list[Engagement] = []
        for index, author in enumerate(authors):
            minimum = CELEBRITY_LIKES if author < self._celebrities else MIN_LIKES
            likes = min(int(minimum * rng.paretovariate(LIKES_PARETO)), MAX_LIKES, people // 2)
            engagements += [Engagement(rng.random(), index, who, False) for who in _some(rng, people, likes)]
            moment, written = 0.0, 0
            while rng.random() < COMMENT_CHANCE:
                moment += (1 - moment) * rng.random()
                parent = rng.randrange(written) if written and rng.random() < REPLY_CHANCE else -1
                engagements.append(Engagement(moment, index, rng.randrange(people), True, parent))
                written += 1
        return engagements

    def _engagement_rows(
        self,
        batch: Batch,
        post_ids: Sequence[int],
        engagements: Sequence[Engagement],
        rng: Random,
        span: Span,
    ) -> tuple[Counter[int], Counter[int]]:
        """Add rows for the engagements; return the numbers of likes and comments by index of the post."""
        likes, comments = Counter[int](), Counter[int]()
        threads: dict[int, list[tuple[int, int | None]]] = {}
        written: list[tuple[int, int, int, int | None, str]] = []
        replies = Counter[int]()
        ids = self._crowd.ids
        for index, engagement in enumerate(engagements):
            self._clock.at_ms = span.at(index / len(engagements))
            row_id, post_id = self._ids.next(), post_ids[engagement.post]
            if not engagement.comment:
                batch.likes.append((row_id, ids[engagement.actor], post_id))
                likes[engagement.post] += 1
                continue
            thread = threads.setdefault(engagement.post, [])
            parent_id: int | None = None
            if engagement.parent >= 0:
                answered, its_parent = thread[engagement.parent]
                parent_id = its_parent or answered  # a reply to a reply goes to the same thread
                replies[parent_id] += 1
            thread.append((row_id, parent_id))
            said = comment_text(rng) if parent_id is None else reply_text(rng)
            written.append((row_id, post_id, ids[engagement.actor], parent_id, said))
            comments[engagement.post] += 1
        batch.comments += [(*row, replies[row[0]]) for row in written]
        return likes, comments


def _some(rng: Random, people: int, count: int) -> set[int]:
    """Return `count` distinct users; `count` is at most half of `people`."""
    chosen: set[int] = set()
    while len(chosen) < count:
        chosen.add(rng.randrange(people))
    return chosen
