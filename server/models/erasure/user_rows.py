"""All rows that name a user: the columns to look in, and deletion in batches."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.ids import UserId
from server.models.batch_delete import delete_rows
from server.models.database import Database
from server.models.jobs.jobs import JobState
from server.models.moderation.report_cases import CaseStatus


@dataclass(frozen=True, slots=True)
class UserColumn:
    """A column with the id of a user; `key` is the table's primary key."""

    table: str
    name: str
    key: str = "id"


# Deleted as they are: nothing counts these rows, and they own no files.
PLAIN_COLUMNS = (
    UserColumn("follow_requests", "requester_id"),
    UserColumn("follow_requests", "target_id"),
    UserColumn("blocks", "blocker_id"),
    UserColumn("blocks", "blocked_id"),
    UserColumn("mutes", "muter_id"),
    UserColumn("mutes", "muted_id"),
    UserColumn("close_friends", "owner_id"),
    UserColumn("close_friends", "friend_id"),
    UserColumn("hashtag_follows", "user_id"),
    UserColumn("dismissed_suggestions", "user_id"),
    UserColumn("dismissed_suggestions", "dismissed_id"),
    UserColumn("restrictions", "owner_id"),
    UserColumn("comment_settings", "user_id", key="user_id"),
    UserColumn("restrictions", "restricted_id"),
    UserColumn("notifications", "recipient_id"),
    UserColumn("notification_preferences", "user_id"),
    UserColumn("inboxes", "user_id", key="user_id"),
    UserColumn("digest_entries", "user_id", key="notification_id"),
    UserColumn("devices", "user_id"),
    UserColumn("email_tokens", "user_id"),
    UserColumn("external_identities", "user_id"),
    UserColumn("passkeys", "user_id"),
    UserColumn("sessions", "user_id"),
    UserColumn("second_factors", "user_id", key="user_id"),
    UserColumn("recovery_codes", "user_id"),
    UserColumn("sign_in_challenges", "user_id"),
    UserColumn("import_items", "user_id"),
    UserColumn("reports", "reporter_id"),
    UserColumn("report_cases", "author_id"),
    UserColumn("appeals", "user_id"),
    UserColumn("recent_searches", "user_id"),
    UserColumn("collections", "user_id"),
    UserColumn("saves", "user_id"),
)
# Deleted by services, which correct the counters of others, and delete files.
POSTS = UserColumn("posts", "author_id")
LIKES = UserColumn("likes", "user_id")
COMMENT_LIKES = UserColumn("comment_likes", "user_id")
COMMENTS = UserColumn("comments", "author_id")
DRAFTS = UserColumn("drafts", "author_id")
MEDIA = UserColumn("media", "owner_id")
UPLOADS = UserColumn("uploads", "owner_id")
HASHTAG_POSTS = UserColumn("hashtag_posts", "author_id")
POST_TAGS = UserColumn("post_tags", "user_id")
PLACE_POSTS = UserColumn("place_posts", "author_id", key="post_id")
SEARCH_ENTRIES = UserColumn("search_entries", "subject_id", key="subject_id")
EXPORTS = UserColumn("exports", "user_id")
ACTIVITIES = UserColumn("notifications", "actor_id")
FOLLOWING = UserColumn("follows", "follower_id")
FOLLOWERS = UserColumn("follows", "followee_id")
# Cleared, because the row is about another user.
CLAIMS = (UserColumn("report_cases", "claimed_by_id"), UserColumn("appeals", "claimed_by_id"))
SERVED_COLUMNS = (
    POSTS, LIKES, COMMENT_LIKES, COMMENTS, DRAFTS, MEDIA, UPLOADS, EXPORTS, ACTIVITIES, FOLLOWING, FOLLOWERS,
    HASHTAG_POSTS, SEARCH_ENTRIES, POST_TAGS, PLACE_POSTS,
)  # fmt: skip
USER_COLUMNS = (*PLAIN_COLUMNS, *SERVED_COLUMNS, *CLAIMS)


class UserRowRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_ids(self, column: UserColumn, user_id: UserId, limit: int) -> list[int]:
        """Return primary keys of rows that name the user, in no particular order."""
        return await self.list_distinct(column, column.key, user_id, limit)

    async def list_distinct(self, column: UserColumn, other: str, user_id: UserId, limit: int) -> list[int]:
        """Return the different values of another column in the rows that name the user."""
        rows = await self._database.rows(
            f"SELECT DISTINCT {other} AS value FROM {column.table} WHERE {column.name} = ? LIMIT ?",
            [user_id, limit],
        )
        return [row["value"] for row in rows]

    async def list_retracted(self, recipient_id: UserId, actor_id: UserId, limit: int) -> list[int]:
        """Return retracted notifications of one user about another one."""
        rows = await self._database.rows(
            "SELECT id FROM notifications WHERE recipient_id = ? AND actor_id = ? AND retracted = 1 LIMIT ?",
            [recipient_id, actor_id, limit],
        )
        return [row["id"] for row in rows]

    async def delete(self, column: UserColumn, row_ids: Sequence[int]) -> None:
        await delete_rows(self._database, column.table, row_ids, key=column.key)

    async def release_claims(self, user_id: UserId) -> None:
        """Open the reports and appeals that a moderator had claimed; resolved ones only lose the id."""
        for column in CLAIMS:
            await self._database.execute(
                f"UPDATE {column.table} SET {column.name} = NULL, claimed_at_ms = NULL,"
                f" status = CASE WHEN status = ? THEN ? ELSE status END WHERE {column.name} = ?",
                [CaseStatus.CLAIMED, CaseStatus.OPEN, user_id],
            )

    async def list_finished_jobs(self, user_id: UserId, limit: int) -> list[int]:
        """Return finished jobs whose payload names the user."""
        rows = await self._database.rows(
            "SELECT id FROM jobs WHERE state IN (?, ?) AND (payload LIKE ? OR payload LIKE ?) LIMIT ?",
            [JobState.COMPLETED, JobState.DEAD, f"%:{user_id},%", f"%:{user_id}}}%", limit],
        )
        return [row["id"] for row in rows]

    async def delete_jobs(self, job_ids: Sequence[int]) -> None:
        await delete_rows(self._database, "jobs", job_ids)

    async def find_remaining(
        self, user_id: UserId, columns: Sequence[UserColumn] = USER_COLUMNS
    ) -> list[UserColumn]:
        """Return the columns that still name the user."""
        return [column for column in columns if await self.list_ids(column, user_id, 1)]
