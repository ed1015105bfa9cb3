"""The changes of the model, and the jobs that they cause. Each returns the code of the refusal, or None."""

from collections.abc import Iterable
from typing import TypeVar

from tests.chaos.visibility.visibility_model import ModelComment, ModelPost, Pair, VisibilityModel

T = TypeVar("T")


class ChangingModel(VisibilityModel):
    def follow(self, one: int, other: int) -> str | None:
        if not self.finds(one, other):
            return "not_found"
        if one == other:
            return "own_account"
        if (one, other) in self.blocks:
            return "blocked"
        if (one, other) in self.follows:
            return None
        if other not in self.private:
            self._end_request(one, other)
            self._begin(one, other, "follow")
        elif (one, other) not in self.requests:
            self.requests.append((one, other))
            self.jobs.append(("follow_request", one, other))
        return None

    def unfollow(self, one: int, other: int) -> str | None:
        return self._end(one, other) if self.finds(one, other) else "not_found"

    def remove_follower(self, user: int, follower: int) -> str | None:
        return self._end(follower, user) if self.finds(user, follower) else "not_found"

    def answer(self, user: int, requester: int, *, accept: bool) -> str | None:
        if (requester, user) not in self.requests or not self.finds(user, requester):
            return "not_found"
        self._end_request(requester, user)
        if accept and (requester, user) not in self.follows:
            self._begin(requester, user, "follow_accepted")
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
            self.blocks.append((one, other))
            for pair in ((one, other), (other, one)):
                remove(self.close_friends, pair)
                self._end(*pair)
            self.jobs.append(("blocked", one, other))
        return None

    def set_pair(self, pairs: list[Pair], one: int, other: int, *, wanted: bool) -> str | None:
        """Add or remove a pair that only concerns its subject: a mute, a restriction, a close friend."""
        if not self.finds(one, other):
            return "not_found"
        if wanted and one == other:
            return "own_account"
        if not wanted:
            remove(pairs, (one, other))
        elif (one, other) not in pairs:
            pairs.append((one, other))
        return None

    def save(self, user: int, post: ModelPost, *, saved: bool) -> str | None:
        pair = (user, post.id)
        if not saved:
            remove(self.saves, pair)
            remove(self.collected, pair)
            return None
        if not self.sees_post(user, post):
            return "not_found"
        if pair not in self.saves:
            self.saves.append(pair)
        return None

    def forget_saves(self, post_id: int) -> None:
        for pairs in (self.saves, self.collected, self.liked):
            pairs[:] = [pair for pair in pairs if pair[1] != post_id]

    def collect(self, user: int, post: ModelPost, *, collected: bool) -> str | None:
        if not collected:
            remove(self.collected, (user, post.id))
            return None
        refusal = self.save(user, post, saved=True)
        if refusal is None and (user, post.id) not in self.collected:
            self.collected.append((user, post.id))
        return refusal

    def like(self, actor: int, post: ModelPost, *, liked: bool) -> str | None:
        if not self.sees_post(actor, post):
            return "not_found"
        if liked != (actor in post.likers):
            self.liked.append((actor, post.id)) if liked else self.liked.remove((actor, post.id))
            (post.likers.append if liked else post.likers.remove)(actor)
            self.jobs.append(("like", post, actor))
        return None

    def like_comment(self, actor: int, post: ModelPost, comment: ModelComment, *, liked: bool) -> str | None:
        if not self.finds_comment(actor, post, comment):
            return "not_found"
        if liked and comment.pending and comment.author != actor:
            return "comment_pending"
        if liked != (actor in comment.likers):
            (comment.likers.append if liked else comment.likers.remove)(actor)
            self.jobs.append(("comment_like", post, comment, actor))
        return None

    def finds_comment(self, viewer: int, post: ModelPost, comment: ModelComment) -> bool:
        if comment not in post.comments or not self.sees_post(viewer, post):
            return False
        return self.sees_comment(viewer, post, comment)

    def refuse_comment(self, author: int, post: ModelPost, parent: ModelComment | None) -> str | None:
        """Return the code with which a comment is refused."""
        if not self.sees_post(author, post):
            return "not_found"
        if parent is None:
            return None
        if not self.finds_comment(author, post, parent):
            return "not_found"
        return "comment_pending" if author == post.author and parent.pending else None

    def comment(self, post: ModelPost, comment: ModelComment, parent: ModelComment | None) -> None:
        """Add a comment that is not refused."""
        answered = None if parent is None else parent.author
        comment.thread = None if parent is None else parent.thread or parent
        if comment.author != post.author:
            comment.pending = (parent is not None and parent.pending) or (
                post.author,
                comment.author,
            ) in self.restricted
        post.comments.append(comment)
        if not comment.pending:
            self.jobs.append(("comment", post, comment, answered, post.author))

    def approve(self, user: int, post: ModelPost, comment: ModelComment) -> str | None:
        if not self.finds_comment(user, post, comment):
            return "not_found"
        if user != post.author:
            return "forbidden"
        if not comment.pending:
            return None
        thread = comment.thread
        if thread is not None and thread.pending:
            return "comment_pending"
        comment.pending = False
        answered = None if thread is None or thread.author == user else thread.author
        self.jobs.append(("comment", post, comment, answered, None))
        return None

    def delete_comment(self, user: int, post: ModelPost, comment: ModelComment) -> str | None:
        if not self.sees_post(user, post) or comment not in post.comments:
            return "not_found"
        if not self.is_disclosed(user, post, comment):
            return "not_found"
        if user not in (comment.author, post.author):
            return "forbidden"
        self._remove_comments(post, [comment])
        self.jobs.append(("comments_deleted", post))
        return None

    def hide_comment(self, post: ModelPost, comment: ModelComment, action: int) -> None:
        if comment.hidden_by is None:
            for each in (comment, *post.replies(comment)):
                each.hidden_by = each.hidden_by or action

    def show_comment(self, post: ModelPost, comment: ModelComment, action: int) -> None:
        if comment.hidden_by != action:
            return
        if comment.thread is not None and comment.thread.hidden_by is not None:
            comment.hidden_by = comment.thread.hidden_by
            return
        for each in (comment, *post.replies(comment)):
            each.hidden_by = None if each.hidden_by == action else each.hidden_by

    def delete_post(self, user: int, post: ModelPost) -> str | None:
        if not self.sees_post(user, post):
            return "not_found"
        if user != post.author:
            return "forbidden"
        post.deleted = True
        return None

    def set_archived(self, post: ModelPost, *, archived: bool) -> None:
        if post.archived and not archived:
            self.jobs.append(("tagged", post))
        if post.archived and not archived and post.mentioned:
            self.jobs.append(("mentioned", post))
        post.archived = archived

    def edit_caption(self, post: ModelPost, caption: str, mentioned: list[int]) -> None:
        if mentioned != post.mentioned:
            self.jobs.append(("mentioned", post))
        if caption != post.caption:
            post.versions.append((post.caption, post.audience))
        post.caption, post.mentioned = caption, mentioned

    def set_audience(self, post: ModelPost, audience: str) -> None:
        if audience != post.audience and post.mentioned and not post.archived:
            self.jobs.append(("mentioned", post))
        post.audience = audience

    def tag(self, post: ModelPost, user: int | None) -> str | None:
        """Tag one user in the picture of a post as its author, and no other."""
        if not self.sees_post(post.author, post):
            return "not_found"
        if user is not None:
            status = post.tags.get(user)
            if status == "removed" or (status is None and not self.is_taggable(post.author, user, post)):
                return "untaggable_user"
            if status is None:
                waits = user in self.approving and user != post.author
                post.tags[user] = "pending" if waits else "approved"
        post.tags = {each: s for each, s in post.tags.items() if each == user or s == "removed"}
        self.jobs.append(("tagged", post))
        return None

    def approve_tag(self, user: int, post: ModelPost) -> str | None:
        if not self.sees_post(user, post) or post.tags.get(user) not in ("pending", "approved"):
            return "not_found"
        post.tags[user] = "approved"
        return None

    def remove_tag(self, user: int, post: ModelPost) -> str | None:
        """Remove the tag of a user for good, also from a post that the user does not see."""
        if post.tags.get(user) not in ("pending", "approved"):
            return "not_found"
        post.tags[user] = "removed"
        if post.is_present:
            self.jobs.append(("tagged", post))
        return None

    def erase(self, user: int) -> None:
        """Delete a user whose account is closed, and everything that names the user."""
        for post in [*self.posts.values()]:
            if post.author == user:
                del self.posts[post.id]
                self.forget_saves(post.id)
                continue
            remove(post.likers, user)
            remove(post.mentioned, user)
            self._remove_comments(post, [each for each in post.comments if each.author == user])
            for comment in post.comments:
                remove(comment.mentioned, user)
                remove(comment.likers, user)
            post.tags.pop(user, None)
            self.jobs.append(("comments_deleted", post))
        for pairs in self._all_pairs():
            pairs[:] = [pair for pair in pairs if user not in pair]
        self.private.discard(user)
        self.approving.discard(user)
        self.hidden.discard(user)
        self.people.remove(user)

    def _all_pairs(self) -> Iterable[list[Pair]]:
        return (
            self.follows, self.requests, self.blocks, self.mutes, self.restricted, self.close_friends, self.saves,
            self.collected, self.liked,
        )  # fmt: skip

    def _begin(self, one: int, other: int, job: str) -> None:
        self.follows.append((one, other))
        self.jobs.append((job, one, other))

    def _end_request(self, one: int, other: int) -> None:
        if remove(self.requests, (one, other)):
            self.jobs.append(("follow_request", one, other))

    def _end(self, one: int, other: int) -> None:
        self._end_request(one, other)
        if remove(self.follows, (one, other)):
            self.jobs.append(("follow", one, other))

    def _remove_comments(self, post: ModelPost, comments: list[ModelComment]) -> None:
        post.comments = [
            each for each in post.comments if each not in comments and each.thread not in comments
        ]


def remove(items: list[T], item: T) -> bool:
    """Remove an item, and return whether it was there."""
    found = item in items
    if found:
        items.remove(item)
    return found
