"""Users and follows of a crowd in the database. Usernames contain numbers, by which a later run finds the users."""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from seeds.crowd.graph import Popularity, celebrities, star_follower_flags, star_followers
from seeds.crowd.rows import add, insert, slices
from seeds.history import HistoryClock, Span
from seeds.words import crowd_name
from server.ids import IdGenerator
from server.models.database import Database, retry_on_deadlock
from server.services.records import Role

PREFIX = "crowd"
DIGITS = 7
MAX_PEOPLE = 10**DIGITS
PEOPLE_PER_BATCH = 500
USERS_PER_QUERY = 5_000
USER_COLUMNS = (
    "id", "username", "username_key", "email", "email_key", "email_verified_at_ms", "password_hash",
    "password_changed_at_ms", "full_name", "bio", "website", "avatar_key", "role", "posts_count", "followers_count",
    "following_count", "created_at_ms",
)  # fmt: skip
NO_PROFILE, NO_COUNTS = ("", "", ""), (0, 0, 0)
FOLLOW_COLUMNS = ("id", "follower_id", "followee_id")


def username(number: int) -> str:
    return f"{PREFIX}{number:0{DIGITS}}"


@dataclass(slots=True)
class Crowd:
    """The existing users by number: ids, 0 if missing, and their counters. Takes 16 bytes per user."""

    ids: "array[int]"
    posts: "array[int]"
    following: "array[int]"
    star_followers: int = 0

    @property
    def missing(self) -> list[int]:
        return [number for number, user_id in enumerate(self.ids) if not user_id]

    @property
    def without_followees(self) -> list[int]:
        return [number for number, count in enumerate(self.following) if not count]


async def find(database: Database, people: int) -> Crowd:
    """Return the first `people` users of the crowd, as far as they exist."""
    crowd = Crowd(array("q", bytes(8 * people)), array("i", bytes(4 * people)), array("i", bytes(4 * people)))
    for start in range(0, people, USERS_PER_QUERY):
        names = [username(start), username(min(start + USERS_PER_QUERY, people) - 1)]
        rows = await database.rows(
            "SELECT id, username_key, posts_count, followers_count, following_count FROM users"
            " WHERE username_key BETWEEN ? AND ?",
            names,
        )
        for row in rows:
            digits = row["username_key"].removeprefix(PREFIX)
            if len(digits) != DIGITS or not digits.isdecimal():
                continue  # another user whose name sorts between two of the crowd
            number = int(digits)
            crowd.ids[number], crowd.posts[number] = row["id"], row["posts_count"]
            crowd.following[number] = row["following_count"]
            if number == 0:
                crowd.star_followers = row["followers_count"]
    return crowd


class UserWriter:
    """Adds missing users and follows, one batch per transaction, with counters exact at every commit."""

    def __init__(self, database: Database, ids: IdGenerator, clock: HistoryClock, seed: int) -> None:
        self._database = database
        self._ids = ids
        self._clock = clock
        self._seed = seed

    async def register(self, crowd: Crowd, numbers: Sequence[int], span: Span, password_hash: str) -> None:
        """Insert one batch of users and set their ids in `crowd`."""
        stars = celebrities(len(crowd.ids))
        rows: list[tuple[object, ...]] = []
        for index, number in enumerate(numbers):
            self._clock.at_ms = span.at(index / len(numbers))
            name, user_id = username(number), self._ids.next()
            email, full_name = f"{name}@example.com", crowd_name(Random(f"{self._seed}/name/{number}"))
            role = Role.CELEBRITY if number < stars else Role.USER
            at_ms = self._clock.now_ms()
            credentials = (name, name, email, email, at_ms, password_hash, at_ms)
            rows.append((user_id, *credentials, full_name, *NO_PROFILE, role, *NO_COUNTS, at_ms))

        async def write() -> None:
            async with self._database.transaction():
                await insert(self._database, "users", USER_COLUMNS, rows)

        await retry_on_deadlock(write)
        for number, row in zip(numbers, rows, strict=True):
            crowd.ids[number] = int(str(row[0]))

    async def follow(
        self, crowd: Crowd, numbers: Sequence[int], star: Sequence[bool], span: Span, popularity: Popularity
    ) -> int:
        """Insert the follows of one batch of users and return their number."""
        rng = Random(f"{self._seed}/follows/{numbers[0]}")
        pairs: list[tuple[int, int]] = []
        for number, follows_star in zip(numbers, star, strict=True):
            followees = popularity.followees(number, rng, star=follows_star)
            pairs += [(crowd.ids[number], crowd.ids[followee]) for followee in followees]
        rows: list[tuple[int, int, int]] = []
        for index, pair in enumerate(pairs):
            self._clock.at_ms = span.at(index / len(pairs))
            rows.append((self._ids.next(), *pair))

        async def write() -> None:
            async with self._database.transaction():
                await add(self._database, "users", "following_count", Counter(pair[0] for pair in pairs))
                await add(self._database, "users", "followers_count", Counter(pair[1] for pair in pairs))
                await insert(self._database, "follows", FOLLOW_COLUMNS, rows)

        await retry_on_deadlock(write)
        return len(rows)


def star_batches(crowd: Crowd, followers: Sequence[int]) -> list[tuple[Sequence[int], Sequence[bool]]]:
    """Return `followers` in batches, each with flags that say who follows the star."""
    wanted = max(0, star_followers(len(crowd.ids)) - crowd.star_followers)
    star = list(star_follower_flags(followers, wanted))
    return list(zip(slices(followers, PEOPLE_PER_BATCH), slices(star, PEOPLE_PER_BATCH), strict=True))
