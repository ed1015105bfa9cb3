"""The aiohttp application: every route, behind the middlewares that all requests pass."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from server.gateways.media import MediaStore
from server.handlers import rendering
from server.handlers.accounts import AccountRoutes
from server.handlers.admission import admission
from server.handlers.comments import CommentRoutes
from server.handlers.cors import Cors
from server.handlers.credentials import CredentialRoutes
from server.handlers.devices import DeviceRoutes
from server.handlers.documentation import DocumentationRoutes
from server.handlers.feed import FeedRoutes
from server.handlers.follows import FollowRoutes
from server.handlers.heads import finish_heads
from server.handlers.health import Check, HealthRoutes
from server.handlers.idempotency import Repeats
from server.handlers.likes import LikeRoutes
from server.handlers.media import MediaRoutes
from server.handlers.metrics import MetricsRoutes
from server.handlers.middleware import InFlight, validation
from server.handlers.notifications import NotificationRoutes
from server.handlers.posts import PostRoutes
from server.handlers.preferences import PreferenceRoutes
from server.handlers.profiles import ProfileRoutes
from server.handlers.queues import QueueRoutes
from server.handlers.sessions import SessionRoutes
from server.handlers.stream import NotificationStream
from server.handlers.throttling import Throttling
from server.handlers.uploads import Uploads
from server.metrics import Metrics
from server.pubsub.hub import Hub
from server.services.account_mail import AccountMail
from server.services.accounts import Accounts
from server.services.admissions import Admissions
from server.services.comments import Comments
from server.services.credentials import Credentials
from server.services.deliveries.letters import NotificationLetters
from server.services.deliveries.pushes import Pushes
from server.services.devices import Devices
from server.services.feed.explanations import Explanations
from server.services.feed.fan_out import FanOut
from server.services.feed.freshness import Freshness
from server.services.feed.pages import Feed
from server.services.follows import Follows
from server.services.idempotency import Idempotency
from server.services.likes import Likes
from server.services.notifications.arrivals import Arrivals
from server.services.notifications.inbox import Notifications
from server.services.notifications.telling import Telling
from server.services.posts import Posts
from server.services.preferences import Preferences
from server.services.profiles import Profiles
from server.services.queue_control import QueueControl
from server.services.removals import Removals
from server.services.revocations import Revocations
from server.services.sessions import Sessions
from server.services.stream_tickets import StreamTickets
from server.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The nouns of the business, built once by the lifecycle."""

    accounts: Accounts
    sessions: Sessions
    admissions: Admissions
    revocations: Revocations
    credentials: Credentials
    account_mail: AccountMail
    profiles: Profiles
    posts: Posts
    comments: Comments
    likes: Likes
    follows: Follows
    feed: Feed
    explanations: Explanations
    fan_out: FanOut
    freshness: Freshness
    notifications: Notifications
    arrivals: Arrivals
    telling: Telling
    letters: NotificationLetters
    pushes: Pushes
    preferences: Preferences
    devices: Devices
    tickets: StreamTickets
    removals: Removals
    queues: QueueControl
    idempotency: Idempotency


@dataclass(frozen=True, slots=True)
class Insight:
    """What a process tells of itself: `/healthz`, `/readyz` and `/metrics`."""

    checks: Mapping[str, Check]
    restarts: Callable[[], Mapping[str, int]]
    metrics: Metrics

    def doors(
        self, settings: Settings, services: Services, in_flight: InFlight
    ) -> tuple[HealthRoutes, MetricsRoutes]:
        token = settings.app.metrics_token.get_secret_value()
        return (
            HealthRoutes(in_flight, self.checks, self.restarts),
            MetricsRoutes(self.metrics, services.queues, token),
        )


def build_app(
    settings: Settings,
    services: Services,
    uploads: Uploads,
    media: MediaStore,
    hub: Hub,
    in_flight: InFlight,
    insight: Insight,
    throttling: Throttling,
) -> web.Application:
    """The application with all its routes. It opens and closes nothing: that is the lifecycle's."""
    cors = Cors(settings.app.cors_origins)
    app = web.Application(
        middlewares=[
            in_flight.middleware(),
            *cors.middlewares(),
            admission(services.admissions, services.tickets.redeem, throttling),
            validation(settings.app.max_body_bytes, settings.app.body_timeout_s, throttling.admit_named),
        ],  # pyright: ignore[reportArgumentType] - aiohttp's own type for middlewares is wider than it needs
        client_max_size=settings.app.max_body_bytes,
    )
    app.on_response_prepare.append(finish_heads(settings.public_url, cors))
    stream = NotificationStream(
        hub,
        services.arrivals,
        heartbeat_s=settings.stream.heartbeat_s,
        retry_ms=settings.stream.retry_ms,
        replay_limit=settings.stream.replay_limit,
        render=rendering.notification_json,
    )
    repeats = Repeats(services.idempotency)
    for door in (
        *insight.doors(settings, services, in_flight),
        ProfileRoutes(services.profiles, uploads),
        SessionRoutes(services.sessions),
        CredentialRoutes(services.credentials),
        AccountRoutes(services.accounts, services.sessions, services.profiles, repeats),
        PostRoutes(services.posts, uploads, repeats),
        CommentRoutes(services.comments, repeats),
        LikeRoutes(services.likes),
        FollowRoutes(services.follows),
        FeedRoutes(services.feed, services.explanations),
        NotificationRoutes(services.notifications, stream, services.tickets),
        PreferenceRoutes(services.preferences),
        DeviceRoutes(services.devices),
        QueueRoutes(services.queues),
        MediaRoutes(media),
    ):
        app.add_routes(door.routes())
    if settings.docs:
        app.add_routes(DocumentationRoutes(app.router.routes).routes())
    return app


def build_worker_app(
    settings: Settings, services: Services, in_flight: InFlight, insight: Insight
) -> web.Application:
    """What a process that runs jobs only serves on a port of its own: how it is."""
    app = web.Application(middlewares=[in_flight.middleware()])  # pyright: ignore[reportArgumentType] - see above
    app.on_response_prepare.append(finish_heads(settings.public_url, Cors()))
    for door in insight.doors(settings, services, in_flight):
        app.add_routes(door.routes())
    return app
