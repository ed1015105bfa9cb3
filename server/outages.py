"""Outages of the services that a process depends on: logging them, and limiting the attempts during them."""

import time
from dataclasses import dataclass
from enum import StrEnum

import structlog

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

MAX_FAILURES = 3
MIN_PAUSE_S = 0.5
MAX_PAUSE_S = 10.0
RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault of a dependency: since when, in milliseconds of Unix time, and why."""

    state: str
    since_ms: int
    reason: str


class Outage:
    """State of one dependency, logged once as `<name>_unavailable` and once as `<name>_recovered`.

    All callers in a process report to the same object.
    """

    def __init__(self, name: str, *, settled_after_s: float = 1.0, **fields: str) -> None:
        """Set after how long without a failure a success ends the outage.

        The delay keeps a dependency that fails intermittently, or only for some callers, from flooding the log.
        `fields` are added to the log lines.
        """
        self._unavailable_event, self._recovered_event = f"{name}_unavailable", f"{name}_recovered"
        self._settled_after_s = settled_after_s
        self._fields = fields
        self._failures = 0
        self._began = 0.0
        self._last_failure = 0.0
        self._reason = ""

    @property
    def is_ongoing(self) -> bool:
        return self._failures > 0

    @property
    def problem(self) -> Problem | None:
        """The outage with the reason of its first failure; None without one."""
        return Problem("unavailable", _unix_ms(self._began), self._reason) if self.is_ongoing else None

    def failed(self, reason: object) -> None:
        """Record a failed call; `reason` is an exception or a text."""
        self._last_failure = time.monotonic()
        if self._failures == 0:
            self._began, self._reason = self._last_failure, _describe(reason)
            log.warning(self._unavailable_event, reason=self._reason, **self._fields)
        self._failures += 1

    def succeeded(self) -> None:
        """Record a successful call."""
        if self._failures == 0 or time.monotonic() - self._last_failure < self._settled_after_s:
            return
        duration_s = round(self._last_failure - self._began, 1)
        log.info(self._recovered_event, duration_s=duration_s, attempts=self._failures, **self._fields)
        self._failures = 0


class RetryGate:
    """Limit of one attempt per second while a dependency is unavailable; the other callers use their fallback.

    So a dependency that hangs delays one caller per second.
    """

    def __init__(self) -> None:
        self._unavailable = False
        self._retry_at = 0.0

    def may_try(self) -> bool:
        """Return whether to call the dependency now; then report `failed` or `succeeded`."""
        now = time.monotonic()
        if self._unavailable and now < self._retry_at:
            return False
        self._retry_at = now + RETRY_S
        return True

    def failed(self) -> None:
        self._unavailable, self._retry_at = True, time.monotonic() + RETRY_S

    def succeeded(self) -> None:
        self._unavailable = False


class CircuitState(StrEnum):
    """State of a circuit breaker: all calls pass, none does, or one probe does."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class CircuitBreaker:
    """Circuit breaker (M. Nygard, "Release It!", 2007), logged like an `Outage`.

    It opens after three consecutive failures of different messages. After a pause, which doubles from 0.5 s to 10 s,
    it is half-open: one caller at a time may probe. The first success closes it.
    """

    def __init__(self, name: str) -> None:
        self._unavailable_event, self._recovered_event = f"{name}_unavailable", f"{name}_recovered"
        self._failed_messages: set[str] = set()
        self._probe: int | None = None
        self._opened_at = 0.0
        self._failures = 0
        self._pause_s = 0.0
        self._next_probe_at = 0.0
        self._reason = ""

    @property
    def state(self) -> CircuitState:
        if len(self._failed_messages) < MAX_FAILURES:
            return CircuitState.CLOSED
        return CircuitState.OPEN if self._probe is None else CircuitState.HALF_OPEN

    @property
    def is_open(self) -> bool:
        """True while the dependency is considered unavailable: open or half-open."""
        return self.state is not CircuitState.CLOSED

    @property
    def problem(self) -> Problem | None:
        """Why and since when the circuit is open; None while it is closed."""
        return Problem(self.state, _unix_ms(self._opened_at), self._reason) if self.is_open else None

    def acquire(self, caller: int) -> bool:
        """Return whether a caller may use the dependency now; it calls `release` afterwards."""
        match self.state:
            case CircuitState.CLOSED:
                return True
            case CircuitState.HALF_OPEN:
                return self._probe == caller
            case CircuitState.OPEN:
                if time.monotonic() < self._next_probe_at:
                    return False
                self._probe = caller
                return True

    def release(self, caller: int) -> None:
        """End a caller's use of the dependency; does nothing for a caller that was refused."""
        if self._probe == caller:
            self._probe = None

    def failed(self, reason: object, message: str) -> None:
        """Record that the dependency failed for a message, for a reason that would fail every message."""
        self._failures += 1
        match self.state:
            case CircuitState.CLOSED:
                self._failed_messages.add(message)
                if self.is_open:
                    self._open(reason)
            case CircuitState.HALF_OPEN:
                self._pause_s = min(2 * self._pause_s, MAX_PAUSE_S)
                self._next_probe_at = time.monotonic() + self._pause_s
            case CircuitState.OPEN:
                pass  # a call that began before the circuit opened

    def succeeded(self) -> None:
        """Record a success, which closes the circuit."""
        if self.is_open:
            duration_s = round(time.monotonic() - self._opened_at, 1)
            log.info(self._recovered_event, duration_s=duration_s, attempts=self._failures)
        self._failed_messages.clear()
        self._failures = 0

    def _open(self, reason: object) -> None:
        self._opened_at = time.monotonic()
        self._pause_s = MIN_PAUSE_S
        self._next_probe_at = self._opened_at + MIN_PAUSE_S
        self._reason = _describe(reason)
        log.warning(self._unavailable_event, reason=self._reason)


def _unix_ms(monotonic_s: float) -> int:
    return round((time.time() - time.monotonic() + monotonic_s) * 1000)


def _describe(reason: object) -> str:
    if not isinstance(reason, Exception):
        return str(reason)
    text = str(reason)
    return f"{type(reason).__name__}: {text}" if text else type(reason).__name__
