"""Erasure of accounts, built from the services that delete contents and follows."""

from pathlib import Path

from server.assembly.collaborators import Collaborators
from server.assembly.resources import Resources
from server.gateways.feed_store.cached_users import CachedUsers
from server.gateways.outbox import Outbox
from server.services.discovery.search_index import SearchIndex
from server.services.erasure.accounts import ROWS_PER_BATCH, AccountErasure
from server.services.erasure.activities import ActivityErasure
from server.services.erasure.contents import ContentErasure, ContentServices
from server.services.notifications.store import NotificationStore
from server.services.people.follows import Follows


def build_erasure(
    var: Path,
    resources: Resources,
    shared: Collaborators,
    contents: ContentServices,
    follows: Follows,
    store: NotificationStore,
    index: SearchIndex,
) -> AccountErasure:
    rows, work, jobs = shared.rows, shared.unit_of_work, shared.jobs
    cached = CachedUsers(resources.feeds_redis)
    return AccountErasure(
        rows.erased_accounts,
        rows.user_rows,
        rows.former_usernames,
        rows.email_tokens,
        ContentErasure(rows.user_rows, contents, cached, index, work, jobs, ROWS_PER_BATCH),
        ActivityErasure(rows.user_rows, rows.stored_mentions, store, cached, work, jobs, ROWS_PER_BATCH),
        follows,
        cached,
        Outbox(var / "outbox"),
        work,
        jobs,
        resources.instrumentation.metrics,
        batch=ROWS_PER_BATCH,
    )
