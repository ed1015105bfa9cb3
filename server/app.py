"""The aiohttp application: every route, behind the middlewares that all requests pass."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from server.gateways.media import MediaStore
from server.handlers import serializers
from server.handlers.accounts.accounts import AccountRoutes
from server.handlers.accounts.credentials import CredentialRoutes
from server.handlers.accounts.sessions import SessionRoutes
from server.handlers.content.comments import CommentRoutes
from server.handlers.content.likes import LikeRoutes
from server.handlers.content.media import MediaRoutes
from server.handlers.content.posts import PostRoutes
from server.handlers.feed import FeedRoutes
from server.handlers.http.authentication import authentication
from server.handlers.http.cors import Cors
from server.handlers.http.idempotency import IdempotentResponder
from server.handlers.http.middleware import InFlight, validation
from server.handlers.http.multipart import Uploads
from server.handlers.http.rate_limiting import RateLimiting
from server.handlers.http.response_headers import add_response_headers
from server.handlers.notifications.devices import DeviceRoutes
from server.handlers.notifications.notifications import NotificationRoutes
from server.handlers.notifications.preferences import PreferenceRoutes
from server.handlers.notifications.stream import NotificationStream
from server.handlers.openapi.documentation import DocumentationRoutes
from server.handlers.operations.health import Check, HealthRoutes
from server.handlers.operations.metrics import MetricsRoutes
from server.handlers.operations.queues import QueueRoutes
from server.handlers.people.follows import FollowRoutes
from server.handlers.people.profiles import ProfileRoutes
from server.metrics import Metrics
from server.pubsub.hub import Hub
from server.services.accounts.account_emails import AccountEmails
from server.services.accounts.accounts import Accounts
from server.services.accounts.credentials import Credentials
from server.services.accounts.request_authentication import RequestAuthenticator
from server.services.accounts.revocations import Revocations
from server.services.accounts.sessions import Sessions
from server.services.content.comments import Comments
from server.services.content.deletion import Deletions
from server.services.content.likes import Likes
from server.services.content.posts import Posts
from server.services.feed.cache_invalidation import CacheInvalidation
from server.services.feed.explanations import Explanations
from server.services.feed.fan_out import FanOut
from server.services.feed.pages import Feed
from server.services.jobs.idempotency import Idempotency
from server.services.jobs.queue_administration import QueueAdministration
from server.services.notifications.delivery.emails import NotificationEmails
from server.services.notifications.delivery.pushes import Pushes
from server.services.notifications.devices import Devices
from server.services.notifications.notification_jobs import NotificationJobs
from server.services.notifications.notifications import Notifications
from server.services.notifications.preferences import Preferences
from server.services.notifications.stream_reader import StreamReader
from server.services.notifications.stream_tickets import StreamTickets
from server.services.people.follows import Follows
from server.services.people.profiles import Profiles
from server.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The nouns of the business, built once by the lifecycle."""

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
    arrivals: StreamReader
    notification_jobs: NotificationJobs
    notification_emails: NotificationEmails
    pushes: Pushes
    preferences: Preferences
    devices: Devices
    tickets: StreamTickets
    deletions: Deletions
    queues: QueueAdministration
    idempotency: Idempotency


@dataclass(frozen=True, slots=True)
class Observability:
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
    insight: Observability,
    throttling: RateLimiting,
) -> web.Application:
    """The application with all its routes. It opens and closes nothing: that is the lifecycle's."""
    cors = Cors(settings.app.cors_origins)
    app = web.Application(
        middlewares=[
            in_flight.middleware(),
            *cors.middlewares(),
            authentication(services.request_authenticator, services.tickets.redeem, throttling),
            validation(settings.app.max_body_bytes, settings.app.body_timeout_s, throttling.admit_named),
        ],  # pyright: ignore[reportArgumentType] - aiohttp's own type for middlewares is wider than it needs
        client_max_size=settings.app.max_body_bytes,
    )
    app.on_response_prepare.append(add_response_headers(settings.public_url, cors))
    stream = NotificationStream(
        hub,
        services.arrivals,
        heartbeat_s=settings.stream.heartbeat_s,
        retry_ms=settings.stream.retry_ms,
        replay_limit=settings.stream.replay_limit,
        render=serializers.notification_json,
    )
    repeats = IdempotentResponder(services.idempotency)
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
    settings: Settings, services: Services, in_flight: InFlight, insight: Observability
) -> web.Application:
    """What a process that runs jobs only serves on a port of its own: how it is."""
    app = web.Application(middlewares=[in_flight.middleware()])  # pyright: ignore[reportArgumentType] - see above
    app.on_response_prepare.append(add_response_headers(settings.public_url, Cors()))
    for door in insight.doors(settings, services, in_flight):
        app.add_routes(door.routes())
    return app
