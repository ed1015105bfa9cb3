"""What happened in the sample place: who joined, followed, published, commented and liked, and when.

Pure, and the same every time: a later run compares it with what is there. Times are shares of the place's history, 0
its beginning and 1 now; an act comes after what it is about.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from seeds.sample_users import CAPTIONS, CAST, CONVERSATIONS, Character
from server.services.records import Role

MAX_POSTS = 4
CELEBRITY_POSTS = 8
NOW = 1.0


@dataclass(frozen=True, slots=True)
class Arrival:
    at: float
    character: Character


@dataclass(frozen=True, slots=True)
class Following:
    at: float
    follower: str
    followee: str


@dataclass(frozen=True, slots=True)
class Publication:
    """A post; nobody writes the same caption twice, so author and caption name it."""

    at: float
    author: str
    caption: str
    scene: str
    pictures: int

    @property
    def key(self) -> tuple[str, str]:
        return self.author, self.caption


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment; nobody says the same twice under one post. `answers` is the remark that it replies to."""

    at: float
    author: str
    post: Publication
    content: str
    answers: "Remark | None" = None


@dataclass(frozen=True, slots=True)
class Liking:
    at: float
    who: str
    post: Publication


@dataclass(slots=True)
class Story:
    arrivals: list[Arrival] = field(default_factory=list[Arrival])
    followings: list[Following] = field(default_factory=list[Following])
    publications: list[Publication] = field(default_factory=list[Publication])
    remarks: list[Remark] = field(default_factory=list[Remark])
    likings: list[Liking] = field(default_factory=list[Liking])


def tell(cast: Sequence[Character] = CAST) -> Story:
    """The story of these people."""
    chance, story = Random("the sample place"), Story()
    for character in cast:
        late = 0.02 if character.role is not Role.USER else 0.35
        story.arrivals.append(Arrival(chance.uniform(0, late), character))
    joined = {arrival.character.username: arrival.at for arrival in story.arrivals}
    for character in cast:
        story.followings += _followings(character, cast, joined, chance)
    followers: dict[str, list[Following]] = {character.username: [] for character in cast}
    for following in story.followings:
        followers[following.followee].append(following)
    for character in cast:
        friends = [
            following.followee for following in story.followings if following.follower == character.username
        ]
        story.publications += _publications(character, joined[character.username], friends, chance)
    for post in story.publications:
        readers = [following.follower for following in followers[post.author] if following.at < post.at]
        story.likings += _likings(post, readers, chance)
        story.remarks += _remarks(post, readers, chance)
    return story


def _followings(
    character: Character, cast: Sequence[Character], joined: dict[str, float], chance: Random
) -> list[Following]:
    """Nearly everybody follows the celebrities, and most of those who look at the same things."""
    followings: list[Following] = []
    for other in cast:
        if other is character or other.role is Role.ADMIN:
            continue
        alike = bool(set(character.scenes) & set(other.scenes))
        if chance.random() < (0.93 if other.role is Role.CELEBRITY else 0.6 if alike else 0.16):
            known = max(joined[character.username], joined[other.username])
            followings.append(
                Following(chance.uniform(known, known + 0.25), character.username, other.username)
            )
    return followings


def _publications(
    character: Character, joined: float, friends: Sequence[str], chance: Random
) -> list[Publication]:
    count = CELEBRITY_POSTS if character.role is Role.CELEBRITY else chance.randint(1, MAX_POSTS)
    written = [(scene, caption) for scene in character.scenes for caption in CAPTIONS[scene]]
    posts: list[Publication] = []
    for scene, caption in chance.sample(written, count):
        friend = f"@{chance.choice(friends)}" if friends else "Nobody"
        pictures = 1 if chance.random() < 0.85 else chance.randint(2, 3)
        at = chance.uniform(joined + 0.05, 0.99)
        posts.append(Publication(at, character.username, caption.format(friend=friend), scene, pictures))
    return posts


def _likings(post: Publication, readers: Sequence[str], chance: Random) -> list[Liking]:
    keen = chance.uniform(0.25, 0.8)
    return [Liking(_soon(post.at, chance), reader, post) for reader in readers if chance.random() < keen]


def _remarks(post: Publication, readers: Sequence[str], chance: Random) -> list[Remark]:
    remarks: list[Remark] = []
    count = min(len(readers), chance.choice((0, 1, 1, 2, 2, 3, 4)))
    talkers, lines = chance.sample(readers, count), chance.sample(CONVERSATIONS, count)
    for talker, (first, answer, last) in zip(talkers, lines, strict=True):
        opening = Remark(_soon(post.at, chance), talker, post, first.format(author=post.author))
        remarks.append(opening)
        if answer:
            reply = Remark(_soon(opening.at, chance), post.author, post, answer, opening)
            remarks.append(reply)
            if last:
                remarks.append(Remark(_soon(reply.at, chance), talker, post, last, reply))
    return remarks


def _soon(at: float, chance: Random) -> float:
    """Mostly within a day, of half a year; before now."""
    return at + min(chance.expovariate(400), (NOW - at) / 4) + 1e-7
