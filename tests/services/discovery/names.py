"""Users with names, and the jobs of the search index."""

from server.ids import UserId
from server.services.jobs.event_jobs import JobKind
from tools.harness.services import ServiceHarness

INDEXING = (JobKind.INDEX_USER, JobKind.INDEX_POST)


async def user_named(harness: ServiceHarness, username: str, full_name: str) -> UserId:
    user = await harness.user(username)
    await harness.database.execute("UPDATE users SET full_name = ? WHERE id = ?", [full_name, user])
    return user


async def index_all(harness: ServiceHarness) -> None:
    """Run the jobs, and index users that a test inserted without an event."""
    await harness.work_off(*INDEXING)
    ids = [UserId(row["id"]) for row in await harness.rows("SELECT id FROM users")]

    async def index(work: object) -> None:
        await harness.discovery.index.index_users(ids, work)  # type: ignore[arg-type]

    await harness.unit_of_work.run(index)
