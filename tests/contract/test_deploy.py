"""The files in `deploy/`, and the statements of the production section in `docs/operations.md`."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tools.harness.backends import ROOT, Stack
from tools.harness.servers import find_program

UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
SETTINGS = tomllib.loads((ROOT / "config.toml").read_text())
SHUTDOWN_S = SETTINGS["shutdown"]["total_s"]


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    if find_program("systemd-analyze") is None:
        pytest.skip("install systemd to check its units")
    files: list[str] = []
    for unit in UNITS:
        file = tmp_path / unit.name
        # It looks for the program.
        file.write_text(unit.read_text().replace("/opt/photofeed", str(ROOT)))
        files.append(str(file))
    checked = subprocess.run(
        ["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False, timeout=50
    )
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_units_give_processes_time_to_stop(unit: Path) -> None:
    (stop_s,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit.read_text(), re.MULTILINE)
    assert int(stop_s) > SHUTDOWN_S


def test_proxies_accept_the_largest_upload() -> None:
    largest = SETTINGS["uploads"]["max_request_bytes"]
    nginx = (ROOT / "deploy" / "nginx" / "photofeed.conf").read_text()
    caddy = (ROOT / "deploy" / "caddy" / "Caddyfile").read_text()
    (mebibytes,) = re.findall(r"client_max_body_size (\d+)m;", nginx)
    (megabytes,) = re.findall(r"max_size (\d+)MB", caddy)
    assert int(mebibytes) * 1024**2 > largest
    assert int(megabytes) * 1000**2 > largest


@pytest.mark.parametrize("stack", ["mariadb"], indirect=True)
def test_documented_statements_create_database_and_user(stack: Stack) -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    (statements,) = re.findall(r"```sql\n(CREATE DATABASE.*?)```", page, re.DOTALL)
    assert stack.mariadb is not None
    own = statements.replace("instagram_clone", "documented").replace("photofeed@", "documented@")
    try:
        stack.mariadb.query(own)
        grants = stack.mariadb.query("SHOW GRANTS FOR documented@'%'")
        assert (
            "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER ON `documented`.*"
            in grants
        )
        assert "ON *.*" not in grants.replace("GRANT USAGE ON *.*", "")
    finally:
        stack.mariadb.query("DROP DATABASE IF EXISTS documented; DROP USER IF EXISTS documented@'%'")
