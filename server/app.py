"""The aiohttp application: all routes, behind the middlewares that every request passes."""

from aiohttp import web

from server.assembly.http import Observability, client_limits, sign_in_options, vapid_public_key
from server.assembly.services import Services
from server.assembly.web_client import web_client
from server.gateways.media import MediaStore
from server.handlers.accounts.accounts import AccountRoutes
from server.handlers.accounts.closures import ClosureRoutes
from server.handlers.accounts.credentials import CredentialRoutes
from server.handlers.accounts.email_addresses import EmailAddressRoutes
from server.handlers.accounts.external_identities import ExternalIdentityRoutes
from server.handlers.accounts.passkeys import PasskeyRoutes
from server.handlers.accounts.reauthentication import ReauthenticationRoutes
from server.handlers.accounts.second_factors import SecondFactorRoutes
from server.handlers.accounts.sessions import SessionRoutes
from server.handlers.accounts.sign_in_methods import SignInMethodRoutes
from server.handlers.accounts.sign_ins import SignInResponder
from server.handlers.content.audiences import AudienceRoutes
from server.handlers.content.client_config import ConfigRoutes
from server.handlers.content.collections import CollectionRoutes
from server.handlers.content.comment_likes import CommentLikeRoutes
from server.handlers.content.comment_pins import CommentPinRoutes
from server.handlers.content.comment_settings import CommentSettingsRoutes
from server.handlers.content.comments import CommentRoutes
from server.handlers.content.likes import LikeRoutes
from server.handlers.content.media import MediaRoutes
from server.handlers.content.own_activity import OwnActivityRoutes
from server.handlers.content.pins import PinRoutes
from server.handlers.content.post_history import PostHistoryRoutes
from server.handlers.content.posts import PostRoutes
from server.handlers.content.saves import SaveRoutes
from server.handlers.content.tags import TagRoutes
from server.handlers.content.unused_media import UnusedMediaRoutes
from server.handlers.content.uploads import UploadRoutes, add_tus_header
from server.handlers.discovery.hashtags import HashtagRoutes
from server.handlers.discovery.places import PlaceRoutes
from server.handlers.discovery.recent_searches import RecentSearchRoutes
from server.handlers.discovery.search import SearchRoutes
from server.handlers.discovery.suggestions import SuggestionRoutes
from server.handlers.discovery.trends import TrendRoutes
from server.handlers.explore import ExploreRoutes
from server.handlers.feed import FeedRoutes
from server.handlers.http.authentication import authentication, verified_publishers
from server.handlers.http.bodies.multipart import FormReader
from server.handlers.http.bodies.single_file import SingleFileReader
from server.handlers.http.cors import Cors
from server.handlers.http.idempotency import IdempotentResponder
from server.handlers.http.middleware import InFlight, validation
from server.handlers.http.rate_limiting import RateLimiting
from server.handlers.http.response_headers import add_response_headers
from server.handlers.moderation.appeals import AppealRoutes
from server.handlers.moderation.filters import FilterRoutes
from server.handlers.moderation.moderation import ModerationRoutes
from server.handlers.moderation.own_decisions import OwnDecisionRoutes
from server.handlers.moderation.reports import ReportRoutes
from server.handlers.moderation.staff import StaffRoutes
from server.handlers.moderation.user_sessions import UserSessionRoutes
from server.handlers.notifications.devices import DeviceRoutes
from server.handlers.notifications.notifications import NotificationRoutes
from server.handlers.notifications.preferences import PreferenceRoutes
from server.handlers.notifications.serializer import NotificationSerializer
from server.handlers.notifications.stream import NotificationStream
from server.handlers.openapi.documentation import DocumentationRoutes
from server.handlers.openapi.existing_values import ExistingValues, find_nothing
from server.handlers.operations.installation import InstallationRoutes
from server.handlers.operations.jobs import JobRoutes
from server.handlers.operations.queues import QueueRoutes
from server.handlers.people.blocks import BlockRoutes
from server.handlers.people.close_friends import CloseFriendRoutes
from server.handlers.people.follow_requests import FollowRequestRoutes
from server.handlers.people.follows import FollowRoutes
from server.handlers.people.profiles import ProfileRoutes
from server.handlers.people.restrictions import RestrictionRoutes
from server.handlers.portability.exports import ExportRoutes
from server.handlers.post_serializer import PostSerializer
from server.handlers.sharing.atom import AtomRoutes
from server.handlers.sharing.html import Pages
from server.handlers.sharing.oembed import OembedRoutes
from server.handlers.sharing.share_pages import SharePageRoutes
from server.handlers.sharing.shared_content import SharedContent
from server.handlers.sharing.start_page import StartPageOptions, StartPageRoutes
from server.handlers.web.static_files import StaticFiles
from server.pubsub.hub import Hub
from server.settings import Settings


def build_app(
    settings: Settings,
    services: Services,
    forms: FormReader,
    media: MediaStore,
    hub: Hub,
    in_flight: InFlight,
    observability: Observability,
    rate_limiting: RateLimiting,
) -> web.Application:
    """Build the application with all its routes. It opens and closes no resources."""
    cors = Cors(settings.app.cors_origins, this_machine=settings.app.env == "development")
    publishers = (
        [verified_publishers(services.email_verification.require_verified)]
        if settings.auth.require_verified_email
        else []
    )
    app = web.Application(
        middlewares=[
            in_flight.middleware(),
            *cors.middlewares(),
            authentication(
                services.request_authenticator,
                services.stream_tickets.redeem,
                rate_limiting,
                public_reads=settings.public_reads,
            ),
            *publishers,
            validation(
                settings.app.max_body_bytes,
                settings.app.body_timeout_s,
                forms.check_head,
            ),
        ],  # pyright: ignore[reportArgumentType] - aiohttp's own type for middlewares is wider than it needs
        client_max_size=settings.app.max_body_bytes,
    )
    app.on_response_prepare.append(add_tus_header)
    app.on_response_prepare.append(add_response_headers(settings.public_url, cors))
    rendered = PostSerializer(services.media_addresses, services.share_links)
    notifications = NotificationSerializer(rendered)
    stream = NotificationStream(
        hub,
        services.stream_reader,
        heartbeat_s=settings.stream.heartbeat_s,
        retry_ms=settings.stream.retry_ms,
        replay_limit=settings.stream.replay_limit,
        render=notifications.line,
        metrics=observability.metrics,
    )
    idempotent = IdempotentResponder(services.idempotency)
    files = StaticFiles.read() if settings.app.web else None
    sign_in = SignInResponder(services.sign_ins, services.profiles)
    for resource in (
        *observability.routes(settings, services.queues, in_flight),
        ConfigRoutes(client_limits(settings), sign_in_options(settings), vapid_public_key(settings)),
        ProfileRoutes(services.profiles, services.posts, forms, rendered),
        SessionRoutes(services.sessions),
        ClosureRoutes(services.account_closures),
        CredentialRoutes(services.credentials),
        ExportRoutes(services.exports, idempotent),
        EmailAddressRoutes(services.email_verification, services.account_recovery, settings.auth.reset_ttl_s),
        AccountRoutes(services.accounts, services.password_authentication, sign_in, idempotent),
        ExternalIdentityRoutes(
            services.passwordless.external_identities, services.passwordless.linked_identities, sign_in
        ),
        PasskeyRoutes(services.passwordless.passkeys, services.passwordless.passkey_sign_ins, sign_in),
        SignInMethodRoutes(services.sign_in_methods),
        ReauthenticationRoutes(services.reauthentication),
        SecondFactorRoutes(services.second_factors, sign_in),
        PostRoutes(
            services.posts,
            services.drafts,
            services.comments,
            services.user_lookup,
            forms,
            idempotent,
            rendered,
        ),
        PostHistoryRoutes(services.post_history, rendered),
        TagRoutes(services.tags, services.user_lookup, rendered),
        AudienceRoutes(services.audiences, services.user_lookup),
        CommentRoutes(services.comments, services.comment_approvals, idempotent),
        LikeRoutes(services.likes),
        CommentLikeRoutes(services.comment_likes),
        OwnActivityRoutes(services.likes, services.comments, rendered),
        PinRoutes(services.pins),
        SaveRoutes(services.saves, rendered),
        CollectionRoutes(services.collections, idempotent, rendered),
        CommentPinRoutes(services.comment_pins),
        CommentSettingsRoutes(services.comment_settings),
        FollowRoutes(services.follows),
        FollowRequestRoutes(services.follow_requests),
        BlockRoutes(services.blocks, services.mutes),
        CloseFriendRoutes(services.close_friends),
        RestrictionRoutes(services.restrictions),
        ReportRoutes(services.reports),
        ModerationRoutes(services.report_queue, services.decisions, services.standings, rendered),
        FilterRoutes(services.filter_administration),
        StaffRoutes(services.staff),
        UserSessionRoutes(services.session_administration),
        OwnDecisionRoutes(services.own_decisions),
        AppealRoutes(services.appeals, services.appeal_queue),
        FeedRoutes(services.feed, services.explanations, rendered),
        ExploreRoutes(services.feeds.explore, services.feeds.explore_explanations, rendered),
        SearchRoutes(
            services.discovery.users,
            services.discovery.hashtags,
            services.discovery.captions,
            services.discovery.places,
            rendered,
            services.profiles,
        ),
        TrendRoutes(services.discovery.trends),
        HashtagRoutes(services.discovery.hashtags, services.discovery.hashtag_follows, rendered),
        SuggestionRoutes(services.discovery.suggestions),
        PlaceRoutes(services.discovery.places, rendered),
        RecentSearchRoutes(services.discovery.recent),
        NotificationRoutes(services.notifications, stream, services.stream_tickets, notifications),
        PreferenceRoutes(services.preferences),
        DeviceRoutes(services.devices),
        QueueRoutes(services.queues, services.queue_figures, services.queue_operations),
        JobRoutes(services.job_search, services.queue_operations),
        InstallationRoutes(services.processes, services.storage_figures),
        UnusedMediaRoutes(services.media, SingleFileReader(forms), idempotent, rendered),
        UploadRoutes(services.uploads, forms.limits.time),
        MediaRoutes(media, services.media_access),
        *_sharing(settings, services, files),
    ):
        app.add_routes(resource.routes())
    if files is not None:
        app.add_routes(web_client(settings, files))
    if settings.docs:
        app.add_routes(_documentation(app, settings, services).routes())
    return app


def _sharing(
    settings: Settings, services: Services, files: StaticFiles | None
) -> tuple[SharePageRoutes, OembedRoutes, AtomRoutes, StartPageRoutes]:
    shared = SharedContent(
        services.posts, services.profiles, services.share_links, enabled=settings.public_reads
    )
    pages = Pages(settings.public_url, settings.media_base_url, files.url("client") if files else "")
    options = StartPageOptions(
        settings.app.client_url,
        settings.app.web,
        settings.docs,
        settings.app.env == "development",
        settings.public_reads,
    )
    return (
        SharePageRoutes(shared, pages, settings.public_url),
        OembedRoutes(shared, settings.public_url),
        AtomRoutes(shared, pages),
        StartPageRoutes(pages, options),
    )


def _documentation(app: web.Application, settings: Settings, services: Services) -> DocumentationRoutes:
    existing = ExistingValues(services.user_lookup, services.posts, services.comments)
    find_existing = find_nothing if settings.app.env == "production" else existing.find
    return DocumentationRoutes(app.router.routes, settings.app.public_url or None, find_existing)


def build_worker_app(
    settings: Settings, services: Services, in_flight: InFlight, observability: Observability
) -> web.Application:
    """Build what a worker process serves on its own port: health and metrics."""
    app = web.Application(middlewares=[in_flight.middleware()])  # pyright: ignore[reportArgumentType] - see above
    app.on_response_prepare.append(add_response_headers(settings.public_url, Cors()))
    for resource in observability.routes(settings, services.queues, in_flight):
        app.add_routes(resource.routes())
    return app
