"""Run the smoke tests on the other supported Python versions of this machine: `python -m tools.check_versions`.

Each version gets an environment with the development lock, such as `.venv-3.12`. A version that is not installed is
skipped with a notice.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tools.install import ROOT, StepFailed, install

VERSIONS = ("3.11", "3.12", "3.13")
LOCK = ROOT / "requirements-dev.lock"
NO_TESTS = 5


def main() -> None:
    mine = f"{sys.version_info.major}.{sys.version_info.minor}"
    sys.exit(max([check(version) for version in VERSIONS if version != mine]))


def check(version: str) -> int:
    """Run the smoke tests on one version and return the exit code, 0 if the version is not installed."""
    python = find_python(version)
    if python is None:
        print(f"NOTICE: Python {version} is not installed and was not checked.", flush=True)
        return 0
    venv = ROOT / f".venv-{version}"
    stamp = venv / f".installed-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    try:
        if not (stamp.exists() and (venv / "bin/python").exists()):
            install(venv, LOCK, [stamp], python)
    except StepFailed as error:
        print(error)
        return 1
    done = subprocess.run(
        [venv / "bin/python", "-m", "pytest", "-q", "-m", "smoke", "-p", "no:cacheprovider"],
        cwd=ROOT,
        check=False,
    )
    if done.returncode == NO_TESTS:
        print("No test is marked smoke: nothing was checked.")
    return done.returncode


def find_python(version: str) -> str | None:
    """Return a working interpreter of `version` from the PATH or from pyenv, or None."""
    candidates = [shutil.which(f"python{version}"), *_pyenv(version)]
    return next((python for python in candidates if python and _is(python, version)), None)


def _pyenv(version: str) -> list[str]:
    pyenv = shutil.which("pyenv")
    if pyenv is None:
        return []
    listed = subprocess.run([pyenv, "versions", "--bare"], capture_output=True, text=True, check=False)
    installed = [name for name in listed.stdout.split() if name.startswith(f"{version}.")]
    prefixes = [
        subprocess.run([pyenv, "prefix", name], capture_output=True, text=True, check=False).stdout.strip()
        for name in reversed(installed)
    ]
    return [str(Path(prefix, "bin", f"python{version}")) for prefix in prefixes if prefix]


def _is(python: str, version: str) -> bool:
    """Return whether `python` runs and has that version; pyenv's shims on the PATH often do not run."""
    code = f"import sys, ensurepip; sys.exit('%d.%d' % sys.version_info[:2] != '{version}')"
    try:
        return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    main()
