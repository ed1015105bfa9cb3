"""Structured logs: readable lines in a terminal, JSON elsewhere; nothing secret in either."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import orjson
import structlog

SECRET_FIELD = re.compile(r"password|secret|token|authorization|cookie|ticket|private_key", re.IGNORECASE)
NOISY_LIBRARIES = ("taskiq", "tortoise", "asyncmy", "aiosqlite", "PIL", "aiohttp.access", "google", "asyncio")


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blank every field whose name says that it holds a secret."""
    for name in event:
        if SECRET_FIELD.search(name):
            event[name] = "[redacted]"
    return event


def configure(level: str, form: Literal["auto", "console", "json"]) -> None:
    """Send the program's and the libraries' logs to standard output, in the one form."""
    console = form == "console" or (form == "auto" and sys.stdout.isatty())
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
    handler = logging.StreamHandler(sys.stdout)
    final = renderer if console else [*renderer[:-1], structlog.processors.JSONRenderer(serializer=_dumps)]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in NOISY_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


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
        structlog.processors.JSONRenderer(serializer=orjson.dumps, default=str),
    ]


def _dumps(value: Any, **options: Any) -> str:
    return orjson.dumps(value, default=options.get("default", str)).decode()
