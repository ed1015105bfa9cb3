"""The nouns of the business, made out of the settings and what they stand on."""

from pathlib import Path

from server.app import Services
from server.assembly.foundations import Foundations
from server.clock import Clock, SystemClock
from server.gateways.admission import Admission
from server.gateways.card_shelf import CardShelf
from server.gateways.redis_wire import RedisWire
from server.gateways.revocation_list import RevocationList
from server.gateways.throttle import Limit
from server.gateways.timeline_audit import TimelineAudit
from server.gateways.timelines import Timelines
from server.gateways.touches import Touches
from server.ids import IdGenerator
from server.models.database import Database
from server.pubsub.doorbell import Doorbell
from server.pubsub.publisher import Publisher
from server.services.account_mail import AccountMail
from server.services.accounts import Accounts
from server.services.admissions import Admissions
from server.services.cards import Cards
from server.services.comments import Comments
from server.services.credentials import Credentials
from server.services.deliveries.letters import Budget, NotificationLetters
from server.services.deliveries.notices import Notices
from server.services.deliveries.pushes import Pushes
from server.services.devices import Devices
from server.services.feed.cards_at_hand import CardsAtHand
from server.services.feed.explanations import Explanations
from server.services.feed.fan_out import FanOut, FanOutRules
from server.services.feed.freshness import Freshness
from server.services.feed.pages import Feed
from server.services.feed.source import Source
from server.services.follows import Follows
from server.services.idempotency import Idempotency
from server.services.jobs import Jobs, RetryRule
from server.services.likes import Likes
from server.services.mail_links import MailLinks
from server.services.notifications.arrivals import Arrivals
from server.services.notifications.inbox import Notifications
from server.services.notifications.telling import Telling
from server.services.pictures import Pictures
from server.services.posts import Posts
from server.services.preferences import Preferences
from server.services.profiles import Profiles
from server.services.queue_control import QueueControl, QueueLimits
from server.services.reactions import Queue
from server.services.removals import Removals
from server.services.revocations import Revocations, kept_ms
from server.services.sessions import Sessions
from server.services.standing import Standing
from server.services.stream_tickets import StreamTickets
from server.services.tokens import TokenRules, Tokens
from server.services.unit_of_work import UnitOfWork
from server.services.visibility import Visibility
from server.settings import QueueSettings, Settings


def jobs(settings: Settings, database: Database, ids: IdGenerator) -> Jobs:
    queues = settings.queues
    rules = {
        queue: RetryRule(
            chosen.max_attempts, chosen.backoff_ms, queues.backoff_cap_ms, round(chosen.retry_for_s * 1000)
        )
        for queue, chosen in queue_settings(settings).items()
    }
    return Jobs(database, ids, rules, queues.lease_ms, queues.max_deaths)


def services(
    settings: Settings, var: Path, on: Foundations, clock: Clock | None = None
) -> tuple[Services, Jobs]:
    """The nouns of the business, and the jobs that they cause. `clock`: at which time changes are made."""
    clock = clock or SystemClock()
    the_jobs = jobs(settings, on.database, on.ids)
    visibility = Visibility(on.database)
    cards = Cards(on.database, visibility, on.media.url)
    pictures = Pictures(on.images, on.media, var / "tmp")
    chosen = settings.feed
    lists = timelines(settings, on.feed_wire)
    source = Source(on.database, visibility, SystemClock())
    freshness = Freshness(lists, Touches(on.feed_wire))
    work = UnitOfWork(on.database, on.ids, clock, the_jobs, on.doorbell, freshness)
    at_hand = CardsAtHand(
        CardShelf(on.feed_wire, chosen.cached_posts), chosen.posts_in_memory, settings.public_url
    )
    fan_out_rules = FanOutRules(chosen.fan_out_batch, chosen.celebrity_threshold)
    publisher = Publisher(on.redis, outage=on.told.redis)
    rules = _token_rules(settings)
    tokens = Tokens(SystemClock(), rules)
    revocations = Revocations(
        on.database,
        the_jobs,
        RevocationList(on.wire, kept_ms(rules.access_ttl_s)),
        publisher,
        rules.access_ttl_s,
    )
    secret = settings.auth.jwt_refresh_secret.get_secret_value().encode()
    links = MailLinks(secret, settings.public_url)
    standing = Standing(on.database, rules.refresh_idle_s)
    notices = Notices(on.database, work, visibility)
    notifications = Notifications(on.database, cards, visibility)
    nouns = Services(
        accounts=Accounts(work, on.passwords),
        profiles=Profiles(on.database, work, cards, pictures),
        posts=Posts(on.database, work, cards, visibility, pictures),
        sessions=Sessions(on.database, work, tokens, revocations),
        admissions=Admissions(tokens, Admission(on.wire), revocations, on.throttle),
        revocations=revocations,
        credentials=Credentials(on.database, work, on.passwords, revocations),
        account_mail=AccountMail(
            on.database, work, the_jobs, on.mail, settings.reset_url, settings.auth.reset_ttl_s
        ),
        comments=Comments(on.database, work, cards, visibility),
        likes=Likes(on.database, work, cards, visibility),
        follows=Follows(on.database, work, cards),
        feed=Feed(source, lists, cards, at_hand, on.told.metrics),
        explanations=Explanations(source, visibility, TimelineAudit(on.feed_wire)),
        fan_out=FanOut(on.database, source, lists, the_jobs, fan_out_rules),
        freshness=freshness,
        removals=Removals(on.database, work, the_jobs, pictures),
        notifications=notifications,
        arrivals=Arrivals(on.database, cards, visibility, notifications),
        telling=Telling(on.database, work, the_jobs, (visibility, standing), publisher, on.told.metrics),
        letters=NotificationLetters(
            the_jobs,
            notices,
            on.mail,
            links,
            settings.client_url,
            _letter_budget(settings, on),
            on.told.metrics,
        ),
        pushes=Pushes(
            on.database, the_jobs, notices, standing, on.push, settings.client_url, on.told.metrics
        ),
        preferences=Preferences(on.database, work, links),
        devices=Devices(on.database, work, standing),
        tickets=StreamTickets(on.wire, revocations),
        queues=queue_control(settings, on.database, on.doorbell),
        idempotency=Idempotency(on.database, secret),
    )
    return nouns, the_jobs


def timelines(settings: Settings, feed_wire: RedisWire) -> Timelines:
    chosen = settings.feed
    return Timelines(feed_wire, chosen.window, chosen.ttl_s, chosen.cached_posts)


def queue_control(settings: Settings, database: Database, doorbell: Doorbell) -> QueueControl:
    limits = {
        queue: QueueLimits(chosen.rate_per_s, chosen.keep_completed)
        for queue, chosen in queue_settings(settings).items()
    }
    return QueueControl(database, limits, doorbell.garbage)


def _letter_budget(settings: Settings, on: Foundations) -> Budget | None:
    chosen = settings.throttle
    if not chosen.enabled:
        return None
    to, by = (
        Limit(name, each.limit, each.window_s)
        for name, each in (("letters_to", chosen.letters_to), ("letters_by", chosen.letters_by))
    )
    return Budget(on.throttle, to, by)


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
        Queue.MAIL: settings.queues.mail,
        Queue.MAINTENANCE: settings.queues.maintenance,
    }
