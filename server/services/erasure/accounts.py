"""Erasure of accounts whose deletion is final: one job per account deletes everything, the user's row last.

The first transaction clears the name, the addresses and the password, so that no sign-in succeeds; the name becomes a
former username. The row with the id stays until nothing names it, so that an interrupted job finds what is left.
"""

from functools import partial

import structlog

from server.events import AccountErasureStarted, AvatarReplaced, CacheKey, PersonChanged
from server.gateways.feed_store.cached_users import CachedUsers
from server.gateways.outbox import Outbox
from server.ids import UserId
from server.metrics import Metrics
from server.models.accounts.email_tokens import EmailTokenPurpose, EmailTokenRepository
from server.models.accounts.former_usernames import FormerUsernameRepository
from server.models.erasure.erased_accounts import ErasedAccountRepository
from server.models.erasure.user_rows import PLAIN_COLUMNS, SERVED_COLUMNS, UserRowRepository
from server.services.accounts.usernames import FORMER_USERNAME_MS
from server.services.erasure.activities import ActivityErasure
from server.services.erasure.contents import ContentErasure
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.people.follows import Follows

log = structlog.get_logger(__name__)

ROWS_PER_BATCH = 100
ACCOUNTS_PER_QUERY = 100
# A job that failed for good is inserted again after this time.
RETRY_AFTER_MS = 86_400_000


class AccountErasure:
    """Handlers of the job that finds due accounts, and of the one that erases an account."""

    def __init__(  # noqa: PLR0913 - collaborators
        self,
        accounts: ErasedAccountRepository,
        rows: UserRowRepository,
        former_usernames: FormerUsernameRepository,
        email_tokens: EmailTokenRepository,
        contents: ContentErasure,
        activities: ActivityErasure,
        follows: Follows,
        cached: CachedUsers,
        outbox: Outbox,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        metrics: Metrics,
        *,
        batch: int = ROWS_PER_BATCH,
    ) -> None:
        """`batch`: the maximum number of rows that one statement deletes."""
        self._accounts = accounts
        self._rows = rows
        self._former_usernames = former_usernames
        self._email_tokens = email_tokens
        self._contents = contents
        self._activities = activities
        self._follows = follows
        self._cached = cached
        self._outbox = outbox
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._metrics = metrics
        self._batch = batch

    async def start_due(self, claim: Claim) -> None:
        """Insert a job for each account whose deletion is final.

        Idempotent: the transaction that inserts the job makes the account due a day later.
        """
        while user_ids := await self._accounts.list_due(ACCOUNTS_PER_QUERY):
            for user_id in user_ids:
                # Before the transaction, which clears the addresses.
                await self._outbox.erase(user_id, await self._accounts.list_addresses(user_id))
                await self._unit_of_work.run(
                    partial(self._start, user_id), changes=(CacheKey("person", user_id),)
                )
            await self._jobs.save_progress(claim, {})
        await self._jobs.complete(claim)

    async def erase(self, claim: Claim) -> None:
        """Erase an account. Idempotent: each step deletes what is left, until nothing names the user."""
        user_id = UserId(claim.payload["user_id"])
        if not await self._accounts.is_cleared(user_id):
            await self._jobs.finish(claim)
            return
        erased = False
        while not erased:
            await self._contents.erase(claim, user_id)
            while await self._follows.erase_some(user_id):
                await self._jobs.save_progress(claim, {"erasing": "follows"})
            await self._activities.erase_notifications(claim, user_id)
            await self._erase_rows(claim, user_id)
            await self._activities.erase_mentions(claim, user_id)
            await self._cached.drop(user_id)
            await self._outbox.erase(user_id, ())
            erased = await self._unit_of_work.run(partial(self._delete, user_id))
        self._metrics.count_erased_account()
        log.info("account_erased", user_id=user_id)
        await self._jobs.finish(claim)

    async def _start(self, user_id: UserId, work: WorkContext) -> None:
        due = await self._accounts.lock_due(user_id)
        if due is None:
            return
        await self._accounts.set_next_attempt(user_id, due.now_ms + RETRY_AFTER_MS)
        if not await self._accounts.is_cleared(user_id):
            await self._accounts.clear(user_id, due)
            await self._email_tokens.delete_by_user(user_id, tuple(EmailTokenPurpose))
            await self._former_usernames.reserve(work.new_id(), due.username_key, user_id, FORMER_USERNAME_MS)
            work.emit(PersonChanged(user_id, due.revision + 1, hidden=True))
            if due.avatar_key:
                work.emit(AvatarReplaced(user_id, due.avatar_key))
        work.emit(AccountErasureStarted(user_id))

    async def _erase_rows(self, claim: Claim, user_id: UserId) -> None:
        for column in PLAIN_COLUMNS:
            while ids := await self._rows.list_ids(column, user_id, self._batch):
                await self._rows.delete(column, ids)
                await self._jobs.save_progress(claim, {"erasing": column.table})
        await self._rows.release_claims(user_id)
        while ids := await self._rows.list_finished_jobs(user_id, self._batch):
            await self._rows.delete_jobs(ids)
            await self._jobs.save_progress(claim, {"erasing": "jobs"})

    async def _delete(self, user_id: UserId, _: WorkContext) -> bool:
        """Delete the row unless rows still need it: a foreign key would delete them without correcting counters."""
        await self._accounts.lock(user_id)
        if await self._rows.find_remaining(user_id, SERVED_COLUMNS):
            return False
        await self._accounts.delete(user_id)
        return True
