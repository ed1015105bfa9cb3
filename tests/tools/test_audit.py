"""Verdicts of the dependency audit on real output of pip-audit."""

import json
from pathlib import Path
from typing import Any

from tools.audit import audit, judge, remember

CLEAN: dict[str, Any] = {"name": "orjson", "version": "3.11.0", "vulns": []}
UNKNOWN: dict[str, Any] = {
    "name": "taskiq",
    "skip_reason": "Dependency not found on PyPI and could not be audited: taskiq (0.13.0)",
}
VULNERABLE: dict[str, Any] = {
    "name": "aiohttp",
    "version": "3.8.0",
    "vulns": [{"id": "PYSEC-2023-120", "fix_versions": ["3.8.5"], "aliases": ["CVE-2023-37276"]}],
}


def report(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_vulnerability_fails_and_is_named() -> None:
    verdict = judge(1, report(CLEAN, VULNERABLE, UNKNOWN), "Found 1 known vulnerability in 1 package")
    assert not verdict.passed
    assert "aiohttp 3.8.0: PYSEC-2023-120, CVE-2023-37276; fixed in 3.8.5" in verdict.message


def test_clean_packages_pass() -> None:
    verdict = judge(0, report(CLEAN, CLEAN), "No known vulnerabilities found")
    assert verdict.passed
    assert verdict.message == "2 packages have no known vulnerability."


def test_index_without_data_passes_with_a_warning() -> None:
    verdict = judge(0, report(UNKNOWN, UNKNOWN), "No known vulnerabilities found")
    assert (verdict.passed, verdict.audited) == (True, False)
    assert "WARNING: THE DEPENDENCIES WERE NOT AUDITED" in verdict.message


def test_packages_without_data_are_named() -> None:
    verdict = judge(0, report(CLEAN, UNKNOWN), "No known vulnerabilities found")
    assert verdict.passed
    assert verdict.message.endswith("WARNING: no vulnerability data on taskiq.")


def test_unreachable_index_passes_with_a_warning() -> None:
    errors = (
        "Traceback (most recent call last):\nrequests.exceptions.ProxyError: HTTPSConnectionPool(host=...)"
    )
    verdict = judge(1, "", errors)
    assert verdict.passed
    assert "WARNING: THE DEPENDENCIES WERE NOT AUDITED" in verdict.message


def test_missing_audit_is_remembered_until_one_succeeds(tmp_path: Path) -> None:
    marker = tmp_path / "var" / "not-audited"
    remember(judge(0, report(UNKNOWN), ""), marker)
    assert "NOT AUDITED" in marker.read_text()
    remember(judge(0, report(CLEAN), ""), marker)
    assert not marker.exists()


def test_unpinned_requirement_fails() -> None:
    verdict = judge(1, "", "ERROR:pip_audit._cli:requirement 'aiohttp>=3' is not pinned to an exact version")
    assert not verdict.passed
    assert "not pinned" in verdict.message


def test_exit_code_fails_despite_a_clean_report() -> None:
    assert not judge(1, report(CLEAN), "something else went wrong").passed


def test_missing_lock_fails(tmp_path: Path) -> None:
    assert not audit(str(tmp_path / "missing.lock")).passed
