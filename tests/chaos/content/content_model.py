"""An in-memory model of users, posts, comments, likes and follows, to compare the program with.

It has no database and no pages. Ids are the program's, passed in when a record is created.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field


class Refused(Exception):
    """The program must refuse this, with this code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


NOT_FOUND, FORBIDDEN = "not_found", "forbidden"


@dataclass(slots=True)
class ModelComment:
    id: int
    author: int
    content: str
    thread: int | None


@dataclass(slots=True)
class ModelPost:
    """`likers` and `comments` are oldest first; `revision` counts the visible changes."""

    id: int
    author: int
    caption: str
    alt_texts: list[str]
    edited: bool = False
    revision: int = 0
    likers: list[int] = field(default_factory=list[int])
    comments: list[ModelComment] = field(default_factory=list[ModelComment])

    def replies(self, thread: int | None) -> list[ModelComment]:
        return [comment for comment in self.comments if comment.thread == thread]


class ContentModel:
    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        self.follows: list[tuple[int, int]] = []
        self.posts: dict[int, ModelPost] = {}

    # Changes

    def follow(self, follower: int, followee: int) -> tuple[bool, int]:
        self._person(followee)
        if follower == followee:
            raise Refused("own_account")
        if (follower, followee) not in self.follows:
            self.follows.append((follower, followee))
        return True, len(self.followers(followee))

    def unfollow(self, follower: int, followee: int) -> tuple[bool, int]:
        self._person(followee)
        if (follower, followee) in self.follows:
            self.follows.remove((follower, followee))
        return False, len(self.followers(followee))

    def edit(self, editor: int, post_id: int, caption: str | None, alt_texts: Sequence[str] | None) -> None:
        post = self._own_post(editor, post_id)
        if caption is None and alt_texts is None:
            return
        if alt_texts is not None:
            missing = len(post.alt_texts) - len(alt_texts)
            if missing < 0:
                raise Refused("invalid_input")
            post.alt_texts = [*alt_texts, *[""] * missing]
        post.caption = post.caption if caption is None else caption
        post.edited = True
        post.revision += 1

    def delete(self, editor: int, post_id: int) -> None:
        del self.posts[self._own_post(editor, post_id).id]

    def like(self, actor: int, post_id: int) -> tuple[bool, int]:
        post = self.post(post_id)
        if actor not in post.likers:
            post.likers.append(actor)
            post.revision += 1
        return True, len(post.likers)

    def unlike(self, actor: int, post_id: int) -> tuple[bool, int]:
        post = self.post(post_id)
        if actor in post.likers:
            post.likers.remove(actor)
            post.revision += 1
        return False, len(post.likers)

    def comment(
        self, author: int, post_id: int, content: str, parent_id: int | None, new_id: int
    ) -> ModelComment:
        post, thread = self.post(post_id), None
        if parent_id is not None:
            parent = self._comment(post, parent_id)
            thread = parent.id if parent.thread is None else parent.thread
        post.comments.append(ModelComment(new_id, author, content, thread))
        post.revision += 1
        return post.comments[-1]

    def delete_comment(self, editor: int, post_id: int, comment_id: int) -> None:
        post = self.post(post_id)
        comment = self._comment(post, comment_id)
        if editor not in (comment.author, post.author):
            raise Refused(FORBIDDEN)
        post.comments = [each for each in post.comments if comment_id not in (each.id, each.thread)]
        post.revision += 1

    # Reads; lists are in display order

    def post(self, post_id: int) -> ModelPost:
        if post_id not in self.posts:
            raise Refused(NOT_FOUND)
        return self.posts[post_id]

    def of_author(self, author: int) -> list[int]:
        self._person(author)
        return sorted((post.id for post in self.posts.values() if post.author == author), reverse=True)

    def likers(self, post_id: int) -> list[int]:
        return self.post(post_id).likers[::-1]

    def comments(self, post_id: int) -> list[ModelComment]:
        return self.post(post_id).replies(None)[::-1]

    def replies(self, post_id: int, parent_id: int) -> list[ModelComment]:
        post = self.post(post_id)
        self._comment(post, parent_id)
        return post.replies(parent_id)

    def followers(self, user: int) -> list[int]:
        self._person(user)
        return [follower for follower, followee in self.follows if followee == user][::-1]

    def following(self, user: int) -> list[int]:
        self._person(user)
        return [followee for follower, followee in self.follows if follower == user][::-1]

    def _person(self, user: int) -> None:
        if user not in self.names:
            raise Refused(NOT_FOUND)

    def _own_post(self, editor: int, post_id: int) -> ModelPost:
        post = self.post(post_id)
        if post.author != editor:
            raise Refused(FORBIDDEN)
        return post

    def _comment(self, post: ModelPost, comment_id: int) -> ModelComment:
        for comment in post.comments:
            if comment.id == comment_id:
                return comment
        raise Refused(NOT_FOUND)
