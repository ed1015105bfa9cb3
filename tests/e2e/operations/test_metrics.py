"""`/metrics` of a running server: figures of the database, Redis, images and passwords."""

from tests.e2e.conftest import Register
from tests.e2e.operations.test_queues import samples
from tests.support.inputs import photos
from tests.support.program import Program


async def test_metrics_show_what_a_request_used(program: Program, register: Register) -> None:
    ana, ben = await register(program, "ana", "ben")
    post = await ana.publish(photos.small())
    before = await samples(ben)
    await ben.like(post["id"])
    after = await samples(ben)

    def grown(*key: str) -> float:
        return after[key] - before.get(key, 0)

    assert grown("photofeed_database_query_seconds_count", "insert") >= 1
    assert grown("photofeed_database_query_seconds_count", "begin") >= 1
    assert grown("photofeed_database_query_seconds_count", "commit") >= 1
    assert grown("photofeed_database_query_seconds_sum", "insert") > 0
    assert grown("photofeed_redis_call_seconds_count", "check_session") >= 1
    assert after["photofeed_database_pool_max",] >= after["photofeed_database_pool_open",] >= 1
    assert after["photofeed_image_seconds_count", "uploads"] == 1
    assert after["photofeed_image_queue", "uploads", "waiting"] == 0
    assert after["photofeed_password_queue", "running"] == 0
    assert after["photofeed_http_requests_total", "POST", "write", "/posts/{postId}/likes", "200"] == 1


async def test_metrics_count_ended_streams(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    async with ana.stream() as stream:
        await stream.block()
        opened = await samples(ana)
        assert opened["photofeed_sse_streams_total",] == 1
        assert opened["photofeed_sse_connections",] == 1
        other = await ana.on_another_device()
        assert (await ana.call("POST", "/auth/logout")).status == 204
        await stream.rest()
    assert (await samples(other))["photofeed_sse_drops_total", "session_ended"] == 1
