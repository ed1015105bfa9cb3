"""Reads the epoch of the database, and begins a new one after a restore."""

import secrets

import structlog

from server.epoch import DatabaseEpoch
from server.models.jobs.installation import InstallationRepository
from server.models.notifications.inboxes import InboxRepository

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

EPOCH_BYTES = 6
# More notifications than one user can have received in the transactions that a restore loses.
SKIPPED_SEQUENCES = 1_000_000


class Epochs:
    """Keeps `current` equal to the epoch in the database. Methods raise Unavailable."""

    def __init__(
        self, installation: InstallationRepository, inboxes: InboxRepository, current: DatabaseEpoch
    ) -> None:
        self._installation = installation
        self._inboxes = inboxes
        self._current = current

    async def refresh(self) -> None:
        """Read the epoch; the first process that starts on a database creates it."""
        epoch = await self._installation.get_epoch()
        while epoch is None:
            await self._installation.insert(_new_epoch())
            epoch = await self._installation.get_epoch()
        if self._current.set(epoch):
            log.warning("database_epoch_changed", epoch=epoch)

    async def begin(self, unless_within_s: float = 0) -> None:
        """Begin a new epoch, unless the current one began within the last `unless_within_s` seconds.

        Also skips notification sequences, so that a client that resumes from one of the lost future gets a reset.
        """
        await self.refresh()
        if await self._installation.get_epoch_age_ms() < unless_within_s * 1000:
            return
        before = self._current.value
        await self._inboxes.skip_sequences(SKIPPED_SEQUENCES)
        await self._installation.replace_epoch(before, _new_epoch())
        await self.refresh()


def _new_epoch() -> str:
    return secrets.token_hex(EPOCH_BYTES)
