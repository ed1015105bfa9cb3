"""Traces of a running server, as an OpenTelemetry collector receives them."""

from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.e2e.conftest import NewProgram, Register
from tests.support.accounts import verify_addresses
from tests.support.fakes.fcm_server import FakeFcm
from tests.support.fakes.otlp_collector import FakeCollector, ReceivedSpan
from tests.support.fakes.smtp_server import FakeSmtpServer
from tests.support.inputs import photos
from tests.support.program import Person, Program, config_file
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

SERVER, CLIENT, CONSUMER = 2, 3, 5  # kinds of spans in OTLP
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CALLERS_TRACE, CALLERS_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    server = FakeCollector().start()
    yield server
    server.stop()


@pytest.fixture
def fcm() -> Iterator[FakeFcm]:
    server = FakeFcm().start()
    yield server
    server.stop()


@pytest.fixture
def smtp_server() -> Iterator[FakeSmtpServer]:
    server = FakeSmtpServer().start()
    yield server
    server.stop()


def tracing(collector: FakeCollector, **environ: str) -> dict[str, str]:
    """Return variables that export every trace to `collector`."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_TRACES_SAMPLER_ARG": "1", **environ}


async def liked_post(program: Program, register: Register) -> tuple[Person, str]:
    """Publish a post of ana, and return ben with its id."""
    ana, ben = await register(program, "ana", "ben")
    post = await ana.publish(photos.small())
    return ben, post["id"]


async def request_line(program: Program, path: str) -> dict[str, Any]:
    """Return the log line of the first request to a path; lines are written within 10 ms."""
    (line, *_) = await wait_until(
        lambda: [each for each in program.logged("request") if each["path"] == path]
    )
    return line


async def test_one_like_is_one_trace_up_to_push_and_email(
    new_program: NewProgram,
    register: Register,
    migrated_stack: Stack,
    collector: FakeCollector,
    fcm: FakeFcm,
    smtp_server: FakeSmtpServer,
) -> None:
    program = await new_program(
        "--port=0",
        config=config_file(migrated_stack.var_dir, fcm.config_changes),
        **fcm.environ(),
        **tracing(collector, OTEL_EXPORTER_OTLP_HEADERS="api-key=secret%20key, tenant=photos"),
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=str(smtp_server.port),
        EMAIL_TLS="none",
    ).start()
    ben, post = await liked_post(program, register)
    ana = await Person(program, ben.session, "ana").sign_in()
    await verify_addresses(migrated_stack)
    await ana.choose_immediate_emails()
    await ana.request("POST", "/devices", json={"token": "phone-of-ana", "platform": "android"})
    answer = await ben.call("POST", f"/posts/{post}/likes")
    _, trace_id, root_id, _ = answer.headers["traceresponse"].split("-")

    def arrived() -> dict[str, ReceivedSpan]:
        return {span.name: span for span in collector.trace(trace_id)}

    job, push, email = "notify.like process", "push.notification process", "email.notification process"
    last = {"POST /posts/{postId}/likes", job, push, email, "POST FCM", "SMTP send"}
    await wait_until(lambda: last <= set(arrived()))
    spans, by_name = collector.trace(trace_id), arrived()
    by_id = {span.span_id: span for span in spans}
    root = by_name["POST /posts/{postId}/likes"]
    assert (root.span_id, root.parent_id, root.kind) == (root_id, "", SERVER)
    assert root.attributes["http.response.status_code"] == 200
    assert root.resource["service.name"] == "photofeed"
    assert collector.headers["api-key"] == "secret key"

    def ancestors(span: ReceivedSpan) -> list[str]:
        names: list[str] = []
        while span.parent_id:
            span = by_id[span.parent_id]
            names.append(span.name)
        return names

    assert by_name[job].kind == CONSUMER
    assert ancestors(by_name[job]) == [root.name]
    assert ancestors(by_name["POST FCM"]) == [push, job, root.name]
    assert ancestors(by_name["SMTP send"]) == [email, job, root.name]
    assert by_name["POST FCM"].attributes["http.response.status_code"] == 200
    statements = [span for span in spans if "db.query.text" in span.attributes]
    assert {"INSERT likes", "INSERT jobs"} <= {
        span.name for span in statements if ancestors(span) == [root.name]
    }
    assert "INSERT notifications" in {span.name for span in statements if ancestors(span) == [job, root.name]}
    assert {span.kind for span in statements} == {CLIENT}
    assert all(span.took_ns > 0 for span in spans)
    assert {"check_session"} <= {
        span.name for span in spans if span.attributes.get("db.system.name") == "redis"
    }
    assert f"00-{trace_id}-{by_name['POST FCM'].span_id}-01" in fcm.traceparents
    line = await request_line(program, f"/posts/{post}/likes")
    assert (line["trace_id"], line["span_id"]) == (trace_id, root_id)


async def test_traceparent_is_continued_for_trusted_proxies_only(
    new_program: NewProgram, session: ClientSession, migrated_stack: Stack, collector: FakeCollector
) -> None:
    trusting = {"TRACEPARENT_FROM_PROXIES": "true"}
    for environ, continued in (
        ({"TRUSTED_PROXIES": "127.0.0.0/8", **trusting}, True),
        ({"TRUSTED_PROXIES": "127.0.0.0/8"}, False),
        ({"TRUSTED_PROXIES": "192.0.2.0/24", **trusting}, False),
    ):
        program = await new_program("--port=0", **tracing(collector, **environ)).start()
        answer = await Person(program, session, "nobody").call(
            "GET", "/hashtags/none", headers={"traceparent": CALLER}
        )
        _, trace_id, _, _ = answer.headers["traceresponse"].split("-")
        assert (trace_id == CALLERS_TRACE) == continued, environ
        if continued:
            (root,) = await wait_until(lambda: collector.trace(CALLERS_TRACE)[-1:])
            assert root.parent_id == CALLERS_SPAN
        await program.kill()


async def test_unsampled_traces_are_in_logs_and_not_exported(
    new_program: NewProgram, register: Register, migrated_stack: Stack, collector: FakeCollector
) -> None:
    program = await new_program(
        "--port=0", **{**tracing(collector), "OTEL_TRACES_SAMPLER_ARG": "0", "LOG_LEVEL": "debug"}
    ).start()
    ben, post = await liked_post(program, register)
    answer = await ben.call("POST", f"/posts/{post}/likes")
    _, trace_id, _, flags = answer.headers["traceresponse"].split("-")
    assert flags == "00"
    assert (await request_line(program, f"/posts/{post}/likes"))["trace_id"] == trace_id
    registration = await request_line(program, "/auth/register")
    (email, *_) = await wait_until(lambda: program.logged("email_written_to_outbox"))
    assert email["trace_id"] == registration["trace_id"]
    assert email["span_id"] != registration["span_id"]
    assert (await program.interrupt()) == 0  # what is queued is exported before the end
    assert collector.requests == 0


async def test_without_collector_nothing_is_traced(program: Program, register: Register) -> None:
    ben, post = await liked_post(program, register)
    answer = await ben.call("POST", f"/posts/{post}/likes", headers={"traceparent": CALLER})
    assert "traceresponse" not in answer.headers
    assert "trace_id" not in await request_line(program, f"/posts/{post}/likes")


async def test_collector_outage_is_logged_once_and_ends(
    new_program: NewProgram, register: Register, migrated_stack: Stack, collector: FakeCollector
) -> None:
    collector.stop()
    program = await new_program("--port=0", **tracing(collector)).start()
    ben, post = await liked_post(program, register)

    async def failed() -> float:
        metrics = (await ben.call("GET", "/metrics")).content.decode()
        return sum(
            float(line.split()[-1])
            for line in metrics.splitlines()
            if line.startswith('photofeed_trace_spans_total{outcome="failed"}')
        )

    await wait_until(failed)
    before = await failed()
    for _ in range(3):
        await ben.like(post)

    async def has_failed_again() -> bool:
        return await failed() > before

    await wait_until(has_failed_again)
    collector.start()

    async def recovers() -> bool:
        await ben.call("GET", "/hashtags/none")
        return bool(program.logged("trace_collector_recovered"))

    await wait_until(recovers)
    assert len(program.logged("trace_collector_unavailable")) == 1
    assert collector.spans
    assert "Traceback" not in program.out + program.err
    assert [line for line in program.out.splitlines() if "opentelemetry" in line] == []


async def test_server_stops_in_time_while_the_collector_is_gone(
    new_program: NewProgram, register: Register, migrated_stack: Stack, collector: FakeCollector
) -> None:
    program = await new_program("--port=0", **tracing(collector)).start()
    ben, post = await liked_post(program, register)
    collector.stop()
    await ben.like(post)
    assert await program.interrupt() == 0
