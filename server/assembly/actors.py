"""Background tasks: workers with their handlers, dispatcher, relay, health monitor, cache invalidation."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import structlog

from server.actors.admission_gate import AdmissionGate
from server.actors.dispatcher import Dispatcher
from server.actors.health_monitor import HealthMonitor
from server.actors.relay import Relay
from server.actors.revocation_poller import RevocationPoller
from server.actors.supervisor import Supervisor
from server.actors.worker import Handler, Worker
from server.assembly.database import open_epochs
from server.assembly.jobs import queue_settings
from server.assembly.maintenance import maintenance_handlers, schedules
from server.assembly.resources import Resources
from server.assembly.services import Services
from server.clock import SystemClock
from server.errors import Unavailable
from server.gateways.redis.job_rate import JobRateLimiter
from server.ids import id_timestamp_ms
from server.metrics import Metrics
from server.pubsub.broker import QueueBroker
from server.pubsub.hub import Hub
from server.pubsub.leader_lease import LeaderLease
from server.pubsub.receiver import QueueReceiver
from server.services.feed.cache_invalidation import CacheInvalidation
from server.services.jobs.claims import Claim
from server.services.jobs.event_jobs import JobKind, Queue
from server.services.jobs.jobs import Jobs
from server.settings import QueueSettings, Settings

log = structlog.get_logger(__name__)

# The notification channel that fails when a job of this kind is dead-lettered.
CHANNELS: Mapping[str, str] = {
    JobKind.NOTIFY_LIKE: "in_app",
    JobKind.NOTIFY_FOLLOW: "in_app",
    JobKind.NOTIFY_COMMENT: "in_app",
    JobKind.NOTIFY_MENTIONED: "in_app",
    JobKind.NOTIFY_TAGGED: "in_app",
    JobKind.NOTIFY_MODERATED: "in_app",
    JobKind.NOTIFY_REPORTERS: "in_app",
    JobKind.PUSH: "push",
    JobKind.EMAIL: "email",
    JobKind.EMAIL_DIGEST: "email",
}


@asynccontextmanager
async def running_workers(
    settings: Settings,
    resources: Resources,
    services: Services,
    jobs: Jobs,
    brokers: Mapping[str, QueueBroker],
    supervisor: Supervisor,
    on_cut_off: Callable[[], None],
) -> AsyncGenerator[Callable[[], None]]:
    """Run a worker per queue and the dispatcher. Yields a function that starts to drain the workers.

    Drained workers start no more jobs; running ones get `shutdown.jobs_s`, which the end of the context waits for.
    `on_cut_off` is called if some went back to their queue. Those that encode AVIFs go back at once, which is no error.
    """
    workers = _workers(settings, resources, services, jobs, brokers)
    running = [supervisor.start(f"{queue} worker", worker.run) for queue, worker in workers.items()]
    drains: list[asyncio.Task[int]] = []

    def drain() -> None:
        if not drains:
            # They take long on a busy host, and can be repeated.
            resources.images.abandon_background()
            drains.extend(asyncio.create_task(worker.drain()) for worker in workers.values())

    try:
        async with (
            supervisor.running("dispatcher", _dispatcher(settings, resources, services, jobs).run),
            supervisor.running("queue figures", services.queue_figures.run),
        ):
            yield drain
        drain()
        cut_off = sum(await asyncio.gather(*drains))
    finally:
        for task in drains:
            task.cancel()
        await supervisor.stop(*running)
    if cut_off:
        on_cut_off()
        log.error("jobs_returned_to_queue", jobs=cut_off)


@asynccontextmanager
async def running_cache_invalidation(
    invalidation: CacheInvalidation, supervisor: Supervisor
) -> AsyncGenerator[None]:
    """Expire cache entries that crashed processes left, once more at the end."""
    async with supervisor.running("cache invalidation", invalidation.run):
        yield
    with suppress(Unavailable):
        await invalidation.expire()


def relay(resources: Resources, services: Services, hub: Hub) -> Relay:
    resources.instrumentation.metrics.watch_sse_connections(lambda: hub.stream_count)
    return Relay(
        hub,
        resources.redis,
        services.notifications.list_last_sequences,
        redis_outage=resources.instrumentation.redis,
        database_outage=resources.instrumentation.database,
    )


def revocation_poller(resources: Resources, services: Services, hub: Hub) -> RevocationPoller:
    return RevocationPoller(hub, services.revocations.list_recent, outage=resources.instrumentation.database)


def health_monitor(resources: Resources) -> HealthMonitor:
    """Monitor the dependencies. Reading the epoch shows that the database answers, and notices a restore."""
    return HealthMonitor(
        {
            "database": open_epochs(resources.database, resources.epoch).refresh,
            "redis": resources.cache_guard.check,
        },
        {"database": resources.instrumentation.database, "redis": resources.instrumentation.redis},
        resources.instrumentation.metrics,
    )


def _workers(
    settings: Settings,
    resources: Resources,
    services: Services,
    jobs: Jobs,
    brokers: Mapping[str, QueueBroker],
) -> dict[Queue, Worker]:
    instrumentation = resources.instrumentation
    handlers = _handlers(settings, resources, services, jobs)
    # Only for queues whose jobs all depend on the same remote service.
    circuits = {Queue.PUSH: instrumentation.fcm, Queue.EMAIL: instrumentation.smtp}

    def worker(queue: Queue, chosen: QueueSettings) -> Worker:
        rate = chosen.rate_per_s
        limiter = JobRateLimiter(resources.pipelined_redis, f"queue:{queue}", rate) if rate else None

        def receiver(run_job: Callable[[int], Awaitable[None]]) -> QueueReceiver:
            return QueueReceiver(brokers[queue], run_job, chosen.concurrency, settings.shutdown.jobs_s)

        return Worker(
            queue,
            jobs,
            handlers,
            receiver,
            settings.queues.heartbeat_ms / 1000,
            gate=AdmissionGate(queue, services.queues.states, limiter, circuits.get(queue)),
            metrics=instrumentation.metrics,
            channels=CHANNELS,
            tracer=instrumentation.tracer,
        )

    return {queue: worker(queue, chosen) for queue, chosen in queue_settings(settings).items()}


def _dispatcher(settings: Settings, resources: Resources, services: Services, jobs: Jobs) -> Dispatcher:
    queues = settings.queues
    return Dispatcher(
        jobs,
        resources.job_notifier,
        poll_s=queues.poll_ms / 1000,
        lease_s=queues.lease_ms / 1000,
        states=services.queues.states,
        schedules=schedules(settings, resources, jobs),
        leader=LeaderLease(resources.redis, "dispatcher", ttl_ms=3 * queues.poll_ms),
        database=resources.instrumentation.database,
    )


def _handlers(
    settings: Settings, resources: Resources, services: Services, jobs: Jobs
) -> Mapping[str, Handler]:
    return {
        JobKind.PUBLISH_POST: services.draft_publication.publish_due,
        JobKind.FAN_OUT: _measured_fan_out(services.fan_out.publish, resources.instrumentation.metrics),
        JobKind.WITHDRAW: services.fan_out.withdraw,
        JobKind.RESTORE_POST: services.fan_out.publish,
        JobKind.RESTORE_AUTHOR: services.fan_out.restore_author,
        JobKind.UPDATE_TAG_LISTS: services.tag_lists.update,
        JobKind.NOTIFY_LIKE: services.notification_jobs.handle_like,
        JobKind.NOTIFY_COMMENT: services.notification_jobs.handle_comment,
        JobKind.NOTIFY_COMMENT_LIKE: services.notification_jobs.handle_comment_like,
        JobKind.NOTIFY_COMMENT_EDITED: services.notification_jobs.handle_comment_edited,
        JobKind.NOTIFY_FOLLOW: services.follow_notification_jobs.handle_follow,
        JobKind.NOTIFY_FOLLOW_REQUEST: services.follow_notification_jobs.handle_follow_request,
        JobKind.NOTIFY_FOLLOW_ACCEPTED: services.follow_notification_jobs.handle_follow_accepted,
        JobKind.NOTIFY_MODERATED: services.moderation_notification_jobs.handle_moderated,
        JobKind.REPORT_MATCHED: services.matched_reports.report,
        JobKind.NOTIFY_REPORTERS: services.moderation_notification_jobs.handle_reporters,
        JobKind.RETRACT_BLOCKED: services.follow_notification_jobs.retract_blocked,
        JobKind.ACCEPT_FOLLOW_REQUESTS: services.follow_requests.accept_all,
        JobKind.NOTIFY_MENTIONED: services.notification_jobs.handle_mentions,
        JobKind.NOTIFY_TAGGED: services.notification_jobs.handle_tags,
        JobKind.RETRACT_COMMENTS: services.notification_jobs.retract_comments,
        JobKind.PUSH: services.pushes.send,
        JobKind.PUSH_BADGE: services.badge_pushes.send,
        JobKind.EMAIL: services.notification_emails.send,
        JobKind.EMAIL_DIGEST: services.digest_emails.send,
        JobKind.FIND_DUE_DIGESTS: services.digests.enqueue_due,
        JobKind.PROCESS_UPLOAD: services.media_processing.process,
        JobKind.ENCODE_AVIF: services.avif_renditions.encode,
        JobKind.INDEX_USER: services.discovery.jobs.index_user,
        JobKind.INDEX_POST: services.discovery.jobs.index_post,
        JobKind.REMOVE_POST: services.deletions.remove_post,
        JobKind.REMOVE_PICTURE: services.deletions.remove_picture,
        JobKind.REMOVE_BLOCKED_TAGS: services.tags.remove_between,
        JobKind.REMOVE_AVATAR: services.deletions.remove_avatar,
        JobKind.CREATE_EXPORT: services.export_jobs.create,
        JobKind.ERASE_ACCOUNT: services.account_erasure.erase,
        JobKind.PROPAGATE_REVOCATIONS: services.revocations.propagate_job,
        JobKind.EMAIL_VERIFICATION: services.account_emails.send_verification,
        JobKind.EMAIL_RESET_LINK: services.account_emails.send_reset,
        JobKind.EMAIL_CREDENTIALS_CHANGED: services.account_emails.send_password_changed,
        JobKind.EMAIL_ADDRESS_CHANGED: services.account_emails.send_address_changed,
        JobKind.EMAIL_NEW_SIGN_IN: services.security_alerts.send_new_sign_in,
        JobKind.EMAIL_SIGN_INS_FAILED: services.security_alerts.send_sign_ins_failed,
        JobKind.EMAIL_SECOND_FACTOR_CHANGED: services.security_alerts.send_second_factor_changed,
        JobKind.EMAIL_SIGN_IN_METHOD_CHANGED: services.passwordless.alerts.send,
        JobKind.EMAIL_SECOND_FACTOR_FAILED: services.security_alerts.send_second_factor_failed,
        JobKind.EMAIL_DELETION_REQUESTED: services.account_emails.send_deletion_requested,
        JobKind.EMAIL_DELETION_CANCELLED: services.account_emails.send_deletion_cancelled,
        JobKind.EMAIL_MODERATED: services.decision_emails.send,
        JobKind.EMAIL_EXPORT_READY: services.export_emails.send_ready,
        **maintenance_handlers(settings, resources, services, jobs),
    }


def _measured_fan_out(fan_out: Handler, metrics: Metrics) -> Handler:
    """Measure each fan-out, and the time since the publication when its last follower is reached."""
    clock = SystemClock()

    async def measured(claim: Claim) -> None:
        began_ms = clock.now_ms()
        await fan_out(claim)
        now_ms = clock.now_ms()
        age_ms = now_ms - max(claim.created_at_ms, id_timestamp_ms(claim.payload["post_id"]))
        metrics.observe_fan_out((now_ms - began_ms) / 1000, age_ms / 1000)

    return measured
