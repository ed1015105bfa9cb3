"""The timeline of the sample data: registrations, follows, posts, comments, likes and saves.

It is deterministic, so that a later run can compare it with the database. Times are shares of the whole timeline, from
0 for its start to 1 for now. Every activity comes after its subject.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from seeds.sample_users import CAPTIONS, CONVERSATIONS, SAMPLE_USERS, SampleUser
from server.services.records import Role

MAX_POSTS = 4
CELEBRITY_POSTS = 8
NOW = 1.0


@dataclass(frozen=True, slots=True)
class Registration:
    at: float
    user: SampleUser


@dataclass(frozen=True, slots=True)
class Follow:
    at: float
    follower: str
    followee: str


@dataclass(frozen=True, slots=True)
class SamplePost:
    """A post, identified by author and caption; no author uses a caption twice."""

    at: float
    author: str
    caption: str
    scene: str
    pictures: int

    @property
    def key(self) -> tuple[str, str]:
        return self.author, self.caption


@dataclass(frozen=True, slots=True)
class SampleComment:
    """A comment, identified by post, author and content. `parent` is the comment that it replies to."""

    at: float
    author: str
    post: SamplePost
    content: str
    parent: "SampleComment | None" = None


@dataclass(frozen=True, slots=True)
class SampleLike:
    at: float
    username: str
    post: SamplePost


@dataclass(frozen=True, slots=True)
class SampleSave:
    """A saved post, in a collection of the user unless `collection` is None."""

    at: float
    username: str
    post: SamplePost
    collection: str | None


@dataclass(slots=True)
class Timeline:
    registrations: list[Registration] = field(default_factory=list[Registration])
    follows: list[Follow] = field(default_factory=list[Follow])
    posts: list[SamplePost] = field(default_factory=list[SamplePost])
    comments: list[SampleComment] = field(default_factory=list[SampleComment])
    likes: list[SampleLike] = field(default_factory=list[SampleLike])
    saves: list[SampleSave] = field(default_factory=list[SampleSave])


def build_timeline(users: Sequence[SampleUser] = SAMPLE_USERS) -> Timeline:
    """Return the timeline of `users`, the same for each call."""
    rng, timeline = Random("the sample place"), Timeline()
    for user in users:
        late = 0.02 if user.role is not Role.USER else 0.35
        timeline.registrations.append(Registration(rng.uniform(0, late), user))
    joined = {registration.user.username: registration.at for registration in timeline.registrations}
    for user in users:
        timeline.follows += _follows(user, users, joined, rng)
    followers: dict[str, list[Follow]] = {user.username: [] for user in users}
    for follow in timeline.follows:
        followers[follow.followee].append(follow)
    for user in users:
        friends = [follow.followee for follow in timeline.follows if follow.follower == user.username]
        timeline.posts += _posts(user, joined[user.username], friends, rng)
    for post in timeline.posts:
        readers = [follow.follower for follow in followers[post.author] if follow.at < post.at]
        timeline.likes += _likes(post, readers, rng)
        timeline.comments += _comments(post, readers, rng)
    timeline.saves += _saves(timeline.likes, Random("the saved posts"))
    return timeline


def _follows(
    user: SampleUser, users: Sequence[SampleUser], joined: dict[str, float], rng: Random
) -> list[Follow]:
    """Return the follows of `user`: most celebrities, and most users with the same scenes."""
    follows: list[Follow] = []
    for other in users:
        if other is user or other.role is Role.ADMIN:
            continue
        alike = bool(set(user.scenes) & set(other.scenes))
        if rng.random() < (0.93 if other.role is Role.CELEBRITY else 0.6 if alike else 0.16):
            known = max(joined[user.username], joined[other.username])
            follows.append(Follow(rng.uniform(known, known + 0.25), user.username, other.username))
    return follows


def _posts(user: SampleUser, joined: float, friends: Sequence[str], rng: Random) -> list[SamplePost]:
    count = CELEBRITY_POSTS if user.role is Role.CELEBRITY else rng.randint(1, MAX_POSTS)
    written = [(scene, caption) for scene in user.scenes for caption in CAPTIONS[scene]]
    posts: list[SamplePost] = []
    for scene, caption in rng.sample(written, count):
        friend = f"@{rng.choice(friends)}" if friends else "Nobody"
        pictures = 1 if rng.random() < 0.85 else rng.randint(2, 3)
        at = rng.uniform(joined + 0.05, 0.99)
        posts.append(SamplePost(at, user.username, caption.format(friend=friend), scene, pictures))
    return posts


def _likes(post: SamplePost, readers: Sequence[str], rng: Random) -> list[SampleLike]:
    keen = rng.uniform(0.25, 0.8)
    return [SampleLike(_soon(post.at, rng), reader, post) for reader in readers if rng.random() < keen]


def _saves(likes: Sequence[SampleLike], rng: Random) -> list[SampleSave]:
    """Return saves by users who like the post: one like in seven, most of them in a collection by scene."""
    saves: list[SampleSave] = []
    for like in likes:
        if rng.random() < 1 / 7:
            collection = like.post.scene.capitalize() if rng.random() < 0.7 else None
            saves.append(SampleSave(_soon(like.at, rng), like.username, like.post, collection))
    return saves


def _comments(post: SamplePost, readers: Sequence[str], rng: Random) -> list[SampleComment]:
    comments: list[SampleComment] = []
    count = min(len(readers), rng.choice((0, 1, 1, 2, 2, 3, 4)))
    commenters, lines = rng.sample(readers, count), rng.sample(CONVERSATIONS, count)
    for commenter, (first, answer, last) in zip(commenters, lines, strict=True):
        opening = SampleComment(_soon(post.at, rng), commenter, post, first.format(author=post.author))
        comments.append(opening)
        if answer:
            reply = SampleComment(_soon(opening.at, rng), post.author, post, answer, opening)
            comments.append(reply)
            if last:
                comments.append(SampleComment(_soon(reply.at, rng), commenter, post, last, reply))
    return comments


def _soon(at: float, rng: Random) -> float:
    """Return a time after `at` and before now, mostly within half a day of a timeline of 180 days."""
    return at + min(rng.expovariate(400), (NOW - at) / 4) + 1e-7
