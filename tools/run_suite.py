"""Run the whole suite; repeat the few tests that failed, one at a time.

    python -m tools.run_suite [ARGUMENT ...]     arguments of pytest

Hundreds of the tests kill servers and wait for clocks, and the suite runs on more processes than processors. A test
that fails only in that company is named in a warning; one that fails again, alone, fails the run. With more than
`MAX_REPEATED` failures nothing is repeated: that is a fault and not the load.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

MAX_REPEATED = 5
_ROOT = Path(__file__).parent.parent
_LAST_FAILED = _ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
_TESTS_FAILED = 1  # pytest's exit status; the others mean that it could not run


def main(arguments: list[str]) -> int:
    """Return pytest's exit status: of the repetition, if there was one."""
    _LAST_FAILED.unlink(missing_ok=True)
    pytest = [sys.executable, "-m", "pytest"]
    processes = (os.cpu_count() or 1) + 1
    status = subprocess.run(
        [*pytest, "-n", str(processes), "--dist", "worksteal", *arguments], cwd=_ROOT, check=False
    ).returncode
    failed: dict[str, bool] = json.loads(_LAST_FAILED.read_text()) if _LAST_FAILED.is_file() else {}
    if status != _TESTS_FAILED or not 0 < len(failed) <= MAX_REPEATED:
        return status
    print(f"== {len(failed)} failed; they are repeated alone", flush=True)
    status = subprocess.run([*pytest, "--last-failed", *arguments], cwd=_ROOT, check=False).returncode
    if status == 0:
        for test in failed:
            print(f"::warning::{test} failed beside other tests and passed alone.")
    return status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
