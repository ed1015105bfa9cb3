"""Changes of the program that consist of several calls, and the jobs that make them take effect."""

from server.ids import MediaId, UserId
from server.models.audience import Audience
from server.models.content.post_images import NewPostImage
from server.models.notifications.digests import EmailFrequency
from server.services.accounts.usernames import normalize
from server.services.jobs.event_jobs import JobKind
from server.services.records import Channel, Confirmation, Platform
from tests.chaos.visibility.notification_model import Delivery
from tests.chaos.visibility.visibility_model import ModelPost
from tests.chaos.visibility.visibility_reader import TAG, WORD, VisibilityReader
from tests.services.discovery.names import INDEXING, index_all
from tests.support.jobs import claim_maintenance_job

TABLES = (
    "post_tags", "dismissed_suggestions", "likes", "comment_likes", "comments", "post_images", "post_versions",
    "collection_posts", "collections", "saves", "rankings", "explore_candidates", "posts", "notifications", "inboxes",
    "follows", "follow_requests", "blocks", "mutes", "close_friends", "restrictions", "hashtag_posts", "hashtags",
    "search_terms", "search_entries", "place_posts", "places", "jobs", "devices", "sessions",
    "former_usernames", "users",
)  # fmt: skip
# What these do is expected at once.
PROMPT_JOBS = (
    *INDEXING,
    JobKind.FAN_OUT,
    JobKind.RESTORE_POST,
    JobKind.RESTORE_AUTHOR,
    JobKind.ACCEPT_FOLLOW_REQUESTS,
)
NOTIFYING_JOBS = (
    JobKind.NOTIFY_LIKE,
    JobKind.NOTIFY_COMMENT_LIKE,
    JobKind.NOTIFY_COMMENT,
    JobKind.NOTIFY_FOLLOW,
    JobKind.NOTIFY_FOLLOW_REQUEST,
    JobKind.NOTIFY_FOLLOW_ACCEPTED,
    JobKind.NOTIFY_MENTIONED,
    JobKind.NOTIFY_TAGGED,
    JobKind.REMOVE_BLOCKED_TAGS,
    JobKind.RETRACT_COMMENTS,
    JobKind.RETRACT_BLOCKED,
    JobKind.WITHDRAW,
)
DELIVERIES = (JobKind.PUSH, JobKind.EMAIL)


class ProgramChanges(VisibilityReader):
    """Registering and publishing change the model as well."""

    async def add_people(self, count: int) -> None:
        for _ in range(count):
            await self.add_user()
        for author in self.people:
            await self.add_post(author, Audience.PUBLIC)

    async def add_user(self) -> None:
        self.harness.email_frequency = EmailFrequency.IMMEDIATELY
        user = await self.harness.user()
        self.people.append(user)
        self.model.people.append(user)
        self.model.names[user] = normalize((await self.harness.profiles.get_own(user)).username)
        self.collections[user] = (await self.harness.collections.create(user, "Favourites")).id
        await self.open_session(user)
        self.notifications.devices.add(user)
        await index_all(self.harness)

    async def add_post(self, author: UserId, audience: Audience) -> None:
        caption = f"{WORD} #{TAG}"
        post_id = await self.harness.post(author, caption, audience=audience)
        await self.harness.image_rows.insert(
            NewPostImage(MediaId(post_id), post_id, 0, f"posts/{post_id}", 1, 1, "", "", ("large",))
        )
        self.model.posts[post_id] = ModelPost(post_id, author, audience, caption)

    async def open_session(self, user: UserId) -> None:
        principal = await self.harness.open_session(user)
        await self.harness.devices.register(principal, f"device of {user}", Platform.IOS)

    async def close_account_of(self, user: UserId, *, delete: bool) -> None:
        principal = await self.harness.open_session(user)
        await self.harness.reauthentication.record(principal, has_all_factors=True)
        closures = self.harness.account_closures
        await (closures.delete if delete else closures.deactivate)(principal, Confirmation())

    async def erase_account_of(self, user: UserId) -> None:
        await self.harness.database.execute(
            "UPDATE users SET status = 'deleting', delete_after_ms = 1 WHERE id = ?", [user]
        )
        claim = await claim_maintenance_job(self.harness, JobKind.FIND_DUE_ERASURES)
        await self.harness.account_erasure.start_due(claim)
        await self.work_off(JobKind.ERASE_ACCOUNT)

    async def work_off(self, *kinds: JobKind) -> int:
        """Run the ready jobs of some kinds, oldest first."""
        handlers, done = self.harness.handlers(), 0
        for row in await self.harness.rows("SELECT id, kind FROM jobs WHERE state = 'ready' ORDER BY id"):
            if row["kind"] in kinds:
                claim = await self.harness.jobs.claim(row["id"])
                assert claim is not None
                await handlers[claim.kind](claim)
                done += 1
        return done

    async def run_deliveries(self) -> list[Delivery]:
        """Run the deliveries, and return what they said, in their order."""
        harness, found = self.harness, list[Delivery]()
        rows = await harness.rows(
            "SELECT id, recipient_id, type, actor_id, post_id, comment_id FROM notifications"
        )
        keys = {f"notification-{row['id']}": row for row in rows}

        def said(key: str, channel: Channel, title: str, text: str, unread: int | None) -> None:
            row = keys[key]
            others = int(title.split()[2]) if title.split()[1] == "and" else 0
            assert title.startswith(self.model.names[row["actor_id"]])
            found.append(
                Delivery(
                    channel, row["recipient_id"], row["type"], row["actor_id"], row["post_id"], row["comment_id"],
                    others, text, unread or 0,
                )
            )  # fmt: skip

        while await self.work_off(*DELIVERIES):
            for token, push in harness.push.taken:
                assert token == f"device of {keys[push.key]['recipient_id']}"
                said(push.key, Channel.PUSH, push.title, push.body, push.badge)
            for email in harness.email.sent:
                assert email.to == f"{self.model.names[keys[email.key]['recipient_id']]}@example.com"
                said(email.key, Channel.EMAIL, email.subject, "", 0)
            harness.push.taken.clear()
            harness.email.sent.clear()
        return found

    async def empty_tables(self) -> None:
        self.harness.push.taken.clear()
        self.harness.email.sent.clear()
        self.harness.feeds.rankings.forget()
        for table in TABLES:
            await self.harness.database.execute(f"DELETE FROM {table}")
