"""The services, built from settings and resources."""

from dataclasses import dataclass
from pathlib import Path

from server.assembly.resources import Resources
from server.clock import Clock, SystemClock
from server.gateways.feed_store.cache_invalidations import InvalidationLog
from server.gateways.feed_store.card_cache import RedisCardCache
from server.gateways.feed_store.timeline_audit import TimelineAudit
from server.gateways.feed_store.timelines import Timelines
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.rate_limits import Limit
from server.gateways.redis.revocation_list import RevocationList
from server.gateways.redis.session_check import SessionCheck
from server.ids import IdGenerator
from server.models.accounts.logins import LoginRepository
from server.models.accounts.password_resets import PasswordResetRepository
from server.models.accounts.sessions import SessionRepository
from server.models.accounts.user_cards import UserCardRepository
from server.models.accounts.users import UserRepository
from server.models.content.comments import CommentRepository
from server.models.content.likes import LikeRepository
from server.models.content.post_images import PostImageRepository
from server.models.content.post_parts import PostPartRepository
from server.models.content.posts import PostRepository
from server.models.database import Database
from server.models.feed.fan_outs import FanOutRepository
from server.models.feed.feeds import FeedRepository
from server.models.jobs.expired_leases import ExpiredLeaseRepository
from server.models.jobs.failed_jobs import FailedJobRepository
from server.models.jobs.idempotency_keys import IdempotencyKeyRepository
from server.models.jobs.jobs import JobRepository
from server.models.jobs.leases import JobLeaseRepository
from server.models.jobs.queue_states import QueueStateRepository
from server.models.jobs.queue_statistics import QueueStatisticsRepository
from server.models.notifications.activities import ActivityRepository
from server.models.notifications.activity_states import ActivityStateRepository
from server.models.notifications.deliverables import DeliverableRepository
from server.models.notifications.devices import DeviceRepository
from server.models.notifications.inboxes import InboxRepository
from server.models.notifications.notification_list import NotificationListRepository
from server.models.notifications.notifications import NotificationRepository
from server.models.notifications.preferences import PreferenceRepository
from server.models.people.follows import FollowRepository
from server.models.people.profiles import ProfileRepository
from server.pubsub.job_notifier import JobNotifier
from server.pubsub.publisher import Publisher
from server.services.accounts.account_emails import AccountEmails
from server.services.accounts.accounts import Accounts
from server.services.accounts.active_sessions import ActiveSessions
from server.services.accounts.credentials import Credentials
from server.services.accounts.request_authentication import RequestAuthenticator
from server.services.accounts.revocations import Revocations, retention_ms
from server.services.accounts.sessions import Sessions
from server.services.accounts.tokens import TokenRules, Tokens
from server.services.content.cards import Cards
from server.services.content.comments import Comments
from server.services.content.deletion import Deletions
from server.services.content.likes import Likes
from server.services.content.pictures import Pictures
from server.services.content.posts import Posts
from server.services.content.visibility import Visibility
from server.services.emails.unsubscribe_tokens import UnsubscribeTokens
from server.services.feed.cache_invalidation import CacheInvalidation
from server.services.feed.card_cache import CardCache
from server.services.feed.explanations import Explanations
from server.services.feed.fan_out import FanOut, FanOutRules
from server.services.feed.pages import Feed
from server.services.feed.queries import FeedQueries
from server.services.jobs.event_jobs import Queue
from server.services.jobs.idempotency import Idempotency
from server.services.jobs.jobs import Jobs
from server.services.jobs.queue_administration import QueueAdministration
from server.services.jobs.queue_overview import QueueLimits, QueueOverview
from server.services.jobs.queue_states import QueueStates
from server.services.jobs.retry_rules import RetryRule
from server.services.jobs.unit_of_work import UnitOfWork
from server.services.notifications.delivery.deliverables import Deliverables
from server.services.notifications.delivery.emails import EmailBudget, NotificationEmails
from server.services.notifications.delivery.pushes import Pushes
from server.services.notifications.devices import Devices
from server.services.notifications.notification_jobs import NotificationJobs
from server.services.notifications.notifications import Notifications
from server.services.notifications.preferences import Preferences
from server.services.notifications.store import NotificationStore
from server.services.notifications.stream_reader import StreamReader
from server.services.notifications.stream_tickets import StreamTickets
from server.services.people.follows import Follows
from server.services.people.profiles import Profiles
from server.services.people.user_lookup import UserLookup
from server.settings import QueueSettings, Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one process."""

    accounts: Accounts
    sessions: Sessions
    request_authenticator: RequestAuthenticator
    revocations: Revocations
    credentials: Credentials
    account_emails: AccountEmails
    profiles: Profiles
    posts: Posts
    comments: Comments
    likes: Likes
    follows: Follows
    feed: Feed
    explanations: Explanations
    fan_out: FanOut
    freshness: CacheInvalidation
    notifications: Notifications
    stream_reader: StreamReader
    notification_jobs: NotificationJobs
    notification_emails: NotificationEmails
    pushes: Pushes
    preferences: Preferences
    devices: Devices
    stream_tickets: StreamTickets
    deletions: Deletions
    queues: QueueAdministration
    idempotency: Idempotency


def jobs(settings: Settings, database: Database, ids: IdGenerator) -> Jobs:
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


def services(
    settings: Settings, var: Path, on: Resources, clock: Clock | None = None
) -> tuple[Services, Jobs]:
    """Return the services and their jobs; `clock` is the time of their changes."""
    clock = clock or SystemClock()
    the_jobs = jobs(settings, on.database, on.ids)
    users, posts, images = (
        UserRepository(on.database),
        PostRepository(on.database),
        PostImageRepository(on.database),
    )
    follows, profiles, lookup = (
        FollowRepository(on.database),
        ProfileRepository(on.database),
        UserLookup(users),
    )
    visibility = Visibility(posts)
    cards = Cards(UserCardRepository(on.database), posts, images, visibility, on.media.url)
    pictures = Pictures(on.images, on.media, var / "tmp")
    chosen = settings.feed
    lists = timelines(settings, on.feed_wire)
    queries = FeedQueries(FeedRepository(on.database), visibility, SystemClock())
    freshness = CacheInvalidation(lists, InvalidationLog(on.feed_wire))
    work = UnitOfWork(on.database, on.ids, clock, the_jobs, on.doorbell.notify, freshness)
    card_cache = CardCache(
        RedisCardCache(on.feed_wire, chosen.cached_posts), chosen.posts_in_memory, settings.public_url
    )
    fan_out_rules = FanOutRules(chosen.fan_out_batch, chosen.celebrity_threshold)
    publisher = Publisher(on.redis, outage=on.told.redis)
    rules = _token_rules(settings)
    tokens = Tokens(SystemClock(), rules)
    logins = LoginRepository(on.database)
    resets, session_rows = PasswordResetRepository(on.database), SessionRepository(on.database)
    revocations = Revocations(
        session_rows,
        the_jobs,
        RevocationList(on.wire, retention_ms(rules.access_ttl_s)),
        publisher,
        rules.access_ttl_s,
    )
    secret = settings.auth.jwt_refresh_secret.get_secret_value().encode()
    unsubscribe_tokens = UnsubscribeTokens(secret, settings.public_url)
    active_sessions = ActiveSessions(session_rows, rules.refresh_idle_s)
    inboxes = InboxRepository(on.database)
    notification_list = NotificationListRepository(on.database)
    devices = DeviceRepository(on.database)
    deliverables = Deliverables(DeliverableRepository(on.database), inboxes, work, visibility)
    notifications = Notifications(notification_list, inboxes, cards, visibility)
    notification_store = NotificationStore(
        NotificationRepository(on.database), ActivityStateRepository(on.database), inboxes, active_sessions
    )
    nouns = Services(
        accounts=Accounts(users, logins, work, on.passwords),
        profiles=Profiles(profiles, follows, resets, lookup, work, cards, pictures),
        posts=Posts(users, posts, images, work, cards, visibility, pictures),
        sessions=Sessions(session_rows, logins, users, work, tokens, revocations),
        request_authenticator=RequestAuthenticator(tokens, SessionCheck(on.wire), revocations, on.throttle),
        revocations=revocations,
        credentials=Credentials(logins, resets, work, on.passwords, revocations),
        account_emails=AccountEmails(
            users, resets, work, the_jobs, on.email, settings.reset_url, settings.auth.reset_ttl_s
        ),
        comments=Comments(CommentRepository(on.database), posts, work, cards, visibility),
        likes=Likes(LikeRepository(on.database), posts, work, cards, visibility),
        follows=Follows(follows, profiles, lookup, work, cards),
        feed=Feed(queries, lists, cards, card_cache, on.told.metrics),
        explanations=Explanations(queries, visibility, TimelineAudit(on.feed_wire)),
        fan_out=FanOut(FanOutRepository(on.database), queries, lists, the_jobs, fan_out_rules),
        freshness=freshness,
        deletions=Deletions(users, posts, images, PostPartRepository(on.database), work, the_jobs, pictures),
        notifications=notifications,
        stream_reader=StreamReader(notification_list, cards, visibility, notifications),
        notification_jobs=NotificationJobs(
            work,
            the_jobs,
            ActivityRepository(on.database),
            notification_list,
            notification_store,
            visibility,
            publisher,
            on.told.metrics,
        ),
        notification_emails=NotificationEmails(
            the_jobs,
            deliverables,
            on.email,
            unsubscribe_tokens,
            settings.client_url,
            _email_budget(settings, on),
            metrics=on.told.metrics,
        ),
        pushes=Pushes(
            devices, the_jobs, deliverables, active_sessions, on.push, settings.client_url, on.told.metrics
        ),
        preferences=Preferences(PreferenceRepository(on.database), work, unsubscribe_tokens),
        devices=Devices(devices, work, active_sessions),
        stream_tickets=StreamTickets(on.wire, revocations),
        queues=queue_control(settings, on.database, on.doorbell),
        idempotency=Idempotency(IdempotencyKeyRepository(on.database), secret),
    )
    return nouns, the_jobs


def timelines(settings: Settings, feed_wire: PipelinedRedis) -> Timelines:
    chosen = settings.feed
    return Timelines(feed_wire, chosen.window, chosen.ttl_s, chosen.cached_posts)


def queue_control(settings: Settings, database: Database, doorbell: JobNotifier) -> QueueAdministration:
    limits = {
        queue: QueueLimits(chosen.rate_per_s, chosen.keep_completed)
        for queue, chosen in queue_settings(settings).items()
    }
    pauses = QueueStateRepository(database)
    states = QueueStates(pauses, JobRepository(database))
    overview = QueueOverview(QueueStatisticsRepository(database), states, limits, doorbell.count_rejected)
    return QueueAdministration(overview, states, pauses, FailedJobRepository(database))


def _email_budget(settings: Settings, on: Resources) -> EmailBudget | None:
    chosen = settings.throttle
    if not chosen.enabled:
        return None
    to, by = (
        Limit(name, each.limit, each.window_s)
        for name, each in (("emails_to", chosen.emails_to), ("emails_by", chosen.emails_by))
    )
    return EmailBudget(on.throttle, to, by)


def _token_rules(settings: Settings) -> TokenRules:
    auth = settings.auth
    return TokenRules(
        access_secret=auth.jwt_secret.get_secret_value(),
        refresh_secret=auth.jwt_refresh_secret.get_secret_value(),
        issuer=auth.issuer,
        audience=auth.audience,
        access_ttl_s=auth.access_ttl_s,
        refresh_idle_s=auth.refresh_idle_s,
        refresh_absolute_s=auth.refresh_absolute_s,
        refresh_overlap_s=auth.refresh_overlap_s,
    )


def queue_settings(settings: Settings) -> dict[Queue, QueueSettings]:
    return {
        Queue.FEED: settings.queues.feed,
        Queue.NOTIFICATIONS: settings.queues.notifications,
        Queue.PUSH: settings.queues.push,
        Queue.EMAIL: settings.queues.email,
        Queue.MAINTENANCE: settings.queues.maintenance,
    }
