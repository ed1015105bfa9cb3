"""Keeps what Redis remembers in step with the database: what a change makes stale is announced before, and told after.

A process that dies between its commit and what it would have told Redis leaves the announcement; a while later somebody
sweeps it, and what it names is read from the database again. So a cache is wrong for ten seconds at most, whatever is
killed, and costs a page no look at the database.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from server.errors import Unavailable
from server.gateways import timeline_scripts as scripts
from server.gateways.redis_wire import Call, RedisWire
from server.gateways.timelines import COUNTS, PEOPLE, TOUCHED

# Longer than a transaction with all its tries may take; a sweep that comes too early would still be mended by its end.
UNTOLD_AFTER_MS = 10_000
TTL_S = 40 * 86_400  # longer than anything is kept that an announcement could be about
MOST_OWED = 100_000

Kind = Literal["post", "person", "feed", "likes"]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is about to change: a post's counters or text, a person's card, a person's feed, what a person likes."""

    kind: Kind
    id: int


class Touches:
    """The changes of this process that are under way."""

    def __init__(self, wire: RedisWire) -> None:
        self._wire = wire
        self._owed: set[Subject] = set()

    async def announce(self, subjects: Sequence[Subject]) -> list[str]:
        """To be called before the transaction; what to `settle` after it. Redis being away stops nobody."""
        nonce = secrets.token_hex(6)
        members = [f"{subject.kind}:{subject.id}:{nonce}" for subject in subjects]
        try:
            await self._wire.run(scripts.TOUCH, (TOUCHED,), (TTL_S, *members))
        except Unavailable:
            return []
        return members

    async def settle(self, members: Sequence[str], subjects: Sequence[Subject], told: Sequence[Call]) -> None:
        """The transaction is over: tell Redis what came of it. What it cannot be told now is dropped there later."""
        settling = (Call(scripts.SETTLE, (TOUCHED,), members),) if members else ()
        try:
            await self._wire.batch((*told, *settling))
        except Unavailable:
            if len(self._owed) < MOST_OWED:
                self._owed.update(subjects)

    async def drop(self, members: Sequence[str], subjects: Sequence[Subject]) -> None:
        """The change is made, and nobody says what came of it: what it made stale is dropped at once."""
        self._owed.update(subjects)
        try:
            await self.settle(members, (), ())
            await self.sweep()
        except Unavailable:
            return  # the announcement, if there is one, is swept by whoever is there then

    async def sweep(self) -> int:
        """Drop what changes made stale that nobody told of; how many changes. Raises Unavailable."""
        owed = list(self._owed)[:500]
        members = [f"{subject.kind}:{subject.id}" for subject in owed]
        keys = (TOUCHED, COUNTS, PEOPLE)
        swept: int = await self._wire.run(scripts.SWEEP, keys, (UNTOLD_AFTER_MS, *members))
        self._owed.difference_update(owed)
        return swept
