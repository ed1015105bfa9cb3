"""Jobs and queue administration, with the settings of each queue."""

from server.ids import IdGenerator
from server.models.database import Database
from server.models.jobs.expired_leases import ExpiredLeaseRepository
from server.models.jobs.failed_jobs import FailedJobRepository
from server.models.jobs.jobs import JobRepository
from server.models.jobs.leases import JobLeaseRepository
from server.models.jobs.queue_states import QueueStateRepository
from server.models.jobs.queue_statistics import QueueStatisticsRepository
from server.pubsub.job_notifier import JobNotifier
from server.services.jobs.event_jobs import Queue
from server.services.jobs.jobs import Jobs
from server.services.jobs.queue_administration import QueueAdministration
from server.services.jobs.queue_overview import QueueLimits, QueueOverview
from server.services.jobs.queue_states import QueueStates
from server.services.jobs.retry_rules import RetryRule
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
    limits = {
        queue: QueueLimits(chosen.rate_per_s, chosen.keep_completed)
        for queue, chosen in queue_settings(settings).items()
    }
    pauses = QueueStateRepository(database)
    states = QueueStates(pauses, JobRepository(database))
    overview = QueueOverview(QueueStatisticsRepository(database), states, limits, notifier.count_rejected)
    return QueueAdministration(overview, states, pauses, FailedJobRepository(database))
