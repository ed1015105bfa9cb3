"""Queue administration through the API and the CLI, failed jobs, and metrics."""

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.chaos.environment import A_DAY_MS, NewJob, insert_jobs, redis_of
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Person, Program, call_with_raw_headers, config_file
from tools.harness.backends import Stack
from tools.harness.servers import free_port
from tools.harness.waiting import wait_until

UNKNOWN = 1_000
# The jobs are counted often, so that waiting for figures takes no time.
FREQUENT = {"figures_every_s = 5": "figures_every_s = 0.1"}
GARBAGE = [{"data": "not JSON"}, {"data": "x" * 100_000}, {"another field": "and no data"}]


async def made_admin(new_program: NewProgram, person: Person) -> Person:
    granted = await new_program("role", person.username, "admin").spawn().end()
    assert granted.code == 0, granted
    answer = await person.request(
        "POST", "/auth/login", json={"username": person.username, "password": person.password}
    )
    person.token = answer["accessToken"]
    return person


async def queue(admin: Person, name: str) -> dict[str, Any]:
    queues = (await admin.request("GET", "/queues"))["items"]
    return next(each for each in queues if each["name"] == name)


async def samples(person: Person) -> dict[tuple[str, ...], float]:
    answer = await person.call("GET", "/metrics")
    assert answer.status == 200, answer
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


async def test_only_admins_see_and_control_queues(
    program: Program, register: Register, new_program: NewProgram
) -> None:
    (ana,) = await register(program, "ana")
    routes = [
        ("GET", "/queues", {}),
        ("GET", "/queues/feed/failed", {}),
        ("GET", "/queues/nonsense/failed", {}),
        ("DELETE", "/queues/feed/failed?all=true", {}),
        ("POST", "/queues/feed/retry", {"json": {"all": True}}),
        ("POST", "/queues/feed/pause", {}),
        ("POST", "/queues/feed/resume", {}),
    ]
    for method, path, options in routes:
        assert (await ana.call(method, path, **options)).status == 403
        assert (await ana.call(method, path, headers={"Authorization": ""}, **options)).status == 401
    # A stranger does not learn what a valid request is.
    for method, path, options in (
        ("DELETE", "/queues/feed/failed?all=maybe", {}),
        ("POST", "/queues/feed/retry", {"json": {"ids": "nonsense"}}),
    ):
        assert (await ana.call(method, path, **options)).status == 403
    await made_admin(new_program, ana)
    answers = [(await ana.call(method, path, **options)).status for method, path, options in routes]
    assert answers == [200, 200, 404, 200, 200, 204, 204]
    for method, path, options in (
        ("POST", "/queues/feed/retry", {"json": {}}),
        ("POST", "/queues/feed/retry", {"json": {"ids": ["1"], "all": True}}),
        ("POST", "/queues/feed/retry", {"json": {"all": False}}),
        ("POST", "/queues/feed/retry", {"json": {"all": 1}}),
        ("POST", "/queues/feed/retry", {"json": {"ids": []}}),
        ("POST", "/queues/feed/retry", {"json": {"ids": ["-1"]}}),
        ("DELETE", "/queues/feed/failed", {}),
        ("DELETE", "/queues/feed/failed?all=yes", {}),
        ("DELETE", "/queues/feed/failed?ids=1&all=true", {}),
        ("DELETE", "/queues/feed/failed?ids=1,two", {}),
        ("DELETE", "/queues/feed/failed?ids=1,99999999999999999999", {}),
    ):
        assert (await ana.call(method, path, **options)).status == 422


async def test_demotion_applies_to_the_next_request(
    program: Program, register: Register, new_program: NewProgram
) -> None:
    (ana,) = await register(program, "ana")
    await made_admin(new_program, ana)
    assert (await ana.call("GET", "/queues")).status == 200
    assert (await new_program("role", "ana", "user").spawn().end()).code == 0
    assert (await ana.call("GET", "/queues")).status == 403


async def test_paused_queue_stays_paused_when_redis_is_flushed(
    register: Register, new_program: NewProgram, migrated_stack: Stack
) -> None:
    stack = migrated_stack
    program = await new_program("--port=0", config=config_file(stack.var_dir, FREQUENT)).start()
    ana, bob = await register(program, "ana", "bob")
    await made_admin(new_program, ana)
    post = await ana.publish(photos.small())
    assert (await ana.call("POST", "/queues/notifications/pause")).status == 204
    assert (await queue(ana, "notifications"))["paused"]
    paused_again = await new_program("queues", "pause", "notifications").spawn().end()
    assert (paused_again.code, paused_again.err) == (0, "")
    await _until_seen_by_the_worker(ana, bob, post["id"])
    await bob.like(post["id"])
    with redis_of(stack) as redis:
        redis.flushall()
    await bob.follow(ana)  # the feed queue runs on a recreated stream
    await wait_until(lambda: _idle(ana, "feed"))
    await wait_until(lambda: _waiting(ana, "notifications", 2))
    assert not [each for each in await ana.notifications() if each["type"] in ("like", "follow")]
    assert (await ana.call("POST", "/queues/notifications/resume")).status == 204
    await wait_until(lambda: _has_types(ana, {"like", "follow"}))


async def test_unknown_jobs_and_rejected_messages_are_listed(
    register: Register, new_program: NewProgram, migrated_stack: Stack
) -> None:
    impatient = config_file(
        migrated_stack.var_dir, FREQUENT | {"backoff_cap_ms = 600000": "backoff_cap_ms = 50"}
    )
    program = await new_program("--port=0", config=impatient).start()
    ana, bob = await register(program, "ana", "bob")
    await made_admin(new_program, ana)
    with redis_of(migrated_stack) as redis:
        for entry in GARBAGE:
            redis.xadd("queue:feed", entry)
    insert_jobs(migrated_stack, [NewJob(UNKNOWN, "made.up", payload='{"number": 7}', age_ms=A_DAY_MS)])
    await bob.follow(ana)
    await ana.publish(photos.small())
    assert len(await wait_until(bob.feed)) == 1
    await wait_until(lambda: _garbage(ana, len(GARBAGE)))

    async def dead() -> list[dict[str, Any]]:
        return await ana.list_all("/queues/feed/failed")

    (email,) = await wait_until(dead)
    assert (email["id"], email["kind"], email["payload"]) == (str(UNKNOWN), "made.up", {"number": 7})
    assert email["attempts"] == len(email["history"]) == 3
    assert "made.up" in email["error"]
    found = await samples(ana)
    assert found["photofeed_jobs_total", "unknown", "unknown", "feed"] == 3
    assert (
        sum(value for (name, *_), value in found.items() if name == "photofeed_rejected_messages_total") == 3
    )

    listed = await new_program("queues", "failed", "feed").spawn().end()
    assert listed.out.startswith(f"{UNKNOWN}  made.up  failed ")
    table = await new_program("queues", cold=True).spawn().end()
    (feed,) = [line.split() for line in table.out.splitlines() if line.startswith("feed ")]
    assert feed[-1] == str(len(GARBAGE))
    assert await ana.request("POST", "/queues/feed/retry", json={"ids": [str(UNKNOWN)]}) == {"jobs": 1}
    await wait_until(dead)
    assert await ana.request("DELETE", f"/queues/feed/failed?ids={UNKNOWN}") == {"jobs": 1}
    assert await dead() == []


async def test_metrics_count_what_was_done(program: Program, register: Register) -> None:
    ana, bob = await register(program, "ana", "bob")
    await bob.follow(ana)
    async with ana.stream():
        post = await ana.publish(photos.small())
        await bob.like(post["id"])
        await wait_until(lambda: _has_types(ana, {"like", "follow"}))
        assert (await samples(ana))["photofeed_sse_connections",] == 1
        await wait_until(lambda: _counted(ana))
    found = await samples(ana)
    assert found["photofeed_http_requests_total", "POST", "write", "/posts/{postId}/likes", "200"] == 1
    assert found["photofeed_jobs_total", "notify.like", "completed", "notifications"] == 1
    assert found["photofeed_notification_deliveries_total", "in_app", "delivered"] == 2
    assert found["photofeed_notification_delivery_seconds_count", "live"] == 2
    assert found["photofeed_fan_out_age_seconds_count",] == 1
    assert found["photofeed_dependency_up", "database"] == found["photofeed_dependency_up", "redis"] == 1
    assert found["photofeed_actor_up", "relay"] == 1
    assert found["photofeed_queue_paused", "feed"] == 0
    await ana.call("GET", "/no/such/route")
    await ana.call("PROPFIND", "/feed")
    found = await samples(ana)
    assert found["photofeed_http_requests_total", "GET", "read", "none", "404"] == 1
    assert [key for key in found if key[:2] == ("photofeed_http_requests_total", "other")]
    restarts = (await ana.request("GET", "/readyz"))["restarts"]
    assert restarts["relay"] == restarts["feed worker"] == 0


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_metrics_can_require_a_token(new_program: NewProgram, register: Register) -> None:
    program = await new_program("--port=0", METRICS_TOKEN="the token of the metrics").start()
    (ana,) = await register(program, "ana")
    for given in ("", f"Bearer {ana.token}", "Bearer the token", "Basic the token of the metrics"):
        assert (await ana.call("GET", "/metrics", headers={"Authorization": given})).status == 401
    assert (
        await call_with_raw_headers(program, "GET", "/metrics", {"Authorization": "Bearer \xff"})
    ).status == 401
    answer = await ana.call("GET", "/metrics", headers={"Authorization": "Bearer the token of the metrics"})
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_worker_process_serves_health_on_its_own_port(
    new_program: NewProgram, stack: Stack, session: Any
) -> None:
    port = free_port()
    worker = await new_program("--role=worker", WORKER_PORT=str(port)).start()
    assert worker.logged("ready")[0]["health, metrics"] == f"http://127.0.0.1:{port}"
    for path, status in (("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/feed", 404)):
        async with session.get(f"http://127.0.0.1:{port}{path}") as answer:
            assert answer.status == status
    assert await worker.interrupt() == 0


async def _until_seen_by_the_worker(ana: Person, bob: Person, post_id: str) -> None:
    """Comment until a pause, which takes up to a second, holds a notification back."""

    async def left_waiting() -> bool:
        await bob.comment(post_id, "Is it paused?")
        return (await queue(ana, "notifications"))["waiting"] >= 2

    await wait_until(left_waiting)


async def _idle(admin: Person, name: str) -> bool:
    status = await queue(admin, name)
    return status["waiting"] == status["running"] == 0 and status["completed"] > 0


async def _waiting(admin: Person, name: str, jobs: int) -> bool:
    return (await queue(admin, name))["waiting"] >= jobs


async def _garbage(admin: Person, entries: int) -> bool:
    return (await queue(admin, "feed"))["rejectedMessages"] == entries


async def _has_types(person: Person, types: set[str]) -> bool:
    return types <= {each["type"] for each in await person.notifications()}


async def _counted(person: Person) -> bool:
    found = await samples(person)
    return (
        found.get(("photofeed_notification_deliveries_total", "live", "delivered")) == 2
        and ("photofeed_dependency_up", "database") in found
    )
