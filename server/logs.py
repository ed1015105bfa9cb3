"""Structured logs: readable lines in a terminal, JSON elsewhere; nothing secret in either."""

import asyncio
import atexit
import io
import json
import logging
import re
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Literal, TextIO, cast

import orjson
from aiohttp.http_exceptions import BadHttpMessage

# structlog imports rich for its tracebacks wherever it finds it: 0.3 s of every start, for tracebacks that are
# printed plainly here. Hidden while structlog is imported for the first time.
if "rich" not in sys.modules:
    sys.modules["rich"] = None  # pyright: ignore[reportArgumentType]
    import structlog

    del sys.modules["rich"]
else:
    import structlog

FLUSH_INTERVAL_S = 0.01
LEVELS = {"exception": "error", "warn": "warning"}  # methods that are named otherwise than their level
SECRET_FIELD = re.compile(r"password|secret|token|authorization|cookie|ticket|private_key", re.IGNORECASE)
PLAIN = frozenset({str, int, float, bool, type(None)})
NOISY_LIBRARIES = ("taskiq", "tortoise", "asyncmy", "aiosqlite", "PIL", "aiohttp.access", "google", "asyncio")


# Of the request that is being answered. A variable for each field, as structlog has them, costs ten times as much.
CURRENT_REQUEST: ContextVar[str] = ContextVar("request_id", default="")


def _with_request(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if request_id := CURRENT_REQUEST.get():
        event.setdefault("request_id", request_id)
    return event


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank every field whose name says that it holds a secret, within other fields too."""
    for name, value in event.items():
        if _is_secret(name):
            event[name] = "[redacted]"
        elif value.__class__ not in PLAIN and isinstance(value, Mapping | list):
            event[name] = _redacted(value)
    return event


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return SECRET_FIELD.search(name) is not None


def _redacted(value: Any) -> Any:
    if isinstance(value, Mapping):
        fields = cast("Mapping[Any, Any]", value)
        return {
            name: "[redacted]" if _is_secret(str(name)) else _redacted(inner)
            for name, inner in fields.items()
        }
    if isinstance(value, list):
        return [_redacted(inner) for inner in cast("list[Any]", value)]
    return value


def _stamp(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """As structlog's own stamper, which formats by way of several calls."""
    event["timestamp"] = _timestamp()
    return event


def _timestamp() -> str:
    second, rest_ns = divmod(time.time_ns(), 1_000_000_000)
    return f"{_second(second)}.{rest_ns // 1000:06d}Z"


@lru_cache(maxsize=2)
def _second(since_1970: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since_1970))


def configure(level: str, form: Literal["auto", "console", "json"]) -> None:
    """Send the program's and the libraries' logs to standard output, in the one form."""
    console = form == "console" or (form == "auto" and sys.stdout.isatty())
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(
            errors="backslashreplace"
        )  # a lone surrogate in a value must not fail a request
    lines = BufferedWriter(_write_out)
    atexit.register(lines.flush)
    shared: list[structlog.types.Processor] = [
        _with_request,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S.%f", utc=False) if console else _stamp,
        redact,
    ]
    renderer = _console_renderer() if console else _json_renderer()
    structlog.configure(
        processors=[*shared, *renderer] if console else [_json_line],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory() if console else lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler[TextIO](sys.stdout)
    final = renderer if console else [*renderer[:-1], structlog.processors.JSONRenderer(serializer=_text)]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in NOISY_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("aiohttp.server").addFilter(one_line_if_malformed)


def one_line_if_malformed(record: logging.LogRecord) -> bool:
    """Take the traceback off a request that was no HTTP: aiohttp gives each one, and anybody can send thousands."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, BadHttpMessage):
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = None
    return True


class BufferedWriter:
    """Writes lines to `write`: those that tell of trouble at once, the others within 10 ms, all in their order.

    A write for each line was a quarter of what a request cost. Outside of an event loop nothing is held back.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._held: list[bytes] = []

    def msg(self, message: bytes) -> None:
        self._held.append(message)
        if len(self._held) > 1:
            return  # the flush is due already
        try:
            asyncio.get_running_loop().call_later(FLUSH_INTERVAL_S, self.flush)
        except RuntimeError:
            self.flush()

    def at_once(self, message: bytes) -> None:
        self._held.append(message)
        self.flush()

    def flush(self) -> None:
        held, self._held = self._held, []
        if held:
            self._write(b"\n".join([*held, b""]))

    debug = info = log = msg
    warning = warn = error = err = critical = fatal = failure = exception = at_once


def _write_out(lines: bytes) -> None:
    sys.stdout.buffer.write(lines)
    sys.stdout.buffer.flush()


def _console_renderer() -> list[structlog.types.Processor]:
    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=32
        )
    ]


def _json_renderer() -> list[structlog.types.Processor]:
    return [
        _explain,
        structlog.processors.EventRenamer("message"),
        structlog.processors.JSONRenderer(serializer=_line),
    ]


_explain = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


def _json_line(logger: Any, level: str, event: MutableMapping[str, Any]) -> bytes:
    """What the processors for JSON do one after the other, in one, for half the price: there is a line a request."""
    if "exc_info" in event:
        event = cast("dict[str, Any]", _explain(logger, level, event))
    _with_request(logger, level, event)
    event["level"] = LEVELS.get(level, level)
    event["timestamp"] = _timestamp()
    event = redact(logger, level, event)
    event["message"] = event.pop("event")
    return _line(event)


def _line(value: Any, **_: Any) -> bytes:
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a lone surrogate, a number over 64 bits: rare, and the standard library bears them
        return json.dumps(value, default=str, ensure_ascii=False).encode(errors="replace")


def _text(value: Any, **_: Any) -> str:
    return _line(value).decode()
