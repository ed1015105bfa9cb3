"""Jobs and queue administration, with the settings of each queue."""

from server.assembly.caches import FEEDS, MAIN
from server.assembly.resources import Resources
from server.clock import SystemClock
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import IdGenerator
from server.models.database import Database
from server.models.jobs.expired_leases import ExpiredLeaseRepository
from server.models.jobs.failed_jobs import FailedJobRepository
from server.models.jobs.jobs import JobRepository
from server.models.jobs.leases import JobLeaseRepository
from server.models.jobs.media_totals import MediaTotalRepository
from server.models.jobs.queue_states import QueueStateRepository
from server.models.jobs.queue_statistics import QueueStatisticsRepository
from server.models.jobs.table_sizes import TableSizeRepository
from server.pubsub.job_notifier import JobNotifier
from server.services.jobs.event_jobs import Queue
from server.services.jobs.jobs import Jobs
from server.services.jobs.queue_administration import QueueAdministration
from server.services.jobs.queue_figures import QueueFigures
from server.services.jobs.queue_overview import QueueLimits, QueueOverview
from server.services.jobs.queue_states import QueueStates
from server.services.jobs.retry_rules import RetryRule
from server.services.jobs.storage_figures import StorageFigures
from server.settings import QueueSettings, Settings


def queue_settings(settings: Settings) -> dict[Queue, QueueSettings]:
    return {
        Queue.POSTS: settings.queues.posts,
        Queue.FEED: settings.queues.feed,
        Queue.NOTIFICATIONS: settings.queues.notifications,
        Queue.PUSH: settings.queues.push,
        Queue.EMAIL: settings.queues.email,
        Queue.MEDIA: settings.queues.media,
        Queue.RENDITIONS: settings.queues.renditions,
        Queue.SEARCH: settings.queues.search,
        Queue.EXPORTS: settings.queues.exports,
        Queue.MAINTENANCE: settings.queues.maintenance,
    }


def build_jobs(settings: Settings, database: Database, ids: IdGenerator) -> Jobs:
    queues = settings.queues
    rules = {
        queue: RetryRule(
            chosen.max_attempts, chosen.backoff_ms, queues.backoff_cap_ms, round(chosen.retry_for_s * 1000)
        )
        for queue, chosen in queue_settings(settings).items()
    }
    return Jobs(
        JobRepository(database),
        JobLeaseRepository(database, queues.lease_ms),
        ExpiredLeaseRepository(database),
        ids,
        rules,
        queues.max_crashes,
    )


def build_queue_administration(
    settings: Settings, database: Database, notifier: JobNotifier
) -> QueueAdministration:
    """Build the administration for commands, which counts the jobs at each call."""
    overview, states = _overview(settings, database, notifier)
    return QueueAdministration(
        overview, states, QueueStateRepository(database), FailedJobRepository(database)
    )


def build_shared_queue_administration(
    settings: Settings, database: Database, notifier: JobNotifier, redis: PipelinedRedis
) -> tuple[QueueAdministration, QueueFigures]:
    """Build the administration for servers, whose processes count the jobs once for all of them."""
    overview, states = _overview(settings, database, notifier)
    figures = QueueFigures(overview, states, redis, SystemClock(), settings.queues.figures_every_s)
    queues = QueueAdministration(
        figures, states, QueueStateRepository(database), FailedJobRepository(database)
    )
    return queues, figures


def _overview(
    settings: Settings, database: Database, notifier: JobNotifier
) -> tuple[QueueOverview, QueueStates]:
    limits = {
        queue: QueueLimits(chosen.rate_per_s, chosen.keep_completed)
        for queue, chosen in queue_settings(settings).items()
    }
    states = QueueStates(QueueStateRepository(database), JobRepository(database))
    return QueueOverview(QueueStatisticsRepository(database), states, limits, notifier.count_rejected), states


def build_storage_figures(resources: Resources) -> StorageFigures:
    main, feeds = resources.pipelined_redis, resources.feeds_redis
    return StorageFigures(
        TableSizeRepository(resources.database),
        MediaTotalRepository(resources.database),
        main,
        {MAIN: main} if feeds is main else {MAIN: main, FEEDS: feeds},
        SystemClock(),
    )
