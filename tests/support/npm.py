"""Programs from npm: pinned in a lock file, installed once per run of the tests, and shared by its processes."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest

MISSING = [program for program in ("node", "npm") if shutil.which(program) is None]
OFFLINE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT")
LOCKED = (".npmrc", "package.json", "package-lock.json")
IN_CI = os.environ.get("CI") == "true"


def fail_or_skip(reason: str) -> NoReturn:
    """Fail in CI and skip elsewhere: the test needs Node and a network."""
    if IN_CI:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def installed_modules(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the `node_modules` of a folder with a lock file; the first process installs them for all of the run."""
    if MISSING:
        fail_or_skip(f"install {' and '.join(MISSING)}")
    digest = hashlib.sha256((package / "package-lock.json").read_bytes()).hexdigest()[:16]
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"npm-{digest}"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "complete").exists():
            for name in LOCKED:
                shutil.copyfile(package / name, shared / name)
            installed = npm(shared, "ci", "--prefer-offline")
            if any(sign in installed.stdout for sign in OFFLINE):
                fail_or_skip(f"the npm registry is unavailable:\n{installed.stdout}")
            assert installed.returncode == 0, installed.stdout
            (shared / "complete").touch()
    return shared / "node_modules"


def npm(
    folder: Path, *arguments: str, environ: Mapping[str, str] | None = None, timeout_s: float = 240.0
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["npm", *arguments],
        cwd=folder,
        env={**os.environ, **(environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_s,
        check=False,
    )
