"""Check the locked dependencies for known vulnerabilities: `python -m tools.audit requirements.lock`.

A vulnerability fails the audit. Without network, or with an index that has no vulnerability data, nothing was audited:
a warning is printed and kept in `var/not-audited` until an audit succeeds. That fails only with AUDIT_REQUIRED=true,
which CI sets where the data can be reached. Further arguments, such as `--ignore-vuln ID`, go to pip-audit.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT_S = 180
NOT_AUDITED = Path(__file__).parents[1] / "var" / "not-audited"
CONNECTION_ERRORS = ("requests.exceptions.", "urllib3.exceptions.", "ConnectionError", "ServiceError")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of an audit: whether it passed, and the message to print. `audited`: there were data."""

    passed: bool
    message: str
    audited: bool = True


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("usage: python -m tools.audit LOCK [pip-audit's options]")
    verdict = audit(sys.argv[1], sys.argv[2:])
    print(verdict.message, file=sys.stdout if verdict.audited else sys.stderr)
    remember(verdict, NOT_AUDITED)
    required = os.environ.get("AUDIT_REQUIRED") == "true"
    sys.exit(0 if verdict.passed and (verdict.audited or not required) else 1)


def remember(verdict: Verdict, marker: Path) -> None:
    """Write the file `marker` if nothing was audited, and remove it otherwise."""
    if verdict.audited:
        marker.unlink(missing_ok=True)
    else:
        marker.parent.mkdir(exist_ok=True)
        marker.write_text(verdict.message + "\n")


def audit(lock: str, options: Sequence[str] = ()) -> Verdict:
    """Run pip-audit on `lock` without resolving or installing anything."""
    flags = ["--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip_audit", "--requirement", lock, *flags, *options],
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return _not_audited(f"the index did not answer within {TIMEOUT_S} s")
    return judge(done.returncode, done.stdout, done.stderr)


def judge(exit_code: int, output: str, errors: str) -> Verdict:
    """Return the verdict on the exit code, the JSON report and the errors of pip-audit."""
    report = _parse(output)
    if report is None:
        reason = (errors.strip().splitlines() or ["no error message"])[-1]
        if any(error in reason for error in CONNECTION_ERRORS):
            return _not_audited(f"the index cannot be reached ({reason[:200]})")
        return Verdict(False, f"pip-audit failed with exit code {exit_code}: {reason}")
    packages: list[dict[str, Any]] = report["dependencies"]
    findings = [
        _finding(package, vulnerability) for package in packages for vulnerability in package.get("vulns", [])
    ]
    if findings:
        return Verdict(False, "\n".join(["Known vulnerabilities:", *sorted(findings)]))
    if exit_code:
        return Verdict(False, f"pip-audit failed with exit code {exit_code}: {errors.strip()[-400:]}")
    unknown = [str(package["name"]) for package in packages if "skip_reason" in package]
    if len(unknown) == len(packages):
        return _not_audited(f"the index has no vulnerability data on the {len(packages)} packages")
    audited = f"{len(packages) - len(unknown)} packages have no known vulnerability."
    return Verdict(
        True, f"{audited} WARNING: no vulnerability data on {', '.join(unknown)}." if unknown else audited
    )


def _not_audited(reason: str) -> Verdict:
    rule = "!" * 100
    message = f"{rule}\nWARNING: THE DEPENDENCIES WERE NOT AUDITED: {reason}.\n{rule}"
    return Verdict(True, message, audited=False)


def _parse(output: str) -> dict[str, Any] | None:
    try:
        report: dict[str, Any] | list[Any] = json.loads(output)
    except ValueError:
        return None
    return report if isinstance(report, dict) and "dependencies" in report else None


def _finding(package: dict[str, Any], vulnerability: dict[str, Any]) -> str:
    names = ", ".join([vulnerability["id"], *vulnerability.get("aliases", [])])
    fixed = ", ".join(vulnerability.get("fix_versions", [])) or "no version yet"
    return f"  {package['name']} {package['version']}: {names}; fixed in {fixed}"


if __name__ == "__main__":
    main()
