"""The running program does what its own OpenAPI document says, whatever it is sent: schemathesis, with every check.

`make test` gives it half a minute a stack. CHAOS=full, as in `make chaos`, goes on until 20,000 requests were made.
"""

import asyncio
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.chaos.scene import migrated, rounds
from tests.contract.answers import closed
from tests.journeys import photos
from tests.journeys.conftest import NewProgram, Register
from tests.journeys.program import Person, Program, config_file, tell
from tests.stacks import ROOT, Stack

HOOKS = "tests.contract.hooks"
CONFIG = Path(__file__).with_name("schemathesis.toml")
REQUESTS = rounds(200, 20_000)
RUN_S = rounds(15, 480)
MOST_RUNS = 10
POSTS_EACH = 20
SESSIONS = 30
# As long as the longest run takes: the token of the one who asks is never renewed.
LASTING_TOKENS = {"access_ttl_s = 900": "access_ttl_s = 86400"}
# Said of an operation that was refused throughout.
TELLING_WARNINGS = ("missing_auth", "missing_test_data", "validation_mismatch")
# It needs a token that comes by mail.
NEVER_ACCEPTED = "POST /auth/reset-password"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of schemathesis: what it printed, and what it counted."""

    code: int
    out: str
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """Ids of what there is."""

    user_ids: list[str]
    session_ids: list[str]
    own_session_id: str
    post_ids: list[str] = field(default_factory=list[str])
    keys: list[str] = field(default_factory=list[str])
    post_of_comment: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def environ(self) -> dict[str, str]:
        """For the hooks: ids by the names of path parameters."""
        ids = {
            "userId": self.user_ids,
            "sessionId": self.session_ids,
            "postId": self.post_ids,
            "key": self.keys,
            "commentId": list(self.post_of_comment),
        }
        return {
            "CONTRACT_KNOWN": orjson.dumps(ids).decode(),
            "CONTRACT_SESSION": self.own_session_id,
            "CONTRACT_POST_OF_COMMENT": orjson.dumps(self.post_of_comment).decode(),
        }


@pytest.mark.chaos
@pytest.mark.timeout(7200)
async def test_program_answers_as_its_document_says(
    stack: Stack, new_program: NewProgram, register: Register
) -> None:
    await migrated(stack, new_program)
    program = await new_program("--port=0", config=config_file(stack.var_dir, LASTING_TOKENS)).start()
    ana, ben = await register(program, "ana", "ben")
    granted = await new_program("role", "ana", "admin", VAR_DIR=str(stack.var_dir)).spawn().end()
    assert granted.code == 0, granted
    known = await a_little_of_everything(ana, ben)
    document = stack.var_dir / "openapi.json"
    document.write_bytes(orjson.dumps(closed(await ana.does("GET", "/api/openapi.json"))))

    requests, runs = 0, 0
    while requests < REQUESTS and runs < MOST_RUNS:
        runs += 1
        run = await schemathesis(stack.var_dir, document, program, ana, known, seed=runs)
        assert run.code == 0, run.out
        requests += run.report["test_cases"]["generated"]
        assert warnings_of(run) == []
    assert requests >= REQUESTS
    tell(f"contract {stack.name}: {requests} requests, 0 failures")
    assert not program.logged("request_crashed")


def warnings_of(run: Run) -> list[str]:
    """The operations of which nothing was seen but refusals."""
    found = {operation for name in TELLING_WARNINGS for operation in run.report["warnings"][name]}
    return sorted(found - {NEVER_ACCEPTED})


async def sign_in(person: Person) -> None:
    """So that the token knows of the role."""
    body = {"username": person.username, "password": person.password}
    person.token = (await person.does("POST", "/auth/login", json=body))["accessToken"]


async def a_little_of_everything(ana: Person, ben: Person) -> Known:
    for _ in range(SESSIONS):
        await sign_in(ana)
    sessions = {session["id"]: session["current"] for session in await ana.all_of("/auth/sessions")}
    own = next(session_id for session_id, current in sessions.items() if current)
    known = Known([ben.id, "@ben"], [each for each in sessions if each != own], own)
    await ben.follow(ana)
    for author in (ana, ben) * POSTS_EACH:
        post = await author.publish(photos.small(), caption="#light with @ben")
        known.post_ids.append(post["id"])
        known.keys.append(post["images"][0]["url"].partition("/media/")[2])
        for person in (ana, ben):
            await person.like(post["id"])
            comment = await person.comment(post["id"], "Where was that, @ana?")
            known.post_of_comment[comment["id"]] = post["id"]
    return known


async def schemathesis(
    folder: Path, document: Path, program: Program, person: Person, known: Known, seed: int
) -> Run:
    report = folder / f"report-{seed}.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schemathesis.cli", f"--config-file={CONFIG}", "run", str(document),
        f"--url={program.url}", "--checks=all", "--continue-on-failure", "--no-color", f"--seed={seed}",
        f"--max-time={RUN_S}", "--generation-database=none", "--report=json", f"--report-json-path={report}",
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": HOOKS,
            "CONTRACT_URL": program.url,
            "CONTRACT_TOKEN": person.token,
            **known.environ,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Run(process.returncode, out.decode(), orjson.loads(report.read_bytes()))
