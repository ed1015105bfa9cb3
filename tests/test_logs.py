"""Logs of a separate process."""

import logging
import subprocess
import sys
from typing import Any

import orjson
import pytest
from aiohttp.http_exceptions import BadHttpMessage

from server.logs import BufferedWriter, one_line_if_malformed
from tools.harness.backends import ROOT
from tools.harness.waiting import wait_until

HUSH = "hush-hush"

SCRIPT = """
import datetime, logging, pathlib, sys
import structlog
from server.logs import CURRENT_REQUEST, REQUEST_LINES, configure

configure(sys.argv[2], sys.argv[1])
HUSH = "hush-hush"
log = structlog.get_logger("photos")
log.info("signed_in", password=HUSH, refresh_token=HUSH, Authorization=HUSH, jwt_secret=HUSH, cookie=HUSH, user_id=7)
log.info("nested", headers={"authorization": HUSH, "host": "here"}, queries=[{"access_token": HUSH}])
log.bind(api_token=HUSH).info("bound")
library = logging.getLogger("library")
CURRENT_REQUEST.set("the-request")
log.info("inherited")
library.warning("inherited_too")
CURRENT_REQUEST.set("")
library.warning("with %s", "arguments")
library.warning("with_more", extra={"password": HUSH, "size": 3})
log.info("unusual", path=pathlib.Path("/tmp"), at=datetime.datetime(2026, 1, 2), raw=b"\\xff", number=2**70,
         text="line\\nbreak", surrogate="\\udcff", by_number={1: "one"}, some={"a"})

def fail():
    my_password = HUSH
    raise ValueError("no such thing")

try:
    fail()
except ValueError:
    log.exception("failed")
    library.exception("library_failed")
LINE = {"method": "GET", "path": "/\\udcff", "status": 503, "ms": 1.5, "request_id": "r1", "address": "", "code": "x"}
log.info("request", **LINE)
REQUEST_LINES.info(dict(LINE))
log.debug("hidden")
library.info("library_info")
log.info("last")
"""


def run(form: str, level: str = "info") -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, form, level], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return done.stdout.decode()


@pytest.fixture(scope="module")
def json_lines() -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in run("json").splitlines()]


@pytest.fixture(scope="module")
def console() -> str:
    return run("console")


def line(lines: list[dict[str, Any]], message: str) -> dict[str, Any]:
    (found,) = [line for line in lines if line["message"] == message]
    return found


def test_every_line_is_json_with_level_and_time(json_lines: list[dict[str, Any]]) -> None:
    assert all(line["level"] and line["timestamp"].endswith("Z") for line in json_lines)
    assert json_lines[-1]["message"] == "last"


def test_secret_fields_are_redacted(json_lines: list[dict[str, Any]]) -> None:
    signed_in = line(json_lines, "signed_in")
    assert signed_in["user_id"] == 7
    for name in ("password", "refresh_token", "Authorization", "jwt_secret", "cookie"):
        assert signed_in[name] == "[redacted]"
    assert line(json_lines, "bound")["api_token"] == "[redacted]"
    for each in ("inherited", "inherited_too"):
        assert line(json_lines, each)["request_id"] == "the-request"
    assert "request_id" not in line(json_lines, "unusual")


def test_secrets_of_libraries_are_redacted(json_lines: list[dict[str, Any]]) -> None:
    told = line(json_lines, "with_more")
    assert (told["password"], told["size"]) == ("[redacted]", 3)


def test_nested_secrets_are_redacted(json_lines: list[dict[str, Any]]) -> None:
    nested = line(json_lines, "nested")
    assert nested["headers"] == {"authorization": "[redacted]", "host": "here"}
    assert nested["queries"] == [{"access_token": "[redacted]"}]


def test_no_secret_is_logged(json_lines: list[dict[str, Any]], console: str) -> None:
    assert HUSH.encode() not in orjson.dumps(json_lines)
    assert HUSH not in console


def test_libraries_log_in_the_same_form(json_lines: list[dict[str, Any]]) -> None:
    assert line(json_lines, "with arguments")["level"] == "warning"
    assert line(json_lines, "library_info")["level"] == "info"


@pytest.mark.parametrize("message", ["failed", "library_failed"])
def test_traceback_has_frames_and_no_locals(json_lines: list[dict[str, Any]], message: str) -> None:
    (exception,) = line(json_lines, message)["exception"]
    assert (exception["exc_type"], exception["exc_value"]) == ("ValueError", "no such thing")
    assert exception["frames"][-1]["name"] == "fail"
    assert not any(frame.get("locals") for frame in exception["frames"])


def test_values_of_any_type_are_logged(json_lines: list[dict[str, Any]]) -> None:
    unusual = line(json_lines, "unusual")
    assert unusual["path"] == "/tmp"
    assert unusual["text"] == "line\nbreak"


def test_line_of_a_request_is_like_any_other(json_lines: list[dict[str, Any]], console: str) -> None:
    passed, direct = [line for line in json_lines if line["message"] == "request"]
    assert list(direct) == list(passed)
    assert {**direct, "timestamp": ""} == {**passed, "timestamp": ""}
    passed_line, direct_line = [line[9:] for line in console.splitlines() if "status=503" in line]
    assert passed_line == direct_line


def test_request_lines_keep_to_the_level() -> None:
    assert '"request"' not in run("json", "warning")


def test_lower_levels_are_not_logged(json_lines: list[dict[str, Any]]) -> None:
    assert "hidden" not in {line["message"] for line in json_lines}
    assert {orjson.loads(line)["message"] for line in run("json", "error").splitlines()} == {
        "failed",
        "library_failed",
    }


def test_console_shows_one_line_per_event(console: str) -> None:
    (line,) = [line for line in console.splitlines() if "signed_in" in line]
    assert "user_id=7" in line
    assert "\x1b[" not in console
    assert "ValueError: no such thing" in console


def test_malformed_request_has_no_traceback() -> None:
    record = logging.LogRecord("aiohttp.server", logging.ERROR, "", 1, "Error handling request", None, None)
    error = BadHttpMessage("Duplicate Content-Length")
    record.exc_info = (type(error), error, None)
    assert one_line_if_malformed(record)
    assert (record.levelname, record.exc_info) == ("WARNING", None)


def test_other_server_errors_keep_their_traceback() -> None:
    record = logging.LogRecord("aiohttp.server", logging.ERROR, "", 1, "Error handling request", None, None)
    error = RuntimeError("a fault of ours")
    record.exc_info = (type(error), error, None)
    assert one_line_if_malformed(record)
    assert (record.levelname, record.exc_info) == ("ERROR", (RuntimeError, error, None))


async def test_lines_are_buffered_and_errors_flush_them() -> None:
    written: list[bytes] = []
    lines = BufferedWriter(written.append)
    lines.info(b"one")
    lines.info(b"two")
    assert written == []
    lines.error(b"three")
    assert written == [b"one\ntwo\nthree\n"]
    lines.info(b"four")
    await wait_until(lambda: len(written) == 2)
    assert written[1] == b"four\n"


def test_nothing_is_buffered_without_an_event_loop() -> None:
    written: list[bytes] = []
    BufferedWriter(written.append).info(b"one")
    assert written == [b"one\n"]
