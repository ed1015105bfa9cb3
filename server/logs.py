"""Structured logs: readable lines in a terminal, JSON elsewhere; nothing secret in either."""

import io
import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
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

SECRET_FIELD = re.compile(r"password|secret|token|authorization|cookie|ticket|private_key", re.IGNORECASE)
NOISY_LIBRARIES = ("taskiq", "tortoise", "asyncmy", "aiosqlite", "PIL", "aiohttp.access", "google", "asyncio")


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank every field whose name says that it holds a secret, within other fields too."""
    for name, value in event.items():
        event[name] = "[redacted]" if SECRET_FIELD.search(name) else _redacted(value)
    return event


def _redacted(value: Any) -> Any:
    if isinstance(value, Mapping):
        fields = cast("Mapping[Any, Any]", value)
        return {
            name: "[redacted]" if SECRET_FIELD.search(str(name)) else _redacted(inner)
            for name, inner in fields.items()
        }
    if isinstance(value, list):
        return [_redacted(inner) for inner in cast("list[Any]", value)]
    return value


def configure(level: str, form: Literal["auto", "console", "json"]) -> None:
    """Send the program's and the libraries' logs to standard output, in the one form."""
    console = form == "console" or (form == "auto" and sys.stdout.isatty())
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(
            errors="backslashreplace"
        )  # a lone surrogate in a value must not fail a request
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S.%f" if console else "iso", utc=not console),
        redact,
    ]
    renderer = _console_renderer() if console else _json_renderer()
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory() if console else structlog.BytesLoggerFactory(),
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


def _console_renderer() -> list[structlog.types.Processor]:
    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=32
        )
    ]


def _json_renderer() -> list[structlog.types.Processor]:
    return [
        structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        ),
        structlog.processors.EventRenamer("message"),
        structlog.processors.JSONRenderer(serializer=_line),
    ]


def _line(value: Any, **_: Any) -> bytes:
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a lone surrogate, a number over 64 bits: rare, and the standard library bears them
        return json.dumps(value, default=str, ensure_ascii=False).encode(errors="replace")


def _text(value: Any, **_: Any) -> str:
    return _line(value).decode()
