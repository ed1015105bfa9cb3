"""Times at which digests are due: users are spread over an hour, or over some hours of the day."""

import hashlib
from dataclasses import dataclass

from server.ids import UserId
from server.models.notifications.digests import EmailFrequency

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class DigestTimes:
    """Daily digests are due from `from_hour` until before `until_hour`, in UTC; hourly ones at any minute.

    `until_hour` may be on the next day; equal hours mean the whole day.
    """

    from_hour: int
    until_hour: int

    def next_ms(self, frequency: EmailFrequency, user_id: UserId, now_ms: int) -> int:
        """Return the user's first time after `now_ms`, or `now_ms` if e-mails are not to wait.

        It depends on the user's id alone, so that the load is even and the time is the same every day.
        """
        if frequency is EmailFrequency.HOURLY:
            return _next(now_ms, HOUR_MS, _spread(user_id, HOUR_MS))
        if frequency is EmailFrequency.DAILY:
            span_ms = ((self.until_hour - self.from_hour) % 24 or 24) * HOUR_MS
            return _next(now_ms, DAY_MS, self.from_hour * HOUR_MS + _spread(user_id, span_ms))
        return now_ms


def _next(now_ms: int, period_ms: int, offset_ms: int) -> int:
    """Return the first time after `now_ms` that is `offset_ms` after a multiple of the period."""
    return now_ms + period_ms - (now_ms - offset_ms) % period_ms


def _spread(user_id: UserId, span_ms: int) -> int:
    digest = hashlib.blake2b(user_id.to_bytes(8), digest_size=8).digest()
    return int.from_bytes(digest) % span_ms
