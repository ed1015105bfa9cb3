"""The search index agrees with the database: after kills, repeated jobs, rebuilds and repairs."""

import pytest

from server.assembly.discovery import build_index_administration
from server.assembly.repositories import Repositories
from server.ids import UserId
from server.services.discovery import search_rebuild
from server.services.discovery.search_check import SearchCheck, SearchDifference
from server.services.discovery.search_rebuild import SearchRebuild
from server.services.jobs.event_jobs import JobKind
from server.services.records import AccountStatus
from tests.services.discovery.names import INDEXING
from tests.support.jobs import claim_maintenance_job
from tools.harness.services import ServiceHarness

PASSWORD = "correct horse"


def administration(harness: ServiceHarness) -> tuple[SearchRebuild, SearchCheck]:
    built = build_index_administration(Repositories(harness.database), harness.unit_of_work)
    return built.rebuild, built.check


async def differences(harness: ServiceHarness, *, fix: bool = False) -> list[SearchDifference]:
    _, check = administration(harness)
    return [each async for step in check.run(fix=fix) for each in step.differences]


async def register(harness: ServiceHarness, name: str, full_name: str = "") -> UserId:
    return (await harness.accounts.register(name, f"{name}@example.com", PASSWORD, full_name)).id


async def names_found(harness: ServiceHarness, viewer: UserId, text: str) -> list[str]:
    return [each.card.username for each in (await harness.discovery.users.search(viewer, text, 20)).items]


async def contents(harness: ServiceHarness) -> list[object]:
    return [
        await harness.rows(f"SELECT * FROM {table} ORDER BY {order}")
        for table, order in (
            ("search_terms", "kind, form, tier, term, subject_id"),
            ("search_entries", "subject_id"),
            ("hashtags", "tag"),
        )
    ]


async def live(harness: ServiceHarness) -> tuple[UserId, UserId]:
    """Let two users register, publish, edit and change, and run the jobs."""
    ada, bob = await register(harness, "ada", "Ada Lovelace"), await register(harness, "bob")
    posts = [await harness.post(ada, f"Light number {n} #light #dawn") for n in range(5)]
    await harness.post(bob, "東京 #夜景")
    await harness.posts.edit(ada, posts[0], "Dark #night", None)
    await harness.delete(posts[1])
    await harness.profiles.edit(bob, {"full_name": "Bob the Builder", "is_private": True})
    await harness.work_off(*INDEXING)
    return ada, bob


async def test_registration_and_renaming_are_indexed(harness: ServiceHarness) -> None:
    viewer = await register(harness, "viewer")
    ada = await register(harness, "ada", "Ada Lovelace")
    assert await harness.work_off(*INDEXING) == 2
    assert await names_found(harness, viewer, "lovel") == ["ada"]
    await harness.profiles.edit(ada, {"username": "countess", "full_name": "A. King"})
    await harness.work_off(*INDEXING)
    assert await names_found(harness, viewer, "lovel") == []
    for text in ("count", "king", "a king"):
        assert await names_found(harness, viewer, text) == ["countess"]
    assert await differences(harness) == []


async def test_repeated_and_reordered_jobs_leave_the_index_right(harness: ServiceHarness) -> None:
    await live(harness)
    before = await contents(harness)
    await harness.database.execute(
        "UPDATE jobs SET state = 'ready', finished_at_ms = NULL WHERE kind IN (?, ?)", [*INDEXING]
    )
    handlers = harness.handlers()
    for job_id in reversed(await harness.due(*INDEXING)):
        claim = await harness.jobs.claim(job_id)
        assert claim is not None
        await handlers[claim.kind](claim)
    assert await contents(harness) == before
    assert await differences(harness) == []


async def test_job_of_a_killed_worker_runs_again(harness: ServiceHarness) -> None:
    ada = await register(harness, "ada")
    post_id = await harness.post(ada, "Light #dawn")
    await harness.work_off(*INDEXING)
    await harness.posts.edit(ada, post_id, "Dark #dusk", None)
    claim = await harness.claim(JobKind.INDEX_POST)

    class Killed(BaseException):
        """Stands for a kill in the middle of the transaction."""

    async def killed(*_: object) -> None:
        raise Killed

    index = harness.discovery.index
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index._entries, "update", killed)  # after the terms were written
        with pytest.raises(Killed):
            await harness.discovery.jobs.index_post(claim)
    harness.jobs.release(claim)
    assert [each.problem for each in await differences(harness)] == ["outdated"]
    await harness.expire_leases()
    assert await harness.jobs.reclaim() == 1
    assert await harness.work_off(*INDEXING) == 1
    assert await differences(harness) == []
    assert (await harness.discovery.hashtags.get("dusk")).posts_count == 1
    assert (await harness.discovery.hashtags.get("dawn")).posts_count == 0


async def test_interrupted_rebuild_goes_on(harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_rebuild, "SUBJECTS_PER_TRANSACTION", 2)
    await live(harness)
    before = await contents(harness)
    rebuild, _ = administration(harness)
    steps = rebuild.rebuild()
    async for step in steps:
        if step.done:
            break
    await steps.aclose()
    interrupted = await contents(harness)
    assert interrupted[1] != before[1]
    rebuild, _ = administration(harness)
    done = [step async for step in rebuild.rebuild()]
    assert done[0].total < 2  # the first users are not indexed again
    assert await contents(harness) == before
    assert [step.done for step in [step async for step in rebuild.rebuild()] if step.done == step.total][-3:]
    assert await contents(harness) == before


async def test_check_finds_and_repairs_every_kind_of_difference(harness: ServiceHarness) -> None:
    ada, bob = await live(harness)
    before = await contents(harness)
    assert await differences(harness) == []
    execute = harness.database.execute
    damages = {
        "missing": "DELETE FROM search_entries WHERE kind = 3 AND text = 'light number 2 light dawn'",
        "outdated": f"UPDATE search_entries SET text = 'carla' WHERE subject_id = {bob}",
        "terms missing": f"DELETE FROM search_terms WHERE kind = 1 AND form = 0 AND subject_id = {ada}",
        "superfluous terms": f"INSERT INTO search_terms VALUES (1, 0, 3, 'zzz', {ada})",
        "superfluous": "INSERT INTO search_entries (subject_id, kind, tier, text) VALUES (7, 3, 0, 'gone')",
        "hashtags": "UPDATE hashtag_posts SET counted = 0 WHERE hashtag_id ="
        " (SELECT id FROM hashtags WHERE tag = 'night')",
    }
    for problem, damage in damages.items():
        await execute(damage)
        assert problem in {each.problem for each in await differences(harness)}, problem
        await differences(harness, fix=True)
        await differences(harness, fix=True)  # what depends on the first repair
        assert await differences(harness) == [], problem
    await execute("UPDATE hashtags SET posts_count = 1 WHERE tag = 'night'")
    assert await contents(harness) == before


async def test_schedule_indexes_what_is_missing_and_moved(harness: ServiceHarness) -> None:
    viewer = await register(harness, "viewer")
    users = [await harness.user(name) for name in ("ana.one", "ana.two")]  # without an event
    await harness.post(users[0], "Light #dawn")
    await harness.database.execute("DELETE FROM jobs")
    refresh = harness.discovery.jobs.refresh
    await refresh(await claim_maintenance_job(harness, JobKind.REFRESH_SEARCH))
    assert await names_found(harness, viewer, "ana") == ["ana.one", "ana.two"]
    assert await differences(harness) == []
    await harness.database.execute("UPDATE users SET followers_count = 500 WHERE id = ?", [users[1]])
    await refresh(await claim_maintenance_job(harness, JobKind.REFRESH_SEARCH))
    assert await names_found(harness, viewer, "ana") == ["ana.two", "ana.one"]
    assert await differences(harness) == []


async def test_hidden_account_leaves_the_index_and_returns(harness: ServiceHarness) -> None:
    ada, _ = await live(harness)
    before = await contents(harness)
    await harness.set_status(ada, AccountStatus.DEACTIVATED)
    await harness.work_off(*INDEXING)
    assert await harness.rows("SELECT 1 FROM search_terms WHERE subject_id = ?", ada) == []
    assert await differences(harness) == []
    await harness.set_status(ada, AccountStatus.ACTIVE)
    await harness.work_off(*INDEXING)
    assert await contents(harness) == before
