"""The aiohttp application: every route, behind the middlewares that all requests pass."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from server.gateways.media import MediaStore
from server.handlers import rendering
from server.handlers.accounts import AccountRoutes
from server.handlers.comments import CommentRoutes
from server.handlers.feed import FeedRoutes
from server.handlers.follows import FollowRoutes
from server.handlers.health import Check, HealthRoutes
from server.handlers.likes import LikeRoutes
from server.handlers.media import MediaRoutes
from server.handlers.middleware import InFlight, authentication, validation
from server.handlers.notifications import NotificationRoutes
from server.handlers.posts import PostRoutes
from server.handlers.profiles import ProfileRoutes
from server.handlers.stream import NotificationStream
from server.handlers.uploads import Uploads
from server.pubsub.hub import Hub
from server.services.accounts import Accounts
from server.services.comments import Comments
from server.services.feed import Feed
from server.services.follows import Follows
from server.services.likes import Likes
from server.services.notifications import Notifications
from server.services.posts import Posts
from server.services.profiles import Profiles
from server.services.sessions import Sessions
from server.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The nouns of the business, built once by the lifecycle."""

    accounts: Accounts
    sessions: Sessions
    profiles: Profiles
    posts: Posts
    comments: Comments
    likes: Likes
    follows: Follows
    feed: Feed
    notifications: Notifications


def build_app(
    settings: Settings,
    services: Services,
    uploads: Uploads,
    media: MediaStore,
    hub: Hub,
    in_flight: InFlight,
    checks: Mapping[str, Check],
) -> web.Application:
    """The application with all its routes. It opens and closes nothing: that is the lifecycle's."""
    app = web.Application(
        middlewares=[
            in_flight.middleware(),
            authentication(services.sessions.principal),
            validation(settings.app.max_body_bytes, settings.app.body_timeout_s),
        ],  # pyright: ignore[reportArgumentType] - aiohttp's own type for middlewares is wider than it needs
        client_max_size=settings.app.max_body_bytes,
    )
    stream = NotificationStream(
        hub,
        services.notifications,
        heartbeat_s=settings.stream.heartbeat_s,
        retry_ms=settings.stream.retry_ms,
        replay_limit=settings.stream.replay_limit,
        render=rendering.notification_json,
    )
    for door in (
        HealthRoutes(in_flight, checks),
        AccountRoutes(services.accounts, services.sessions, services.profiles),
        ProfileRoutes(services.profiles),
        PostRoutes(services.posts, uploads),
        CommentRoutes(services.comments),
        LikeRoutes(services.likes),
        FollowRoutes(services.follows),
        FeedRoutes(services.feed),
        NotificationRoutes(services.notifications, stream),
        MediaRoutes(media),
    ):
        app.add_routes(door.routes())
    return app
