"""An in-memory model of notifications: which jobs create and retract, what is listed, and what is delivered."""

from dataclasses import dataclass, field
from typing import Any

from server.services.records import Channel, NotificationType
from tests.chaos.visibility.model_changes import ChangingModel
from tests.chaos.visibility.visibility_model import ModelComment, ModelPost

LIKE, MENTION = NotificationType.LIKE, NotificationType.MENTION
GROUPED = (LIKE, NotificationType.COMMENT_LIKE)


@dataclass(slots=True, eq=False)
class ModelNotification:
    """`channels` were notified, or will be by a delivery that waits."""

    recipient: int
    type: NotificationType
    actor: int
    target: int
    post: ModelPost | None
    comment: ModelComment | None
    sequence: int
    retracted: bool = False
    read: bool = False
    channels: set[Channel] = field(default_factory=set[Channel])

    @property
    def key(self) -> tuple[Any, ...]:
        return self.recipient, self.type, self.actor, self.target


@dataclass(frozen=True, slots=True)
class Delivery:
    """A push or e-mail about a notification. `others_count` are the other users in the sentence.

    `text` and `unread`, the badge, are compared for pushes; e-mails show the same text.
    """

    channel: Channel
    recipient: int
    type: NotificationType
    actor: int
    post_id: int | None
    comment_id: int | None
    others_count: int
    text: str
    unread: int


class NotificationModel:
    """An activity is decided on when its job runs: it notifies the users who may see it then."""

    def __init__(self, model: ChangingModel) -> None:
        self.model = model
        self.rows: dict[tuple[Any, ...], ModelNotification] = {}
        self.devices: set[int] = set()
        self.pending: list[tuple[Channel, tuple[Any, ...]]] = []
        self._last: dict[int, int] = {}

    # Jobs

    def run_jobs(self) -> None:
        jobs, self.model.jobs[:] = [*self.model.jobs], []
        for name, *arguments in jobs:
            getattr(self, f"_handle_{name}")(*arguments)

    def run_deliveries(self) -> list[Delivery]:
        """Return what the waiting deliveries send, including those that they cause in turn."""
        found: list[Delivery] = []
        while self.pending:
            waiting, self.pending = self.pending, []
            for channel, key in waiting:
                delivery = self._deliver(channel, self.rows[key]) if key in self.rows else None
                found += [] if delivery is None else [delivery]
        return found

    def _handle_like(self, post: ModelPost, actor: int) -> None:
        self._write(post.author, LIKE, actor, post.id, actor in post.likers, post)

    def _handle_comment_like(self, post: ModelPost, comment: ModelComment, actor: int) -> None:
        exists = comment in post.comments and actor in comment.likers
        self._write(comment.author, NotificationType.COMMENT_LIKE, actor, comment.id, exists, post, comment)

    def _handle_follow(self, one: int, other: int) -> None:
        self._write(other, NotificationType.FOLLOW, one, other, (one, other) in self.model.follows)

    def _handle_follow_request(self, one: int, other: int) -> None:
        self._write(other, NotificationType.FOLLOW_REQUEST, one, other, (one, other) in self.model.requests)

    def _handle_follow_accepted(self, one: int, other: int) -> None:
        self._write(one, NotificationType.FOLLOW_ACCEPTED, other, one, (one, other) in self.model.follows)

    def _handle_comment(
        self, post: ModelPost, comment: ModelComment, answered: int | None, post_author: int | None
    ) -> None:
        if not post.is_present or comment not in post.comments or comment.hidden_by is not None:
            return
        wanted: dict[int, NotificationType] = {}
        if answered is not None:
            wanted[answered] = NotificationType.REPLY
        if post_author is not None:
            wanted.setdefault(post_author, NotificationType.COMMENT)
        for user in comment.mentioned:
            wanted.setdefault(user, MENTION)
        for recipient in sorted(wanted):
            self._create(recipient, wanted[recipient], comment.author, comment.id, post, comment)

    def _handle_mentioned(self, post: ModelPost) -> None:
        if not post.is_present:
            return
        for row in [*self.rows.values()]:
            is_about_caption = row.type is MENTION and row.post is post and row.comment is None
            if is_about_caption and row.recipient not in post.mentioned:
                self._retract(row)
        for user in sorted(post.mentioned):
            self._create(user, MENTION, post.author, post.id, post)

    def _handle_tagged(self, post: ModelPost) -> None:
        if post.id not in self.model.posts:
            return
        type_ = NotificationType.TAG
        notified = {row.recipient for row in self.rows.values() if row.type is type_ and row.post is post}
        tagged = {user for user, status in post.tags.items() if status != "removed"}
        for user in sorted(notified | tagged):
            self._write(user, type_, post.author, post.id, user in tagged, post)

    def _handle_comments_deleted(self, post: ModelPost) -> None:
        for row in [*self.rows.values()]:
            if row.post is post and row.comment is not None and row.comment not in post.comments:
                del self.rows[row.key]

    def _handle_blocked(self, one: int, other: int) -> None:
        if (one, other) in self.model.blocks:
            for row in [*self.rows.values()]:
                if {row.recipient, row.actor} == {one, other}:
                    self._retract(row)
            for post in self.model.posts.values():
                if post.author in (one, other):
                    self.model.remove_tag(other if post.author == one else one, post)

    def remove_post(self, post: ModelPost) -> None:
        self.rows = {key: row for key, row in self.rows.items() if row.post is not post}

    def erase(self, user: int) -> None:
        for row in [*self.rows.values()]:
            if user in (row.recipient, row.actor):
                self._retract(row)
                del self.rows[row.key]
        posts = self.model.posts.values()
        self.rows = {
            key: row
            for key, row in self.rows.items()
            if row.post is None or any(row.post is p for p in posts)
        }

    # Reads

    def listed(self, recipient: int) -> list[tuple[Any, ...]]:
        """Return the list, newest first: of the likes of a post one, by the newest user who may be seen."""
        found: list[tuple[Any, ...]] = []
        for row in self._of(recipient):
            group = self.group(row)
            shown = [each for each in group if self._is_shown(each)]
            if row is group[-1] and shown:
                entry = (row.sequence, row.type, shown[-1].actor, *_subject(row), len(group) - 1, row.read)
                found.append(entry)
        return sorted(found, reverse=True)

    def streamed(self, recipient: int) -> list[tuple[Any, ...]]:
        """Return each notification by itself, oldest first, as the stream sends them."""
        return [
            (row.sequence, row.type, row.actor, *_subject(row))
            for row in self._of(recipient)
            if self._is_shown(row)
        ]

    def unread_count(self, recipient: int) -> int:
        return sum(not entry[-1] for entry in self.listed(recipient))

    def read_all(self, recipient: int) -> None:
        for row in self._of(recipient):
            if row is self.group(row)[-1]:
                row.read = True

    def group(self, row: ModelNotification) -> list[ModelNotification]:
        """Return what is listed as one notification, oldest first; the last represents it."""
        if row.type not in GROUPED:
            return [row]
        same = (row.type, row.target)
        return [each for each in self._of(row.recipient) if (each.type, each.target) == same]

    def _of(self, recipient: int) -> list[ModelNotification]:
        rows = [row for row in self.rows.values() if row.recipient == recipient and not row.retracted]
        return sorted(rows, key=lambda row: row.sequence)

    def _is_shown(self, row: ModelNotification) -> bool:
        if not self.model.sees_user(row.recipient, row.actor):
            return False
        if row.post is None:
            return True
        if not self.model.sees_post(row.recipient, row.post):
            return False
        comment = row.comment
        return comment is None or (comment in row.post.comments and comment.hidden_by is None)

    # Changes

    def _write(
        self,
        recipient: int,
        type_: NotificationType,
        actor: int,
        target: int,
        exists: bool,
        post: ModelPost | None = None,
        comment: ModelComment | None = None,
    ) -> None:
        row = self.rows.get((recipient, type_, actor, target))
        if exists:
            self._create(recipient, type_, actor, target, post, comment)
        elif row is not None:
            self._retract(row)

    def _create(
        self,
        recipient: int,
        type_: NotificationType,
        actor: int,
        target: int,
        post: ModelPost | None = None,
        comment: ModelComment | None = None,
    ) -> None:
        if recipient == actor or not {recipient, actor} <= {*self.model.people}:
            return
        if not self.model.sees_user(recipient, actor) or (recipient, actor) in self.model.mutes:
            return
        if post is not None and not self.model.sees_post(recipient, post):
            return
        if comment is not None and comment.hidden_by is not None:
            return
        row = self.rows.get((recipient, type_, actor, target))
        if row is None:
            row = ModelNotification(recipient, type_, actor, target, post, comment, 0, retracted=True)
            self._request(row)
            self._last[recipient] = row.sequence = self._last.get(recipient, 0) + 1
            self.rows[row.key] = row
        elif row.retracted:
            self._request(row)
        row.retracted = False

    def _request(self, row: ModelNotification) -> None:
        """Request the deliveries of a row that is about to be shown, unless its unread group had them."""
        rest = self.group(row) if row.type in GROUPED else []
        covered = rest[-1].channels if rest and not rest[-1].read else set[Channel]()
        row.channels |= covered
        for channel in (Channel.PUSH, Channel.EMAIL):
            reachable = channel is Channel.EMAIL or row.recipient in self.devices
            if reachable and channel not in row.channels:
                row.channels.add(channel)
                self.pending.append((channel, row.key))

    def _retract(self, row: ModelNotification) -> None:
        if row.retracted:
            return
        group = self.group(row)
        row.retracted = True
        if row is group[-1] and len(group) > 1:
            group[-2].read |= row.read

    def _deliver(self, channel: Channel, row: ModelNotification) -> Delivery | None:
        """Return what is said, or request the delivery of the one that is listed instead."""
        listed = self.group(row)[-1:] or [row]
        muted = (row.recipient, row.actor) in self.model.mutes
        is_wanted = not row.retracted and not row.read and not listed[0].read and not muted
        if is_wanted and self._is_shown(row) and row.recipient not in self.model.hidden:
            if channel is Channel.PUSH and row.recipient not in self.devices:
                return None
            return self._delivery(channel, row, len(self.group(row)) - 1)
        instead = listed[0]
        if (
            instead is not row
            and not row.read
            and {channel} <= row.channels & instead.channels
            and not instead.read
        ):
            self.pending.append((channel, instead.key))
        row.channels.discard(channel)
        return None

    def _delivery(self, channel: Channel, row: ModelNotification, others_count: int) -> Delivery:
        sent = (channel, row.recipient, row.type, row.actor, *_subject(row), others_count)
        if channel is Channel.EMAIL:
            return Delivery(*sent, "", 0)
        text = row.comment.content if row.comment is not None else ""
        if row.type is MENTION and row.post is not None and row.comment is None:
            text = row.post.caption
        return Delivery(*sent, text, self.unread_count(row.recipient))


def _subject(row: ModelNotification) -> tuple[int | None, int | None]:
    return row.post.id if row.post else None, row.comment.id if row.comment else None
