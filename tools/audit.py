"""Asks whether a locked dependency has a known vulnerability: `python -m tools.audit requirements.lock`.

A vulnerability fails. An index that has no such data, or no network, is said aloud and passes: the lock is no
worse for it, and the next run elsewhere asks again. Further arguments go to pip-audit: `--ignore-vuln ID`.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

TIMEOUT_S = 180
AWAY = ("requests.exceptions.", "urllib3.exceptions.", "ConnectionError", "ServiceError")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to print, and whether the lock may be used."""

    passed: bool
    message: str


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("usage: python -m tools.audit LOCK [pip-audit's options]")
    verdict = audit(sys.argv[1], sys.argv[2:])
    print(verdict.message)
    sys.exit(0 if verdict.passed else 1)


def audit(lock: str, options: Sequence[str] = ()) -> Verdict:
    """Run pip-audit on `lock`, which is complete: nothing is resolved or installed."""
    asked = [
        "--requirement",
        lock,
        "--no-deps",
        "--disable-pip",
        "--format",
        "json",
        "--progress-spinner",
        "off",
    ]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip_audit", *asked, *options],
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return Verdict(True, f"NOTICE: audit not possible here: no answer within {TIMEOUT_S} s.")
    return judge(done.returncode, done.stdout, done.stderr)


def judge(exit_code: int, output: str, errors: str) -> Verdict:
    """The verdict on what pip-audit left: its exit code, its JSON, its complaints."""
    report = _parsed(output)
    if report is None:
        reason = (errors.strip().splitlines() or ["it said nothing"])[-1]
        if any(sign in reason for sign in AWAY):
            return Verdict(
                True, f"NOTICE: audit not possible here: the service was not reached ({reason[:200]})."
            )
        return Verdict(False, f"pip-audit failed with exit code {exit_code}: {reason}")
    packages: list[dict[str, Any]] = report["dependencies"]
    findings = [_finding(package, flaw) for package in packages for flaw in package.get("vulns", [])]
    if findings:
        return Verdict(False, "\n".join(["Known vulnerabilities:", *sorted(findings)]))
    if exit_code:
        return Verdict(False, f"pip-audit failed with exit code {exit_code}: {errors.strip()[-400:]}")
    unknown = [str(package["name"]) for package in packages if "skip_reason" in package]
    if len(unknown) == len(packages):
        return Verdict(
            True, f"NOTICE: audit not possible here: the index has no data on the {len(packages)} packages."
        )
    audited = f"{len(packages) - len(unknown)} packages have no known vulnerability."
    return Verdict(True, f"{audited} NOTICE: no data on {', '.join(unknown)}." if unknown else audited)


def _parsed(output: str) -> dict[str, Any] | None:
    try:
        report: dict[str, Any] | list[Any] = json.loads(output)
    except ValueError:
        return None
    return report if isinstance(report, dict) and "dependencies" in report else None


def _finding(package: dict[str, Any], flaw: dict[str, Any]) -> str:
    names = ", ".join([flaw["id"], *flaw.get("aliases", [])])
    fixed = ", ".join(flaw.get("fix_versions", [])) or "no version yet"
    return f"  {package['name']} {package['version']}: {names}; fixed in {fixed}"


if __name__ == "__main__":
    main()
