"""A bucket that does not answer: refused at startup, and reported by `/readyz` later."""

from typing import Any

import pytest
from aiohttp import ClientSession

from tests.e2e.conftest import NewProgram
from tests.support.fakes.s3_server import running_s3_server
from tests.support.program import Person
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_unavailable_bucket_is_reported(
    migrated_stack: Stack, new_program: NewProgram, session: ClientSession
) -> None:
    with running_s3_server() as server:
        environ: dict[str, Any] = {
            "MEDIA_URL": "s3://pictures/readiness",
            "AWS_ENDPOINT_URL": server,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "someone",
            "AWS_SECRET_ACCESS_KEY": "something",
        }
        program = await new_program("--port=0", **environ).start()
        probe = Person(program, session, "probe")
        answer = await probe.call("GET", "/readyz")
        assert (answer.status, answer.json["parts"]["media"]) == (200, "ok")

    async def is_reported() -> bool:
        answer = await probe.call("GET", "/readyz")
        return answer.status == 503 and answer.json["parts"]["media"] != "ok"

    await wait_until(is_reported, 20.0)
    ended = (
        await new_program("--port=0", **environ, VAR_DIR=str(migrated_stack.var_dir / "other")).spawn().end()
    )
    assert ended.code == 2
    assert "s3://pictures/readiness cannot be read or written" in ended.err
    assert len(ended.err.splitlines()) == 1
