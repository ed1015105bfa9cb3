"""An in-memory model of what users may see of each other, to compare the program with. Pairs are (subject, target)."""

from dataclasses import dataclass, field
from typing import Any

from server.ids import NO_USER
from server.services.records import Relationship

Pair = tuple[int, int]


@dataclass(slots=True, eq=False, repr=False)
class ModelComment:
    """`thread` is the comment that a reply belongs to, `hidden_by` the action that hides it.

    `likers` are oldest first.
    """

    id: int
    author: int
    content: str
    mentioned: list[int]
    pending: bool = False
    thread: "ModelComment | None" = None
    hidden_by: int | None = None
    likers: list[int] = field(default_factory=list[int])

    def __repr__(self) -> str:
        return f"comment by {self.author}"

    @property
    def is_counted(self) -> bool:
        return self.hidden_by is None and not self.pending


@dataclass(slots=True, eq=False, repr=False)
class ModelPost:
    """`likers`, `comments` and `versions` are oldest first. A deleted post stays until the job has removed it.

    `tags` have the status by the tagged user, in the order of their creation. `versions` are the captions that edits
    replaced, and the audience that each had.
    """

    id: int
    author: int
    audience: str = "public"
    caption: str = ""
    mentioned: list[int] = field(default_factory=list[int])
    deleted: bool = False
    archived: bool = False
    hidden_by: int | None = None
    likers: list[int] = field(default_factory=list[int])
    comments: list[ModelComment] = field(default_factory=list[ModelComment])
    tags: dict[int, str] = field(default_factory=dict[int, str])
    versions: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    place: int | None = None

    def __repr__(self) -> str:
        return f"post by {self.author}"

    @property
    def is_present(self) -> bool:
        return not self.deleted and self.hidden_by is None

    @property
    def comments_count(self) -> int:
        return sum(comment.is_counted for comment in self.comments)

    def replies(self, thread: ModelComment) -> list[ModelComment]:
        return [comment for comment in self.comments if comment.thread is thread]


class VisibilityModel:
    """`jobs` are those that changes have caused, in order, as the name of a handler and its arguments."""

    def __init__(self, people: list[int]) -> None:
        self.people = people
        self.names: dict[int, str] = {}
        self.jobs: list[tuple[Any, ...]] = []
        self.private: set[int] = set()
        self.hidden: set[int] = set()
        self.follows: list[Pair] = []
        self.requests: list[Pair] = []
        self.blocks: list[Pair] = []
        self.mutes: list[Pair] = []
        self.restricted: list[Pair] = []
        self.close_friends: list[Pair] = []
        self.saves: list[Pair] = []  # users and posts
        self.collected: list[Pair] = []
        self.liked: list[Pair] = []
        self.approving: set[int] = set()  # users who approve tags
        self.posts: dict[int, ModelPost] = {}

    # What a viewer may see

    def sees_user(self, viewer: int, user: int) -> bool:
        if user != viewer and user in self.hidden:
            return False
        return (viewer, user) not in self.blocks and (user, viewer) not in self.blocks

    def finds(self, viewer: int, user: int) -> bool:
        """Return whether the viewer gets the profile; without an account, that of a public one."""
        if viewer == NO_USER and user in self.private:
            return False
        return user in self.people and user not in self.hidden and (user, viewer) not in self.blocks

    def is_open(self, viewer: int, user: int) -> bool:
        return viewer == user or user not in self.private or (viewer, user) in self.follows

    def sees_post(self, viewer: int, post: ModelPost) -> bool:
        if not post.is_present or (post.archived and viewer != post.author):
            return False
        if not self.sees_user(viewer, post.author):
            return False
        return self.is_open(viewer, post.author) and self.is_in_audience(viewer, post)

    def lists_post(self, viewer: int, post: ModelPost) -> bool:
        """Return whether lists show the post to the viewer."""
        return self.sees_post(viewer, post) and not post.archived

    def is_in_audience(self, viewer: int, post: ModelPost) -> bool:
        if post.audience == "public" or viewer == post.author:
            return True
        if post.audience == "followers":
            return (viewer, post.author) in self.follows
        return (post.author, viewer) in self.close_friends

    def reason(self, viewer: int, post: ModelPost) -> str:
        """Return why a viewer sees a post or does not, as it is explained to the author."""
        author = post.author
        if not post.is_present:
            return "deleted"
        if post.archived and viewer != author:
            return "archived"
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

    def versions(self, viewer: int, post: ModelPost) -> list[str]:
        """Return the earlier captions that a viewer of the post sees, newest first."""
        audiences = {"public", post.audience}
        return [
            caption
            for caption, audience in post.versions[::-1]
            if viewer == post.author or audience in audiences
        ]

    def posts_count(self, viewer: int, author: int) -> int:
        posts = [
            post
            for post in self.posts.values()
            if post.author == author and post.is_present and not post.archived
        ]
        return sum(self.is_in_audience(viewer, post) for post in posts)

    def is_public(self, post: ModelPost) -> bool:
        """Return whether everybody may see the post, also without an account."""
        hidden = post.author in self.hidden or post.author in self.private
        return post.is_present and not post.archived and post.audience == "public" and not hidden

    def of_author(self, viewer: int, author: int) -> list[int]:
        return [post.id for post in self.newest() if post.author == author and self.lists_post(viewer, post)]

    def feed(self, reader: int) -> list[int]:
        followed = [user for one, user in self.follows if one == reader and (one, user) not in self.mutes]
        shown = {reader, *followed}
        return [post.id for post in self.newest() if post.author in shown and self.lists_post(reader, post)]

    def kept(self, pairs: list[Pair], user: int) -> list[int]:
        """Return the posts that a user likes, saved or collected and that lists show, newest pair first."""
        return [
            post
            for one, post in pairs[::-1]
            if one == user and post in self.posts and self.lists_post(user, self.posts[post])
        ]

    def own_comments(self, user: int) -> list[int]:
        return sorted(
            (
                comment.id
                for post in self.posts.values()
                for comment in post.comments
                if comment.author == user and comment.hidden_by is None and self.sees_post(user, post)
            ),
            reverse=True,
        )

    def archive(self, user: int) -> list[int]:
        return [
            post.id
            for post in self.newest()
            if post.author == user and post.archived and self.sees_post(user, post)
        ]

    def is_suggested(self, viewer: int, user: int) -> bool:
        """Return whether a user may be suggested to a viewer."""
        pairs = (self.follows, self.requests, self.mutes, self.restricted)
        if user == viewer or any((viewer, user) in each for each in pairs):
            return False
        return self.sees_user(viewer, user)

    def is_taggable(self, author: int, user: int, post: ModelPost) -> bool:
        return user in self.people and self.sees_user(author, user) and self.sees_post(user, post)

    def tags(self, viewer: int, post: ModelPost) -> list[tuple[int, bool]]:
        """Return the users whose tags in a visible post the viewer sees, and which ones are pending."""
        return [
            (user, status == "pending")
            for user, status in post.tags.items()
            if status != "removed"
            and self.sees_user(viewer, user)
            and (status == "approved" or viewer in (user, post.author))
        ]

    def tagged(self, user: int, status: str) -> list[ModelPost]:
        return [post for post in self.newest() if post.tags.get(user) == status]

    def is_explored(self, viewer: int, post: ModelPost) -> bool:
        """Return whether explore may show a post to a viewer."""
        author = post.author
        pairs = (self.follows, self.mutes, self.restricted)
        if author == viewer or any((viewer, author) in each for each in pairs):
            return False
        return self.is_public(post) and self.sees_post(viewer, post) and viewer not in post.likers

    def likers(self, viewer: int, liked: ModelPost | ModelComment) -> list[int]:
        return [user for user in liked.likers[::-1] if self.sees_user(viewer, user)]

    def comments(
        self, viewer: int, post: ModelPost, thread: ModelComment | None = None
    ) -> list[tuple[Any, ...]]:
        """Return what a viewer sees of a thread, oldest first, or of the comments that begin one, newest first.

        That is: the id, whether the comment is shown as pending, the number of replies, that of likes, and whether the
        viewer likes it.
        """
        return [
            (
                comment.id,
                comment.pending and viewer == post.author,
                self.replies_count(post, comment),
                len(comment.likers),
                viewer in comment.likers,
            )
            for comment in (post.comments[::-1] if thread is None else post.comments)
            if comment.thread is thread and self.sees_comment(viewer, post, comment)
        ]

    def replies_count(self, post: ModelPost, comment: ModelComment) -> int:
        return sum(reply.is_counted for reply in post.replies(comment))

    def sees_comment(self, viewer: int, post: ModelPost, comment: ModelComment) -> bool:
        return self.sees_user(viewer, comment.author) and self.is_disclosed(viewer, post, comment)

    def is_disclosed(self, viewer: int, post: ModelPost, comment: ModelComment) -> bool:
        """Return whether a comment is neither hidden nor pending for the viewer."""
        if comment.hidden_by is not None:
            return False
        return not comment.pending or viewer in (comment.author, post.author)

    def followers(self, viewer: int, user: int) -> list[int]:
        return self._connections(viewer, user, [one for one, other in self.follows if other == user])

    def following(self, viewer: int, user: int) -> list[int]:
        return self._connections(viewer, user, [other for one, other in self.follows if one == user])

    def targets(self, pairs: list[Pair], user: int) -> list[int]:
        """Return the targets of a user that the user may see, newest pair first."""
        return [other for one, other in pairs[::-1] if one == user and self.sees_user(user, other)]

    def found_targets(self, pairs: list[Pair], user: int) -> list[int]:
        """Return the targets of a user whose profiles the user gets, newest pair first."""
        return [other for one, other in pairs[::-1] if one == user and self.finds(user, other)]

    def requesters(self, user: int) -> list[int]:
        return [one for one, other in self.requests[::-1] if other == user and self.sees_user(user, one)]

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
