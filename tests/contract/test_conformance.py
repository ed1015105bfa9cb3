"""The running program conforms to its OpenAPI document: schemathesis with every check.

`make test` sends a few requests per operation and stack with a fixed seed. CHAOS=full (`make chaos`) sends 20,000.
"""

import asyncio
import os
import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.chaos.environment import FULL, rounds
from tests.contract.answers import both_documents, closed
from tests.e2e.conftest import NewProgram, Register
from tests.support.accounts import verify_addresses
from tests.support.inputs import photos
from tests.support.program import Person, Program, config_file, print_figures
from tools.harness.backends import ROOT, Stack
from tools.harness.waiting import wait_until

HOOKS = "tests.contract.hooks"
CONFIG = Path(__file__).with_name("schemathesis.toml")
REQUESTS = rounds(200, 20_000)
MAX_RUNS = rounds(4, 10)
POSTS_EACH = rounds(5, 20)
# Short runs are bounded by a number of requests, so that they do not depend on the speed of the machine.
LIMIT = ["--max-time=480"] if FULL else ["--max-examples=3"]
# Valid for the longest run, because the access token is not renewed.
LONG_TOKENS = {"access_ttl_s = 900": "access_ttl_s = 86400"}
# Schemathesis needs seconds to generate the longest texts for these; only CHAOS=full does so.
LONG_TEXTS = {
    "discardFailedJobs", "resetPassword", "registerUser", "changePassword", "refreshTokens", "login", "readFeed",
}  # fmt: skip
# They need a token that arrives by e-mail or from an identity provider, a passkey, or the link to a complete export.
NEVER_ACCEPTED = {
    "POST /auth/reset-password",
    "POST /auth/verify-email",
    "POST /auth/recover-account",
    "POST /auth/oidc/{provider}",
    "DELETE /auth/oidc/{provider}",
    "POST /auth/oidc/{provider}/link",
    "POST /auth/oidc/{provider}/reauthenticate",
    "POST /auth/passkeys/register/finish",
    "POST /auth/passkeys/sign-in/finish",
    "POST /auth/passkeys/reauthenticate/finish",
    "PUT /auth/passkeys/{passkeyId}",
    "PATCH /auth/passkeys/{passkeyId}",
    "DELETE /auth/passkeys/{passkeyId}",
    "GET /exports/{exportId}",
}


@dataclass(frozen=True, slots=True)
class Run:
    """One run of schemathesis: its exit code, output and report."""

    code: int
    out: str
    report: dict[str, Any]

    @property
    def accepted(self) -> set[str]:
        """Return the operations that accepted at least one request."""
        rates: dict[str, dict[str, dict[str, int]]] = self.report["valid_rates"]
        return {
            operation
            for operation, phases in rates.items()
            if any(counts["accepted"] for counts in phases.values())
        }


@dataclass(frozen=True, slots=True)
class Known:
    """Ids of existing objects."""

    user_ids: list[str]
    own_session_id: str
    post_ids: list[str] = field(default_factory=list[str])
    keys: list[str] = field(default_factory=list[str])
    notification_id: str = ""
    link_token: str = ""

    @property
    def environ(self) -> dict[str, str]:
        """Return the environment of the hooks. The last post belongs to another user."""
        ids = {"userId": self.user_ids, "postId": self.post_ids, "key": self.keys}
        return {
            "CONTRACT_KNOWN": orjson.dumps(ids).decode(),
            "CONTRACT_SESSION": self.own_session_id,
            "CONTRACT_OTHERS_POST": self.post_ids[-1],
            "CONTRACT_NOTIFICATION": self.notification_id,
            "CONTRACT_LINK_TOKEN": self.link_token,
        }


@pytest.mark.chaos
@pytest.mark.timeout(7200)
@pytest.mark.usefixtures("migrated_stack")
async def test_program_conforms_to_its_document(
    stack: Stack, new_program: NewProgram, register: Register
) -> None:
    program = await new_program("--port=0", config=config_file(stack.var_dir, LONG_TOKENS)).start()
    # The examples in the document are about ana, ben and dora_lens.
    cleo, dan = await register(program, "cleo", "dan")
    await verify_addresses(stack)
    granted = await new_program("role", "cleo", "admin", cold=True).spawn().end()
    assert granted.code == 0, granted
    created = await create_objects(cleo, dan)
    notifications: list[dict[str, Any]] = await wait_until(cleo.notifications)
    known = replace(created, notification_id=notifications[0]["id"], link_token=await link_token(stack))
    document = stack.var_dir / "openapi.json"
    described = closed(await both_documents(cleo))
    # Their constraints are those of tus, not of schemas; tests/e2e/test_resumable_uploads.py covers them.
    described["paths"] = {path: item for path, item in described["paths"].items() if "/uploads" not in path}
    document.write_bytes(orjson.dumps(described))

    requests, runs = 0, 0
    refused = operations_of(document) - NEVER_ACCEPTED
    while runs < MAX_RUNS and (requests < REQUESTS or refused):
        runs += 1
        run = await schemathesis(stack, document, program, cleo, known, seed=runs)
        assert run.code == 0, run.out
        requests += run.report["test_cases"]["generated"]
        refused -= run.accepted
    assert requests >= REQUESTS
    assert not refused, f"these operations accepted no request: {sorted(refused)}"
    print_figures(f"contract {stack.name}: {requests} requests in {runs} runs, 0 failures")
    assert not program.logged("request_crashed")


async def sign_in(person: Person) -> None:
    """Sign in again, so that the token contains the role."""
    body = {"username": person.username, "password": person.password}
    person.token = (await person.request("POST", "/auth/login", json=body))["accessToken"]


async def create_objects(cleo: Person, dan: Person) -> Known:
    await sign_in(cleo)
    own = next(session["id"] for session in await cleo.list_all("/auth/sessions") if session["current"])
    known = Known([dan.id, "@dan"], own)
    await cleo.choose_immediate_emails()
    await dan.follow(cleo)
    for author in (cleo, dan) * POSTS_EACH:
        post = await author.publish(photos.small(), caption="#light with @dan")
        known.post_ids.append(post["id"])
        known.keys.append(post["images"][0]["url"].partition("/media/")[2])
        for person in (cleo, dan):
            await person.like(post["id"])
            await person.comment(post["id"], "Where was that, @cleo?")
    return known


async def link_token(stack: Stack) -> str:
    """Return the unsubscribe token of an e-mail."""

    async def emails() -> list[Path]:
        return list((stack.var_dir / "outbox").glob("notification-*.eml"))

    text = (await wait_until(emails))[0].read_text()
    return re.findall(r"/notifications/unsubscribe\?token=([\w.-]+)", text)[0]


def operations_of(document: Path) -> set[str]:
    """Return names such as `GET /posts/{postId}`."""
    paths = orjson.loads(document.read_bytes())["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def configuration(stack: Stack, document: Path) -> Path:
    """Return CONFIG; in short runs each stack covers the schema boundaries of every second operation."""
    file = stack.var_dir / CONFIG.name
    text = CONFIG.read_text()
    if not FULL:
        paths = orjson.loads(document.read_bytes())["paths"].values()
        names = sorted(operation["operationId"] for methods in paths for operation in methods.values())
        excluded = LONG_TEXTS | set(names[stack.name == "embedded" :: 2])
        listed = ", ".join(f'"{name}"' for name in sorted(excluded))
        text += f"\n[[operations]]\ninclude-operation-id = [{listed}]\nphases.coverage.enabled = false\n"
    file.write_text(text)
    return file


async def schemathesis(
    stack: Stack, document: Path, program: Program, person: Person, known: Known, seed: int
) -> Run:
    folder, config = stack.var_dir, configuration(stack, document)
    report = folder / f"report-{seed}.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schemathesis.cli", f"--config-file={config}", "run", str(document),
        f"--url={program.url}", "--checks=all", "--continue-on-failure", "--no-color", f"--seed={seed}",
        *LIMIT, "--generation-database=none", "--report=json", f"--report-json-path={report}",
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": HOOKS,
            "CONTRACT_URL": program.url,
            "CONTRACT_PASSWORD": person.password,
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
