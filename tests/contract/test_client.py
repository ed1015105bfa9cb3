"""A TypeScript client generated from the document compiles with a sample program under `tsc --strict`.

The folder tests/client holds the pinned tools and the sample program. Node and npm come from the system.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import orjson
import pytest

from server.handlers.openapi import document
from tests.contract.routes import app_routes
from tools.harness.backends import ROOT

CLIENT = ROOT / "tests" / "client"
FILES = (".npmrc", "package.json", "package-lock.json", "tsconfig.json", "usage.ts")
MISSING = [program for program in ("node", "npm") if shutil.which(program) is None]
OFFLINE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT")
IN_CI = os.environ.get("CI") == "true"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the folder, install its tools and generate the types."""
    if MISSING:
        fail_or_skip(f"install {' and '.join(MISSING)} to generate and compile a client")
    folder = tmp_path_factory.mktemp("client")
    for name in FILES:
        shutil.copyfile(CLIENT / name, folder / name)
    (folder / "openapi.json").write_bytes(orjson.dumps(document.build(app_routes())))
    installed = npm(folder, "ci")
    if any(sign in installed.stdout for sign in OFFLINE):
        fail_or_skip(f"the npm registry is unavailable:\n{installed.stdout}")
    assert installed.returncode == 0, installed.stdout
    generated = npm(folder, "run", "generate")
    assert generated.returncode == 0, generated.stdout
    return folder


def fail_or_skip(reason: str) -> NoReturn:
    """Fail in CI and skip elsewhere: the test needs Node and a network."""
    if IN_CI:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.mark.timeout(300)
def test_typed_client_compiles_and_rejects_unknown_members(client: Path) -> None:
    (client / "mistake.ts").write_text(
        'import type { components } from "./schema";\n'
        'export const secret = (post: components["schemas"]["Post"]) => post.passwordHash;\n'
    )
    ended = npm(client, "run", "check")  # checks both programs at once, because it is slow
    (error,) = [line for line in ended.stdout.splitlines() if ": error " in line]
    assert error.startswith("mistake.ts(2,"), ended.stdout
    assert "passwordHash" in error
    assert ended.returncode != 0


def npm(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["npm", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
