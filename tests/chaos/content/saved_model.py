"""Model of saves, collections, own likes and comments: what each list has, newest first."""

from dataclasses import dataclass, field

Pair = tuple[int, int]


@dataclass(slots=True)
class ModelCollection:
    owner: int
    posts: list[int] = field(default_factory=list[int])


@dataclass(slots=True)
class SavedModel:
    """Lists are in the order of the changes. Pairs are (subject, target)."""

    authors: dict[int, int] = field(default_factory=dict[int, int])
    deleted: set[int] = field(default_factory=set[int])
    private: set[int] = field(default_factory=set[int])
    suspended: set[int] = field(default_factory=set[int])
    follows: set[Pair] = field(default_factory=set[Pair])
    blocks: set[Pair] = field(default_factory=set[Pair])
    mutes: set[Pair] = field(default_factory=set[Pair])
    saves: list[Pair] = field(default_factory=list[Pair])
    likes: list[Pair] = field(default_factory=list[Pair])
    comments: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])
    collections: dict[int, ModelCollection] = field(default_factory=dict[int, ModelCollection])

    def blocked(self, one: int, other: int) -> bool:
        return (one, other) in self.blocks or (other, one) in self.blocks

    def sees(self, viewer: int, post: int) -> bool:
        author = self.authors.get(post)
        if author is None or post in self.deleted:
            return False
        if author == viewer:
            return True
        if author in self.suspended or self.blocked(viewer, author):
            return False
        return author not in self.private or (viewer, author) in self.follows

    def visible(self, viewer: int, posts: list[int]) -> list[int]:
        """Return those of `posts` that the viewer sees, newest first."""
        return [post for post in reversed(posts) if self.sees(viewer, post)]

    def saved(self, user: int) -> list[int]:
        return self.visible(user, [post for owner, post in self.saves if owner == user])

    def liked(self, user: int) -> list[int]:
        return self.visible(user, [post for owner, post in self.likes if owner == user])

    def commented(self, user: int) -> list[int]:
        """Return the user's comments on visible posts, newest first."""
        own = [(comment, post) for comment, author, post in self.comments if author == user]
        return [comment for comment, post in reversed(own) if self.sees(user, post)]

    def likers(self, viewer: int, post: int) -> list[int]:
        """Return the two newest likers that are shown to the viewer."""
        shown = [
            user
            for user, liked in reversed(self.likes)
            if liked == post
            and (viewer, user) in self.follows
            and (viewer, user) not in self.mutes
            and user not in self.suspended
            and not self.blocked(viewer, user)
        ]
        return shown[:2]

    def save(self, user: int, post: int) -> None:
        if (user, post) not in self.saves:
            self.saves.append((user, post))

    def unsave(self, user: int, post: int) -> None:
        if (user, post) in self.saves:
            self.saves.remove((user, post))
        for collection in self.collections.values():
            if collection.owner == user and post in collection.posts:
                collection.posts.remove(post)

    def block(self, one: int, other: int) -> None:
        self.blocks.add((one, other))
        self.follows -= {(one, other), (other, one)}
