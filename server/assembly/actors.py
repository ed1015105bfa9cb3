"""What works in the background: workers with their handlers, dispatcher, relay, watch. None of it runs yet."""

from collections.abc import Awaitable, Callable, Mapping

from server.actors.admission_gate import AdmissionGate
from server.actors.dispatcher import Dispatcher
from server.actors.health_monitor import HealthMonitor
from server.actors.relay import Relay
from server.actors.revocation_poller import RevocationPoller
from server.actors.worker import Handler, Worker
from server.app import Services
from server.assembly.resources import Resources
from server.assembly.services import queue_settings
from server.clock import SystemClock
from server.gateways.redis.job_rate import JobRateLimiter
from server.ids import id_timestamp_ms
from server.metrics import Metrics
from server.pubsub.broker import QueueBroker
from server.pubsub.hub import Hub
from server.pubsub.leader_lease import LeaderLease
from server.pubsub.receiver import QueueReceiver
from server.services.jobs.event_jobs import JobKind, Queue
from server.services.jobs.jobs import Claim, Jobs
from server.services.jobs.maintenance import Kept, Lifetimes, Maintenance
from server.services.jobs.schedules import Recurring, Schedules
from server.settings import QueueSettings, Settings

# By which way nobody is told when a job of this kind is given up.
CHANNELS: Mapping[str, str] = {
    JobKind.NOTIFY_LIKE: "in_app",
    JobKind.NOTIFY_FOLLOW: "in_app",
    JobKind.NOTIFY_COMMENT: "in_app",
    JobKind.NOTIFY_MENTIONED: "in_app",
    JobKind.PUSH: "push",
    JobKind.EMAIL: "email",
}


def workers(
    settings: Settings, on: Resources, nouns: Services, the_jobs: Jobs, by_queue: Mapping[str, QueueBroker]
) -> dict[Queue, Worker]:
    """A worker for each queue, none of them running yet."""
    handlers = _handlers(settings, on, nouns, the_jobs)
    # Of the queues of which every job needs the same other side.
    circuits = {Queue.PUSH: on.told.fcm, Queue.EMAIL: on.told.smtp}

    def worker(queue: Queue, chosen: QueueSettings) -> Worker:
        limiter = JobRateLimiter(on.redis, f"queue:{queue}", chosen.rate_per_s) if chosen.rate_per_s else None

        def receiver(run_job: Callable[[int], Awaitable[None]]) -> QueueReceiver:
            return QueueReceiver(by_queue[queue], run_job, chosen.concurrency, settings.shutdown.jobs_s)

        return Worker(
            queue,
            the_jobs,
            handlers,
            receiver,
            settings.queues.heartbeat_ms / 1000,
            gate=AdmissionGate(queue, nouns.queues, limiter, on.told.redis, circuits.get(queue)),
            metrics=on.told.metrics,
            channels=CHANNELS,
        )

    return {queue: worker(queue, chosen) for queue, chosen in queue_settings(settings).items()}


def dispatcher(settings: Settings, on: Resources, nouns: Services, the_jobs: Jobs) -> Dispatcher:
    queues = settings.queues
    return Dispatcher(
        the_jobs,
        on.doorbell,
        poll_s=queues.poll_ms / 1000,
        lease_s=queues.lease_ms / 1000,
        control=nouns.queues,
        schedules=Schedules(on.database, on.ids, _recurring(settings)),
        turn=LeaderLease(on.redis, "dispatcher", hold_ms=3 * queues.poll_ms),
        database=on.told.database,
    )


def relay(on: Resources, nouns: Services, hub: Hub) -> Relay:
    on.told.metrics.count_streams(lambda: hub.streams)
    return Relay(
        hub,
        on.redis,
        nouns.notifications.last_sequences,
        redis_outage=on.told.redis,
        database_outage=on.told.database,
    )


def session_watch(on: Resources, nouns: Services, hub: Hub) -> RevocationPoller:
    return RevocationPoller(hub, nouns.revocations.lately, outage=on.told.database)


def watch(on: Resources) -> HealthMonitor:
    return HealthMonitor(
        {"database": on.database.ping, "redis": on.redis.ping},
        {"database": on.told.database, "redis": on.told.redis},
        on.told.metrics,
    )


def _handlers(settings: Settings, on: Resources, nouns: Services, the_jobs: Jobs) -> Mapping[str, Handler]:
    kept = {
        queue: Kept(chosen.keep_completed, chosen.keep_failed)
        for queue, chosen in queue_settings(settings).items()
    }
    maintenance = Maintenance(
        on.database,
        the_jobs,
        on.media,
        kept,
        Lifetimes(
            keys_ms=round(settings.maintenance.keys_kept_s * 1000),
            notifications_ms=round(settings.maintenance.notifications_kept_s * 1000),
        ),
        drop_stale=nouns.freshness.drop,
    )
    return {
        JobKind.FAN_OUT: _measured_fan_out(nouns.fan_out.publish, on.told.metrics),
        JobKind.WITHDRAW: nouns.fan_out.withdraw,
        JobKind.NOTIFY_LIKE: nouns.notification_jobs.handle_like,
        JobKind.NOTIFY_COMMENT: nouns.notification_jobs.handle_comment,
        JobKind.NOTIFY_FOLLOW: nouns.notification_jobs.handle_follow,
        JobKind.NOTIFY_MENTIONED: nouns.notification_jobs.handle_mentions,
        JobKind.RETRACT_COMMENTS: nouns.notification_jobs.retract_comments,
        JobKind.PUSH: nouns.pushes.send,
        JobKind.EMAIL: nouns.notification_emails.send,
        JobKind.REMOVE_POST: nouns.deletions.remove_post,
        JobKind.REMOVE_AVATAR: nouns.deletions.remove_avatar,
        JobKind.TELL_REVOKED: nouns.revocations.deliver,
        JobKind.EMAIL_RESET_LINK: nouns.account_emails.send_reset,
        JobKind.EMAIL_CREDENTIALS_CHANGED: nouns.account_emails.send_password_changed,
        JobKind.EMAIL_ADDRESS_CHANGED: nouns.account_emails.send_address_changed,
        JobKind.SWEEP_SESSIONS: maintenance.sweep_sessions,
        JobKind.RETENTION: maintenance.retain,
        JobKind.AUDIT_COUNTERS: maintenance.audit_counters,
        JobKind.SWEEP_MEDIA: maintenance.sweep_media,
        JobKind.SWEEP_RESETS: maintenance.sweep_resets,
        JobKind.SWEEP_KEYS: maintenance.sweep_keys,
        JobKind.SWEEP_NOTIFICATIONS: maintenance.sweep_notifications,
    }


def _measured_fan_out(fan_out: Handler, metrics: Metrics) -> Handler:
    """`fan_out`, which returns when a post has reached its last follower; the post's id tells its age."""
    clock = SystemClock()

    async def measured(claim: Claim) -> None:
        began_ms = clock.now_ms()
        await fan_out(claim)
        now_ms = clock.now_ms()
        age_ms = now_ms - id_timestamp_ms(claim.payload["post_id"])
        metrics.fanned_out((now_ms - began_ms) / 1000, age_ms / 1000)

    return measured


def _recurring(settings: Settings) -> list[Recurring]:
    every = settings.maintenance
    return [
        Recurring(kind, round(every_s * 1000))
        for kind, every_s in (
            (JobKind.SWEEP_SESSIONS, every.sessions_every_s),
            (JobKind.RETENTION, every.retention_every_s),
            (JobKind.AUDIT_COUNTERS, every.counters_every_s),
            (JobKind.SWEEP_MEDIA, every.media_every_s),
            (JobKind.SWEEP_RESETS, every.resets_every_s),
            (JobKind.SWEEP_KEYS, every.keys_every_s),
            (JobKind.SWEEP_NOTIFICATIONS, every.notifications_every_s),
        )
    ]
