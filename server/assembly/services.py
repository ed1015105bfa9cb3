"""The services, built from settings and resources."""

from dataclasses import dataclass
from pathlib import Path

from server.assembly.collaborators import Collaborators
from server.assembly.comments import build_comments
from server.assembly.discovery import Discovery, build_discovery
from server.assembly.erasure import build_erasure
from server.assembly.feed import Feeds, build_explore_ranking, build_feeds
from server.assembly.jobs import build_shared_queue_administration, build_storage_figures
from server.assembly.moderation import build_moderation
from server.assembly.notifications import (
    build_badge_pushes,
    build_digest_emails,
    build_notification_emails,
    build_pushes,
    push_hosts,
)
from server.assembly.passwordless import Passwordless, build_passwordless
from server.assembly.portability import build_export_emails, build_export_jobs, build_exports, build_imports
from server.assembly.resources import Resources
from server.assembly.sign_in import Authentication, build_authentication
from server.clock import Clock, SystemClock
from server.gateways.feed_store.card_cache import RedisCardCache
from server.gateways.feed_store.timeline_audit import TimelineAudit
from server.gateways.redis.session_check import SessionCheck
from server.models.jobs.cache_generations import CacheStateRepository
from server.models.jobs.job_search import JobSearchRepository
from server.models.jobs.nodes import NodeRepository
from server.services.accounts.account_closures import AccountClosures
from server.services.accounts.account_emails import AccountEmails
from server.services.accounts.account_recovery import AccountRecovery
from server.services.accounts.accounts import Accounts
from server.services.accounts.authentication.reauthentication import Reauthentication
from server.services.accounts.authentication.second_factors import SecondFactors
from server.services.accounts.authentication.sign_ins import SignIns
from server.services.accounts.credentials import Credentials
from server.services.accounts.email_verification import EmailVerification
from server.services.accounts.password_authentication import PasswordAuthentication
from server.services.accounts.passwordless.sign_in_methods import MethodList
from server.services.accounts.request_authentication import RequestAuthenticator
from server.services.accounts.revocations import Revocations
from server.services.accounts.security_alerts import SecurityAlerts
from server.services.accounts.sessions import Sessions
from server.services.content.audiences import Audiences
from server.services.content.avif_renditions import AvifRenditions
from server.services.content.collections import Collections
from server.services.content.comment_approvals import CommentApprovals
from server.services.content.comment_likes import CommentLikes
from server.services.content.comment_pins import CommentPins
from server.services.content.comment_settings import CommentSettings
from server.services.content.comments import Comments
from server.services.content.deletion import Deletions
from server.services.content.draft_publication import DraftPublication
from server.services.content.draft_reader import DraftReader
from server.services.content.drafts import Drafts
from server.services.content.likes import Likes
from server.services.content.media import Media, MediaLimits
from server.services.content.media_access import MediaAccess
from server.services.content.media_addresses import MediaAddresses
from server.services.content.media_processing import MediaProcessing
from server.services.content.picture_hashes import PictureHashes
from server.services.content.pins import PinnedList, Pins
from server.services.content.places import Places
from server.services.content.post_history import PostHistory
from server.services.content.posts import Posts
from server.services.content.saves import Saves
from server.services.content.share_links import ShareLinks
from server.services.content.tags import Tags
from server.services.content.uploads import UploadRules, Uploads
from server.services.erasure.accounts import AccountErasure
from server.services.erasure.contents import ContentServices
from server.services.explore.ranking_jobs import RankingJobs
from server.services.feed.announcements import FeedAnnouncements
from server.services.feed.cache_invalidation import CacheInvalidation
from server.services.feed.card_cache import CardCache
from server.services.feed.explanations import Explanations
from server.services.feed.fan_out import FanOut, FanOutRules
from server.services.feed.pages import Feed
from server.services.feed.tag_lists import TagLists
from server.services.jobs.idempotency import Idempotency
from server.services.jobs.job_search import JobSearch
from server.services.jobs.jobs import Jobs
from server.services.jobs.processes import Processes
from server.services.jobs.queue_administration import QueueAdministration
from server.services.jobs.queue_figures import QueueFigures
from server.services.jobs.storage_figures import StorageFigures
from server.services.moderation.appeal_queue import AppealQueue
from server.services.moderation.appeals import Appeals
from server.services.moderation.decision_emails import DecisionEmails
from server.services.moderation.decisions import Decisions
from server.services.moderation.filter_administration import FilterAdministration
from server.services.moderation.matched_reports import MatchedReports
from server.services.moderation.own_decisions import OwnDecisions
from server.services.moderation.queue_operations import QueueOperations
from server.services.moderation.report_queue import ReportQueue
from server.services.moderation.reports import Reports
from server.services.moderation.session_administration import SessionAdministration
from server.services.moderation.staff import Staff
from server.services.moderation.standings import Standings
from server.services.notifications.delivery.badge_pushes import BadgePushes
from server.services.notifications.delivery.digest_emails import DigestEmails
from server.services.notifications.delivery.emails import NotificationEmails
from server.services.notifications.delivery.pushes import Pushes
from server.services.notifications.devices import Devices
from server.services.notifications.digests import Digests
from server.services.notifications.follow_jobs import FollowNotificationJobs
from server.services.notifications.moderation_jobs import ModerationNotificationJobs
from server.services.notifications.notification_jobs import NotificationJobs
from server.services.notifications.notifications import Notifications
from server.services.notifications.preferences import Preferences
from server.services.notifications.store import NotificationStore
from server.services.notifications.stream_reader import StreamReader
from server.services.notifications.stream_tickets import StreamTickets
from server.services.notifications.writer import NotificationWriter
from server.services.people.blocks import Blocks
from server.services.people.close_friends import CloseFriends
from server.services.people.follow_requests import FollowRequests
from server.services.people.follows import Follows
from server.services.people.mutes import Mutes
from server.services.people.profiles import Profiles
from server.services.people.restrictions import Restrictions
from server.services.people.user_lookup import UserLookup
from server.services.portability.export_emails import ExportEmails
from server.services.portability.export_jobs import ExportJobs
from server.services.portability.exports import Exports
from server.services.portability.imports import Imports
from server.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one process."""

    accounts: Accounts
    passwordless: Passwordless
    sign_in_methods: MethodList
    password_authentication: PasswordAuthentication
    sessions: Sessions
    sign_ins: SignIns
    reauthentication: Reauthentication
    second_factors: SecondFactors
    request_authenticator: RequestAuthenticator
    revocations: Revocations
    credentials: Credentials
    email_verification: EmailVerification
    account_recovery: AccountRecovery
    account_closures: AccountClosures
    account_erasure: AccountErasure
    account_emails: AccountEmails
    security_alerts: SecurityAlerts
    user_lookup: UserLookup
    share_links: ShareLinks
    profiles: Profiles
    posts: Posts
    post_history: PostHistory
    drafts: Drafts
    draft_publication: DraftPublication
    pins: Pins
    tags: Tags
    audiences: Audiences
    media: Media
    media_addresses: MediaAddresses
    media_access: MediaAccess
    uploads: Uploads
    media_processing: MediaProcessing
    avif_renditions: AvifRenditions
    picture_hashes: PictureHashes
    comments: Comments
    comment_likes: CommentLikes
    comment_approvals: CommentApprovals
    comment_pins: CommentPins
    comment_settings: CommentSettings
    likes: Likes
    saves: Saves
    collections: Collections
    follows: Follows
    follow_requests: FollowRequests
    blocks: Blocks
    mutes: Mutes
    close_friends: CloseFriends
    restrictions: Restrictions
    reports: Reports
    report_queue: ReportQueue
    decisions: Decisions
    own_decisions: OwnDecisions
    filter_administration: FilterAdministration
    matched_reports: MatchedReports
    appeals: Appeals
    appeal_queue: AppealQueue
    standings: Standings
    staff: Staff
    session_administration: SessionAdministration
    decision_emails: DecisionEmails
    exports: Exports
    export_jobs: ExportJobs
    export_emails: ExportEmails
    imports: Imports
    feed: Feed
    explanations: Explanations
    feeds: Feeds
    explore_ranking: RankingJobs
    fan_out: FanOut
    tag_lists: TagLists
    cache_invalidation: CacheInvalidation
    notifications: Notifications
    stream_reader: StreamReader
    notification_jobs: NotificationJobs
    follow_notification_jobs: FollowNotificationJobs
    moderation_notification_jobs: ModerationNotificationJobs
    notification_emails: NotificationEmails
    digests: Digests
    digest_emails: DigestEmails
    pushes: Pushes
    badge_pushes: BadgePushes
    preferences: Preferences
    devices: Devices
    stream_tickets: StreamTickets
    deletions: Deletions
    discovery: Discovery
    queues: QueueAdministration
    queue_figures: QueueFigures
    queue_operations: QueueOperations
    job_search: JobSearch
    processes: Processes
    storage_figures: StorageFigures
    idempotency: Idempotency


def build_services(
    settings: Settings, var: Path, resources: Resources, clock: Clock | None = None
) -> tuple[Services, Jobs]:
    """Build the services and their jobs. Changes are made at the time of `clock`."""
    shared = Collaborators(settings, resources, clock or SystemClock())
    rows, work, cards, visibility = shared.rows, shared.unit_of_work, shared.cards, shared.visibility
    jobs, tokens, revocations, pictures = shared.jobs, shared.tokens, shared.revocations, shared.pictures
    queries, timelines = shared.feed_queries, shared.timelines
    metrics = resources.instrumentation.metrics
    alerts = SecurityAlerts(
        rows.users, shared.email_tokens, shared.account_links, work, jobs, shared.email_delivery
    )
    authentication = build_authentication(settings, resources, shared, alerts)
    reauthentication = authentication.reauthentication
    verification = EmailVerification(
        rows.email_addresses, shared.suppressions, work, reauthentication, shared.email_tokens
    )
    store = NotificationStore(
        rows.notifications, rows.activity_states, rows.inboxes, shared.active_sessions, shared.digests
    )
    writer = NotificationWriter(work, store, shared.publisher, metrics)
    follows = Follows(
        rows.follows,
        rows.follow_requests,
        rows.profiles,
        rows.relationships,
        shared.lookup,
        work,
        cards,
        visibility,
    )
    history = PostHistory(rows.post_versions, rows.posts, rows.post_images, cards, visibility)
    places = Places(rows.places, visibility)
    tags = Tags(rows.tags, rows.users, rows.posts, rows.blocks, work, jobs, cards, visibility)
    feeds = build_feeds(
        rows,
        queries,
        resources.feeds_redis,
        timelines,
        cards,
        _card_cache(settings, resources),
        visibility,
        metrics,
        SystemClock(),
    )
    posts = Posts(
        rows.users,
        rows.posts,
        rows.post_images,
        rows.media,
        work,
        cards,
        visibility,
        pictures,
        shared.text_filters,
        history,
        tags,
        places,
        PinnedList(rows.posts, feeds.listed),
    )
    publication = DraftPublication(rows.drafts, rows.media, rows.users, posts, pictures, work)
    drafts = Drafts(
        rows.drafts,
        rows.media,
        DraftReader(rows.drafts, rows.media, posts, cards),
        publication,
        work,
        jobs,
        pictures,
    )
    commenting = build_comments(rows, work, cards, visibility, shared.text_filters)
    contents = ContentServices(
        posts=posts,
        drafts=drafts,
        deletions=Deletions(
            rows.users, rows.posts, rows.post_images, rows.post_parts, work, jobs, pictures, places
        ),
        likes=Likes(rows.likes, rows.posts, work, cards, visibility),
        comment_likes=commenting.likes,
        comment_removals=commenting.removals,
        media=Media(
            rows.media, work, cards, pictures, _media_limits(settings), shared.publisher.publish_media
        ),
        uploads=Uploads(
            rows.uploads,
            rows.media,
            work,
            resources.media,
            pictures,
            _upload_rules(settings),
            metrics,
            shared.publisher.publish_media,
        ),
        exports=build_exports(settings, resources, shared, reauthentication),
        tags=tags,
    )
    saves = Saves(rows.saves, rows.profiles, work, cards, visibility)
    accounts = Accounts(
        rows.users,
        work,
        resources.passwords,
        shared.password_rules,
        rows.former_usernames,
        shared.text_filters,
    )
    moderation = build_moderation(settings, shared, contents, reauthentication)
    profiles = Profiles(
        rows.profiles,
        shared.lookup,
        work,
        cards,
        pictures,
        rows.former_usernames,
        shared.text_filters,
        shared.share_links,
    )
    discovery = build_discovery(
        rows,
        cards,
        feeds.listed,
        feeds.kept_suggestions,
        feeds.users,
        visibility,
        work,
        jobs,
        shared.text_filters,
        shared.lookup,
        clock or SystemClock(),
    )
    queues, figures = build_shared_queue_administration(
        settings, resources.database, resources.job_notifier, resources.pipelined_redis
    )
    searched = JobSearch(JobSearchRepository(resources.database))
    services = Services(
        accounts=accounts,
        passwordless=build_passwordless(
            settings, resources, shared, accounts, reauthentication, authentication.methods
        ),
        sign_in_methods=authentication.methods,
        password_authentication=authentication.passwords,
        sessions=authentication.sessions,
        sign_ins=authentication.sign_ins,
        reauthentication=reauthentication,
        second_factors=authentication.second_factors,
        request_authenticator=RequestAuthenticator(
            tokens,
            SessionCheck(resources.pipelined_redis),
            revocations,
            resources.rate_limits,
            rows.users,
            shared.tiers,
        ),
        revocations=revocations,
        credentials=_credentials(resources, shared, authentication, verification),
        email_verification=verification,
        account_recovery=AccountRecovery(
            rows.email_addresses,
            rows.logins,
            work,
            resources.passwords,
            shared.email_tokens,
            revocations,
            authentication.second_factor_removal,
            authentication.methods,
        ),
        account_closures=AccountClosures(
            rows.users, shared.statuses, revocations, reauthentication, work, _grace_ms(settings)
        ),
        account_erasure=build_erasure(var, resources, shared, contents, follows, store, discovery.index),
        account_emails=_account_emails(shared),
        security_alerts=alerts,
        user_lookup=shared.lookup,
        share_links=shared.share_links,
        profiles=profiles,
        posts=posts,
        post_history=history,
        drafts=drafts,
        draft_publication=publication,
        pins=Pins(rows.users, rows.posts, visibility, work),
        tags=tags,
        audiences=Audiences(rows.users, rows.post_audiences, visibility),
        uploads=contents.uploads,
        media_processing=MediaProcessing(
            rows.uploads,
            rows.media,
            work,
            jobs,
            resources.media,
            pictures,
            var / "tmp",
            shared.publisher.publish_media,
        ),
        avif_renditions=AvifRenditions(
            rows.posts, rows.post_images, work, jobs, resources.media, resources.images, var / "tmp"
        ),
        picture_hashes=PictureHashes(rows.post_images, resources.media, resources.images, jobs, var / "tmp"),
        media=contents.media,
        media_addresses=shared.media_addresses,
        media_access=shared.media_access,
        comments=commenting.comments,
        comment_likes=commenting.likes,
        comment_approvals=commenting.approvals,
        comment_pins=commenting.pins,
        comment_settings=commenting.settings,
        likes=contents.likes,
        saves=saves,
        collections=Collections(rows.collections, rows.saves, saves, rows.profiles, work, cards, visibility),
        follows=follows,
        follow_requests=FollowRequests(
            rows.follow_requests, follows, rows.profiles, shared.lookup, work, jobs, cards, visibility
        ),
        blocks=Blocks(rows.blocks, rows.close_friends, rows.profiles, follows, shared.lookup, work, cards),
        mutes=Mutes(rows.mutes, rows.profiles, shared.lookup, work, cards),
        restrictions=Restrictions(rows.restrictions, rows.profiles, shared.lookup, work, cards, visibility),
        close_friends=CloseFriends(rows.close_friends, rows.profiles, shared.lookup, work, cards, visibility),
        reports=moderation.reports,
        report_queue=moderation.report_queue,
        decisions=moderation.decisions,
        own_decisions=moderation.own_decisions,
        filter_administration=moderation.filter_administration,
        matched_reports=moderation.matched_reports,
        appeals=moderation.appeals,
        appeal_queue=moderation.appeal_queue,
        standings=moderation.standings,
        staff=moderation.staff,
        session_administration=moderation.sessions,
        decision_emails=moderation.decision_emails,
        exports=contents.exports,
        export_jobs=build_export_jobs(settings, resources, shared, var / "tmp"),
        imports=build_imports(shared, resources, profiles, var / "tmp"),
        export_emails=build_export_emails(settings, resources, shared),
        feed=feeds.feed,
        feeds=feeds,
        explore_ranking=build_explore_ranking(rows, work, jobs, clock or SystemClock()),
        explanations=Explanations(queries, visibility, TimelineAudit(resources.feeds_redis)),
        fan_out=FanOut(
            rows.fan_outs,
            queries,
            timelines,
            FeedAnnouncements(rows.feeds, shared.publisher, SystemClock()),
            jobs,
            _fan_out_rules(settings),
        ),
        tag_lists=TagLists(rows.tagged_posts, timelines, jobs),
        cache_invalidation=shared.cache_invalidation,
        deletions=contents.deletions,
        discovery=discovery,
        notifications=shared.notifications,
        stream_reader=StreamReader(rows.notification_list, cards, shared.notifications),
        notification_jobs=NotificationJobs(jobs, rows.activities, rows.notification_list, store, writer),
        follow_notification_jobs=FollowNotificationJobs(
            work, jobs, rows.activities, rows.blocks, store, writer
        ),
        moderation_notification_jobs=ModerationNotificationJobs(
            jobs, rows.reports, rows.activities, store, writer
        ),
        notification_emails=build_notification_emails(settings, resources, shared),
        digests=shared.digests,
        digest_emails=build_digest_emails(settings, resources, shared),
        pushes=build_pushes(settings, resources, shared),
        badge_pushes=build_badge_pushes(resources, shared),
        preferences=Preferences(
            rows.preferences,
            rows.users,
            shared.suppressions,
            work,
            shared.unsubscribe_tokens,
            shared.digests,
            rows.digests,
        ),
        devices=Devices(rows.devices, work, shared.active_sessions, push_hosts(settings)),
        stream_tickets=StreamTickets(resources.pipelined_redis, revocations),
        queues=queues,
        queue_figures=figures,
        queue_operations=QueueOperations(queues, searched, rows.audit_chain, work),
        job_search=searched,
        processes=Processes(NodeRepository(resources.database), CacheStateRepository(resources.database)),
        storage_figures=build_storage_figures(resources),
        idempotency=Idempotency(rows.idempotency_keys, shared.secret),
    )
    return services, jobs


def _grace_ms(settings: Settings) -> int:
    """Return the time until an account is erased, when no stored response to one of its requests is left."""
    kept_ms = round(settings.maintenance.keys_kept_s * 1000)
    return max(settings.auth.account_deletion_grace_days * 86_400_000, kept_ms)


def _card_cache(settings: Settings, resources: Resources) -> CardCache:
    chosen = settings.feed
    in_redis = RedisCardCache(resources.feeds_redis, chosen.cached_posts)
    return CardCache(in_redis, chosen.posts_in_memory, settings.media_base_url, resources.epoch)


def _fan_out_rules(settings: Settings) -> FanOutRules:
    return FanOutRules(settings.feed.fan_out_batch, settings.feed.celebrity_threshold)


def _upload_rules(settings: Settings) -> UploadRules:
    chosen = settings.uploads
    return UploadRules(
        chosen.max_file_bytes,
        chosen.max_unused,
        chosen.max_unfinished_bytes,
        round(chosen.unused_kept_s * 1000),
    )


def _media_limits(settings: Settings) -> MediaLimits:
    return MediaLimits(settings.uploads.max_unused, round(settings.uploads.unused_kept_s * 1000))


def _credentials(
    resources: Resources,
    shared: Collaborators,
    authentication: Authentication,
    verification: EmailVerification,
) -> Credentials:
    return Credentials(
        shared.rows.logins,
        shared.rows.email_addresses,
        verification,
        shared.email_tokens,
        shared.unit_of_work,
        resources.passwords,
        shared.password_rules,
        shared.revocations,
        shared.rows.users,
        authentication.passwords,
        authentication.reauthentication,
        shared.rows.sessions,
    )


def _account_emails(shared: Collaborators) -> AccountEmails:
    return AccountEmails(
        shared.rows.users,
        shared.rows.email_addresses,
        shared.suppressions,
        shared.email_tokens,
        shared.account_links,
        shared.unit_of_work,
        shared.jobs,
        shared.email_delivery,
    )
