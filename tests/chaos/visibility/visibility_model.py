"""An in-memory model of what users may see of each other, to compare the program with. Pairs are (subject, target)."""

from dataclasses import dataclass, field

from server.services.records import Relationship


@dataclass(slots=True)
class ModelComment:
    id: int
    author: int
    pending: bool


@dataclass(slots=True)
class ModelPost:
    """`likers` and `comments` are oldest first."""

    id: int
    author: int
    audience: str = "public"
    likers: list[int] = field(default_factory=list[int])
    comments: list[ModelComment] = field(default_factory=list[ModelComment])


class VisibilityModel:
    def __init__(self, people: list[int]) -> None:
        self.people = people
        self.private: set[int] = set()
        self.hidden: set[int] = set()
        self.follows: list[tuple[int, int]] = []
        self.requests: list[tuple[int, int]] = []
        self.blocks: set[tuple[int, int]] = set()
        self.mutes: set[tuple[int, int]] = set()
        self.restricted: set[tuple[int, int]] = set()
        self.close_friends: set[tuple[int, int]] = set()
        self.posts: dict[int, ModelPost] = {}

    # Changes

    def follow(self, one: int, other: int) -> str | None:
        """Return the code of the refusal, or None."""
        if not self.finds(one, other):
            return "not_found"
        if one == other:
            return "own_account"
        if (one, other) in self.blocks:
            return "blocked"
        pairs = self.requests if other in self.private else self.follows
        if (one, other) not in self.follows + pairs:
            pairs.append((one, other))
        return None

    def unfollow(self, one: int, other: int) -> str | None:
        if not self.finds(one, other):
            return "not_found"
        self._end(one, other)
        return None

    def remove_follower(self, user: int, follower: int) -> str | None:
        if not self.finds(user, follower):
            return "not_found"
        self._end(follower, user)
        return None

    def answer(self, user: int, requester: int, *, accept: bool) -> str | None:
        if (requester, user) not in self.requests or not self.finds(user, requester):
            return "not_found"
        self.requests.remove((requester, user))
        if accept and (requester, user) not in self.follows:
            self.follows.append((requester, user))
        return None

    def set_private(self, user: int, *, private: bool) -> None:
        (self.private.add if private else self.private.discard)(user)
        if not private:
            for pair in [pair for pair in self.requests if pair[1] == user][::-1]:
                self.answer(user, pair[0], accept=True)  # those of hidden users stay

    def block(self, one: int, other: int) -> str | None:
        if not self.finds(one, other):
            return "not_found"
        if one == other:
            return "own_account"
        if (one, other) not in self.blocks:
            self.blocks.add((one, other))
            self.close_friends -= {(one, other), (other, one)}
            self._end(one, other)
            self._end(other, one)
        return None

    # What a viewer may see

    def sees_user(self, viewer: int, user: int) -> bool:
        if user != viewer and user in self.hidden:
            return False
        return (viewer, user) not in self.blocks and (user, viewer) not in self.blocks

    def finds(self, viewer: int, user: int) -> bool:
        """Return whether the viewer gets the profile."""
        return user not in self.hidden and (user, viewer) not in self.blocks

    def is_open(self, viewer: int, user: int) -> bool:
        return viewer == user or user not in self.private or (viewer, user) in self.follows

    def sees_post(self, viewer: int, post: ModelPost) -> bool:
        if not self.sees_user(viewer, post.author) or not self.is_open(viewer, post.author):
            return False
        return self.is_in_audience(viewer, post)

    def is_in_audience(self, viewer: int, post: ModelPost) -> bool:
        if post.audience == "public" or viewer == post.author:
            return True
        if post.audience == "followers":
            return (viewer, post.author) in self.follows
        return (post.author, viewer) in self.close_friends

    def reason(self, viewer: int, post: ModelPost) -> str:
        """Return why a viewer sees a post or does not, as it is explained to the author."""
        author = post.author
        if viewer != author and author in self.hidden:
            return "account_hidden"
        if (viewer, author) in self.blocks or (author, viewer) in self.blocks:
            return "blocked" if (viewer, author) in self.blocks else "blocked_by"
        if not self.is_open(viewer, author):
            return "private_account"
        if not self.is_in_audience(viewer, post):
            return "not_follower" if post.audience == "followers" else "not_close_friend"
        if viewer == author:
            return "author"
        if post.audience == "close_friends":
            return "close_friend"
        return "everyone" if post.audience == "public" and author not in self.private else "follower"

    def posts_count(self, viewer: int, author: int) -> int:
        posts = [post for post in self.posts.values() if post.author == author]
        return sum(self.is_in_audience(viewer, post) for post in posts)

    def is_public(self, post: ModelPost) -> bool:
        """Return whether everybody may see the post, also without an account."""
        return (
            post.audience == "public" and post.author not in self.hidden and post.author not in self.private
        )

    def of_author(self, viewer: int, author: int) -> list[int]:
        return [post.id for post in self.newest() if post.author == author and self.sees_post(viewer, post)]

    def feed(self, reader: int) -> list[int]:
        shown = {reader} | {
            other for one, other in self.follows if one == reader and (one, other) not in self.mutes
        }
        return [post.id for post in self.newest() if post.author in shown and self.sees_post(reader, post)]

    def likers(self, viewer: int, post: ModelPost) -> list[int]:
        return [user for user in post.likers[::-1] if self.sees_user(viewer, user)]

    def comments(self, viewer: int, post: ModelPost) -> list[tuple[int, bool]]:
        """Return the comments that a viewer sees, and whether they are shown as pending."""
        return [
            (comment.id, comment.pending and viewer == post.author)
            for comment in post.comments[::-1]
            if self.sees_comment(viewer, post, comment)
        ]

    def sees_comment(self, viewer: int, post: ModelPost, comment: ModelComment) -> bool:
        if not self.sees_user(viewer, comment.author):
            return False
        return not comment.pending or viewer in (comment.author, post.author)

    def approve(self, user: int, post: ModelPost, comment: ModelComment) -> str | None:
        if not self.sees_post(user, post) or not self.sees_comment(user, post, comment):
            return "not_found"
        if user != post.author:
            return "forbidden"
        comment.pending = False
        return None

    def followers(self, viewer: int, user: int) -> list[int]:
        return self._connections(viewer, user, [one for one, other in self.follows if other == user])

    def following(self, viewer: int, user: int) -> list[int]:
        return self._connections(viewer, user, [other for one, other in self.follows if one == user])

    def relationship(self, viewer: int, user: int) -> Relationship:
        pair = (viewer, user)
        return Relationship(
            pair in self.follows,
            pair in self.requests,
            (user, viewer) in self.follows,
            pair in self.blocks,
            pair in self.mutes,
        )

    def newest(self) -> list[ModelPost]:
        return sorted(self.posts.values(), key=lambda post: -post.id)

    def _connections(self, viewer: int, owner: int, users: list[int]) -> list[int]:
        if not self.is_open(viewer, owner):
            return []
        return [user for user in users[::-1] if self.sees_user(viewer, user)]

    def _end(self, one: int, other: int) -> None:
        for pairs in (self.follows, self.requests):
            if (one, other) in pairs:
                pairs.remove((one, other))
