"""A typed client comes out of the document, and what one would write with it compiles under `tsc --strict`.

The folder tests/client holds the tools, pinned, and that program. Node and npm come from the system.
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
from tests.support.backends import ROOT

CLIENT = ROOT / "tests" / "client"
FILES = (".npmrc", "package.json", "package-lock.json", "tsconfig.json", "usage.ts")
MISSING = [program for program in ("node", "npm") if shutil.which(program) is None]
OFFLINE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT")
IN_CI = os.environ.get("CI") == "true"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the folder, with its tools installed and the types generated."""
    if MISSING:
        give_up(f"install {' and '.join(MISSING)} to have a client generated and compiled")
    folder = tmp_path_factory.mktemp("client")
    for name in FILES:
        shutil.copyfile(CLIENT / name, folder / name)
    (folder / "openapi.json").write_bytes(orjson.dumps(document.build(app_routes())))
    installed = npm(folder, "ci")
    if any(sign in installed.stdout for sign in OFFLINE):
        give_up(f"the registry of npm cannot be reached:\n{installed.stdout}")
    assert installed.returncode == 0, installed.stdout
    generated = npm(folder, "run", "generate")
    assert generated.returncode == 0, generated.stdout
    return folder


def give_up(reason: str) -> NoReturn:
    """A machine without node or a network may do without this test; CI may not."""
    if IN_CI:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.mark.timeout(300)
def test_typed_client_compiles_and_one_that_reads_what_no_answer_has_does_not(client: Path) -> None:
    (client / "mistake.ts").write_text(
        'import type { components } from "./schema";\n'
        'export const secret = (post: components["schemas"]["Post"]) => post.passwordHash;\n'
    )
    ended = npm(client, "run", "check")  # of both at once, as it takes long
    (complaint,) = [line for line in ended.stdout.splitlines() if ": error " in line]
    assert complaint.startswith("mistake.ts(2,"), ended.stdout
    assert "passwordHash" in complaint
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
