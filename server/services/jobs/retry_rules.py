"""Backoff and limits for retries of failed jobs."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryRule:
    """Exponential backoff with full jitter: a delay below `backoff_ms` * 2^(attempt - 1), at most `cap_ms`.

    A job fails for good after `max_attempts`, or once it is `for_ms` old; 0 sets no age limit.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    max_attempts: int
    backoff_ms: int
    cap_ms: int
    for_ms: int = 0

    def is_last(self, attempts: int, age_ms: int) -> bool:
        """Return whether a job of this age that failed `attempts` times is not tried again."""
        return attempts >= self.max_attempts or 0 < self.for_ms <= age_ms

    def delay_ms(self, attempts: int) -> int:
        """Return the wait after attempt number `attempts`, counted from 1."""
        ceiling = min(self.cap_ms, self.backoff_ms * 2 ** min(attempts - 1, 30))
        return random.randint(0, ceiling)
