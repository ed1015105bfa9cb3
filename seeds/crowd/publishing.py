"""What a crowd publishes: posts with a picture, their likes and their comments, written together."""

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
from seeds.words import answer, caption, remark
from server.ids import IdGenerator
from server.models.database import Database, retry_on_deadlock

POST_COLUMNS = ("id", "author_id", "caption", "likes_count", "comments_count", "revision")
IMAGE_COLUMNS = (
    "id", "post_id", "position", "media_key", "width", "height", "blurhash", "alt_text", "variants",
)  # fmt: skip
LIKE_COLUMNS = ("id", "user_id", "post_id")
COMMENT_COLUMNS = ("id", "post_id", "author_id", "parent_id", "content", "replies_count")
PUBLISHED_BY = 0.6  # of a batch's span; likes and comments fill the rest
MAX_LIKES = 2_000
LIKES_PARETO = 1.6
MIN_LIKES = 2.0  # of an ordinary post; the mean is 2.7 times as many
CELEBRITY_LIKES = 50.0
COMMENT_CHANCE = 0.28  # of one more comment
REPLY_CHANCE = 0.3


class Act(NamedTuple):
    """Somebody's like or comment. `moment` (0..1) puts it among the others; `answers` is the place of a comment
    among those of its post, -1 for none."""

    moment: float
    post: int
    actor: int
    comment: bool
    answers: int = -1


@dataclass(slots=True)
class Batch:
    """The rows of one transaction, and what the counters gain."""

    posts: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    images: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    likes: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    comments: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    authors: Counter[int] = field(default_factory=Counter[int])


class Publishing:
    """Makes and writes batches of posts, one for each of the authors named."""

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
        """Commit one batch: rows and counters together."""

        async def transaction() -> None:
            async with self._database.transaction():
                await add(self._database, "users", "posts_count", batch.authors)
                await insert(self._database, "posts", POST_COLUMNS, batch.posts)
                await insert(self._database, "post_images", IMAGE_COLUMNS, batch.images)
                await insert(self._database, "likes", LIKE_COLUMNS, batch.likes)
                await insert(self._database, "comments", COMMENT_COLUMNS, batch.comments)

        await retry_on_deadlock(transaction)

    def make(self, authors: Sequence[int], chance: Random, span: Span) -> Batch:
        """One post of each author, with what others did about it; in the order of time, as ids have it."""
        publishing, later = span.part(0, PUBLISHED_BY), span.part(PUBLISHED_BY, 1)
        post_ids: list[int] = []
        batch = Batch()
        for place in range(len(authors)):
            self._clock.at_ms = publishing.at(place / len(authors))
            post_ids.append(self._ids.next())
            batch.images.append(self._image(post_ids[-1], chance))
        acts = sorted(self._acts(authors, chance), key=lambda act: act.moment)
        likes, comments = self._react(batch, post_ids, acts, chance, later)
        for place, number in enumerate(authors):
            author_id, post_id = self._crowd.ids[number], post_ids[place]
            said = caption(chance)
            batch.posts.append(
                (post_id, author_id, said, likes[place], comments[place], likes[place] + comments[place])
            )
            batch.authors[author_id] += 1
        return batch

    def _image(self, post_id: int, chance: Random) -> tuple[object, ...]:
        shown = chance.choice(self._pictures)
        return (
            self._ids.next(), post_id, 0, shown.media_key, shown.width, shown.height, shown.blurhash, shown.alt_text,
            shown.variants,
        )  # fmt: skip

    def _acts(self, authors: Sequence[int], chance: Random) -> list[Act]:
        people = len(self._crowd.ids)
        acts: list[Act] = []
        for place, author in enumerate(authors):
            fewest = CELEBRITY_LIKES if author < self._celebrities else MIN_LIKES
            likes = min(int(fewest * chance.paretovariate(LIKES_PARETO)), MAX_LIKES, people // 2)
            acts += [Act(chance.random(), place, who, False) for who in _some(chance, people, likes)]
            moment, written = 0.0, 0
            while chance.random() < COMMENT_CHANCE:
                moment += (1 - moment) * chance.random()
                answers = chance.randrange(written) if written and chance.random() < REPLY_CHANCE else -1
                acts.append(Act(moment, place, chance.randrange(people), True, answers))
                written += 1
        return acts

    def _react(
        self, batch: Batch, post_ids: Sequence[int], acts: Sequence[Act], chance: Random, span: Span
    ) -> tuple[Counter[int], Counter[int]]:
        """Turn acts into rows; the likes and the comments of each post, by its place."""
        likes, comments = Counter[int](), Counter[int]()
        threads: dict[int, list[tuple[int, int | None]]] = {}
        written: list[tuple[int, int, int, int | None, str]] = []
        replies = Counter[int]()
        ids = self._crowd.ids
        for place, act in enumerate(acts):
            self._clock.at_ms = span.at(place / len(acts))
            row_id, post_id = self._ids.next(), post_ids[act.post]
            if not act.comment:
                batch.likes.append((row_id, ids[act.actor], post_id))
                likes[act.post] += 1
                continue
            thread = threads.setdefault(act.post, [])
            parent_id: int | None = None
            if act.answers >= 0:
                answered, its_parent = thread[act.answers]
                parent_id = its_parent or answered  # a reply to a reply goes to the same thread
                replies[parent_id] += 1
            thread.append((row_id, parent_id))
            said = remark(chance) if parent_id is None else answer(chance)
            written.append((row_id, post_id, ids[act.actor], parent_id, said))
            comments[act.post] += 1
        batch.comments += [(*row, replies[row[0]]) for row in written]
        return likes, comments


def _some(chance: Random, people: int, count: int) -> set[int]:
    """`count` people, nobody twice; at most half of all."""
    chosen: set[int] = set()
    while len(chosen) < count:
        chosen.add(chance.randrange(people))
    return chosen
