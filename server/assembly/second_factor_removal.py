"""Removal of second factors by the operator, without a running server."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from server.assembly.claims import data_folder
from server.assembly.collaborators import email_token_ttl_s
from server.assembly.database import existing_database
from server.assembly.jobs import build_jobs
from server.assembly.redis import queue_brokers, redis_url
from server.assembly.repositories import Repositories
from server.assembly.resources import Instrumentation
from server.clock import SystemClock
from server.models.jobs.nodes import NodeRepository
from server.pubsub.job_notifier import JobNotifier
from server.services.accounts.authentication.second_factor_removal import SecondFactorRemoval
from server.services.accounts.email_tokens import EmailTokens
from server.services.accounts.second_factor_changes import SecondFactorChanges
from server.services.jobs.nodes import NodeLease
from server.services.jobs.unit_of_work import UnitOfWork
from server.settings import Settings


@asynccontextmanager
async def open_second_factor_removal(settings: Settings) -> AsyncGenerator[SecondFactorRemoval]:
    """Open the database; Redis is optional. Ids are created under a node number that is leased in the meantime."""
    var, clock = data_folder(settings), SystemClock()
    async with (
        queue_brokers(settings, redis_url(settings, var), Instrumentation()) as brokers,
        existing_database(settings, var) as database,
    ):
        lease, rows = NodeLease(NodeRepository(database), clock), Repositories(database)
        ids = await lease.acquire()
        jobs = build_jobs(settings, database, ids)
        secret = settings.auth.jwt_refresh_secret.get_secret_value().encode()
        tokens = EmailTokens(rows.email_tokens, email_token_ttl_s(settings), secret)
        try:
            yield SecondFactorRemoval(
                rows.second_factors,
                rows.recovery_codes,
                rows.logins,
                rows.users,
                SecondFactorChanges(rows.users, tokens),
                UnitOfWork(database, ids, clock, jobs, JobNotifier(brokers).notify),
            )
        finally:
            await lease.release(ids)
