"""Services on a real database and a real Redis, without HTTP, queues or workers, shared by the tests of services.

Jobs are not run until a test asks for it, so a test decides what happens between a commit and its jobs.
"""

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from redis.asyncio import Redis

from server.assembly.comments import build_comments
from server.assembly.discovery import Discovery, build_discovery
from server.assembly.feed import Feeds, build_explore_ranking, build_feeds
from server.assembly.repositories import Repositories
from server.clock import SystemClock
from server.epoch import DatabaseEpoch
from server.events import CacheKey, PostChanged, PostPublished, SearchedPostChanged
from server.gateways.common_passwords import CommonPasswords
from server.gateways.email.email import Email, EmailSender
from server.gateways.feed_store.cache_invalidations import InvalidationLog
from server.gateways.feed_store.cached_users import CachedUsers
from server.gateways.feed_store.card_cache import RedisCardCache
from server.gateways.feed_store.timelines import Timelines
from server.gateways.images.processor import ImageProcessor
from server.gateways.media import MediaStore
from server.gateways.oidc.provider_keys import ProviderKeys
from server.gateways.outbox import Outbox
from server.gateways.password_queue import PasswordQueue
from server.gateways.passwords import Passwords
from server.gateways.push.device_sender import DeviceSender, EndpointSender
from server.gateways.push.message import PushMessage, PushOutcome
from server.gateways.push.web_push.push_hosts import PushHosts
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.rate_limits import RateLimits
from server.gateways.redis.revocation_list import RevocationList
from server.gateways.redis.session_check import SessionCheck
from server.gateways.redis.turns import Turns
from server.gateways.relying_party import RelyingParty
from server.ids import IdGenerator, JobId, MediaId, PostId, UserId
from server.metrics import Metrics
from server.models.accounts.email_addresses import EmailAddressRepository
from server.models.accounts.email_suppressions import EmailSuppressionRepository
from server.models.accounts.email_tokens import EmailTokenPurpose, EmailTokenRepository
from server.models.accounts.external_identities import ExternalIdentityRepository
from server.models.accounts.former_usernames import FormerUsernameRepository
from server.models.accounts.logins import LoginRepository
from server.models.accounts.passkeys import PasskeyRepository
from server.models.accounts.recovery_codes import RecoveryCodeRepository
from server.models.accounts.second_factors import SecondFactorRepository
from server.models.accounts.sessions import SessionRepository
from server.models.accounts.sign_in_challenges import SignInChallengeRepository
from server.models.accounts.used_id_tokens import UsedIdTokenRepository
from server.models.accounts.used_passkey_challenges import UsedPasskeyChallengeRepository
from server.models.accounts.user_cards import UserCardRepository
from server.models.accounts.users import UserRepository, UserTable
from server.models.audience import Audience
from server.models.content.collections import CollectionRepository
from server.models.content.comments import CommentRepository
from server.models.content.drafts import DraftRepository
from server.models.content.followed_likers import FollowedLikerRepository
from server.models.content.likes import LikeRepository
from server.models.content.media import MediaRepository
from server.models.content.media_keys import MediaKeyRepository
from server.models.content.places import PlaceRepository
from server.models.content.post_audiences import PostAudienceRepository
from server.models.content.post_images import PostImageRepository
from server.models.content.post_parts import PostPartRepository
from server.models.content.post_versions import PostVersionRepository
from server.models.content.posts import PostRepository
from server.models.content.saves import SaveRepository
from server.models.content.tags import TagRepository
from server.models.content.uploads import UploadRepository
from server.models.database import Database
from server.models.erasure.erased_accounts import ErasedAccountRepository
from server.models.erasure.mentions import StoredMentionRepository
from server.models.erasure.user_rows import UserRowRepository
from server.models.feed.fan_outs import FanOutRepository
from server.models.feed.feeds import FeedRepository
from server.models.feed.tagged_posts import TaggedPostRepository
from server.models.jobs.expired_leases import ExpiredLeaseRepository
from server.models.jobs.idempotency_keys import IdempotencyKeyRepository
from server.models.jobs.jobs import JobRepository
from server.models.jobs.leases import JobLeaseRepository
from server.models.moderation.actions import ModerationActionRepository
from server.models.moderation.appeals import AppealRepository
from server.models.moderation.audit_chain import AuditChainRepository
from server.models.moderation.content_filters import ContentFilterRepository
from server.models.moderation.refused_pictures import RefusedPictureRepository
from server.models.moderation.report_cases import ReportCaseRepository
from server.models.moderation.reports import ReportRepository
from server.models.notifications.activities import ActivityRepository
from server.models.notifications.activity_states import ActivityStateRepository
from server.models.notifications.deliverables import DeliverableRepository
from server.models.notifications.devices import DeviceRepository
from server.models.notifications.digest_contents import DigestContentRepository
from server.models.notifications.digests import DigestRepository, EmailFrequency
from server.models.notifications.inboxes import InboxRepository
from server.models.notifications.notification_list import NotificationListRepository
from server.models.notifications.notifications import NotificationRepository
from server.models.notifications.preferences import PreferenceRepository
from server.models.people.blocks import BlockRepository
from server.models.people.close_friends import CloseFriendRepository
from server.models.people.follow_requests import FollowRequestRepository
from server.models.people.follows import FollowRepository
from server.models.people.mutes import MuteRepository
from server.models.people.profiles import ProfileRepository
from server.models.people.relationships import RelationshipRepository
from server.models.people.restrictions import RestrictionRepository
from server.models.portability.exports import ExportRepository
from server.models.portability.import_items import ImportItemRepository
from server.models.portability.personal_data import PersonalDataRepository
from server.pubsub.publisher import Publisher
from server.services.accounts.account_closures import AccountClosures
from server.services.accounts.account_emails import AccountEmails
from server.services.accounts.account_links import AccountLinks
from server.services.accounts.account_recovery import AccountRecovery
from server.services.accounts.account_statuses import AccountStatuses
from server.services.accounts.account_tiers import AccountTiers, TierRules
from server.services.accounts.accounts import Accounts
from server.services.accounts.active_sessions import ActiveSessions
from server.services.accounts.appeal_tokens import AppealTokens
from server.services.accounts.authentication.reauthentication import Reauthentication
from server.services.accounts.authentication.second_factor_codes import SecondFactorCodes
from server.services.accounts.authentication.second_factor_removal import SecondFactorRemoval
from server.services.accounts.authentication.second_factors import SecondFactors
from server.services.accounts.authentication.sign_ins import SignIns
from server.services.accounts.authentication.totp import TotpSecrets
from server.services.accounts.credentials import Credentials
from server.services.accounts.email_tokens import EmailTokens
from server.services.accounts.email_verification import EmailVerification
from server.services.accounts.password_authentication import PasswordAuthentication
from server.services.accounts.password_rules import PasswordRules
from server.services.accounts.passwordless.external_identities import ExternalIdentities
from server.services.accounts.passwordless.id_tokens import IdTokens
from server.services.accounts.passwordless.linked_identities import LinkedIdentities
from server.services.accounts.passwordless.method_alerts import MethodAlerts
from server.services.accounts.passwordless.passkey_challenges import PasskeyChallenges
from server.services.accounts.passwordless.passkey_sign_ins import PasskeySignIns
from server.services.accounts.passwordless.passkeys import Passkeys
from server.services.accounts.passwordless.sign_in_methods import MethodList
from server.services.accounts.request_authentication import RequestAuthenticator
from server.services.accounts.revocations import Revocations, retention_ms
from server.services.accounts.roles import Roles
from server.services.accounts.second_factor_changes import SecondFactorChanges
from server.services.accounts.security_alerts import SecurityAlerts
from server.services.accounts.sessions import Sessions
from server.services.accounts.sign_in_limits import SignInLimits
from server.services.accounts.tokens import TokenRules, Tokens
from server.services.accounts.usernames import normalize
from server.services.content.audiences import Audiences
from server.services.content.avif_renditions import AvifRenditions
from server.services.content.cards import Cards
from server.services.content.collections import Collections
from server.services.content.deletion import Deletions
from server.services.content.draft_publication import DraftPublication
from server.services.content.draft_reader import DraftReader
from server.services.content.drafts import Drafts
from server.services.content.imported_posts import ImportedPosts
from server.services.content.likes import Likes
from server.services.content.listed_posts import ListedPosts
from server.services.content.media import Media, MediaLimits
from server.services.content.media_access import MediaAccess
from server.services.content.media_addresses import MediaAddresses
from server.services.content.media_processing import MediaProcessing
from server.services.content.mentions import Mentions
from server.services.content.picture_hashes import PictureHashes
from server.services.content.pictures import Pictures
from server.services.content.pins import PinnedList, Pins
from server.services.content.places import Places
from server.services.content.post_history import PostHistory
from server.services.content.posts import Posts
from server.services.content.refused_pictures import RefusedPictures
from server.services.content.saves import Saves
from server.services.content.share_links import ShareLinks
from server.services.content.tags import Tags
from server.services.content.uploads import UploadRules, Uploads
from server.services.content.visibility import Visibility
from server.services.emails.delivery import EmailBudget, EmailDelivery
from server.services.emails.suppressions import Suppressions
from server.services.emails.unsubscribe_tokens import UnsubscribeTokens
from server.services.erasure.accounts import AccountErasure
from server.services.erasure.activities import ActivityErasure
from server.services.erasure.contents import ContentErasure, ContentServices
from server.services.feed.announcements import FeedAnnouncements
from server.services.feed.cache_invalidation import CacheInvalidation
from server.services.feed.card_cache import CardCache
from server.services.feed.fan_out import FanOut, FanOutRules
from server.services.feed.pages import Feed
from server.services.feed.queries import FeedQueries
from server.services.feed.tag_lists import TagLists
from server.services.filters.text_filters import TextFilters
from server.services.jobs.claims import Claim, JobRef
from server.services.jobs.event_jobs import JobKind, Queue
from server.services.jobs.idempotency import Idempotency
from server.services.jobs.jobs import Jobs
from server.services.jobs.retry_rules import RetryRule
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.moderation.appeal_queue import AppealQueue
from server.services.moderation.appeals import Appeals
from server.services.moderation.decision_emails import DecisionEmails
from server.services.moderation.decisions import Decisions
from server.services.moderation.filter_administration import FilterAdministration
from server.services.moderation.matched_reports import MatchedReports
from server.services.moderation.own_decisions import OwnDecisions
from server.services.moderation.report_queue import ReportQueue
from server.services.moderation.reports import Reports
from server.services.moderation.sanctions import Sanctions
from server.services.moderation.standings import Standings
from server.services.moderation.tables import ModerationTables
from server.services.notifications.badges import Badges
from server.services.notifications.delivery.activity_links import ActivityLinks
from server.services.notifications.delivery.badge_pushes import BadgePushes
from server.services.notifications.delivery.deliverables import Deliverables
from server.services.notifications.delivery.digest_composer import DigestComposer
from server.services.notifications.delivery.digest_emails import DigestEmails
from server.services.notifications.delivery.digest_items import DigestContents
from server.services.notifications.delivery.emails import NotificationEmails
from server.services.notifications.delivery.pushes import Pushes
from server.services.notifications.devices import Devices
from server.services.notifications.digest_times import DigestTimes
from server.services.notifications.digests import Digests
from server.services.notifications.follow_jobs import FollowNotificationJobs
from server.services.notifications.moderation_jobs import ModerationNotificationJobs
from server.services.notifications.notification_jobs import NotificationJobs
from server.services.notifications.notifications import Notifications
from server.services.notifications.preferences import Preferences
from server.services.notifications.store import NotificationStore
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
from server.services.portability.export_jobs import ExportJobs, ExportRules
from server.services.portability.exported_contents import ExportedContents
from server.services.portability.exported_pictures import ExportedPictures
from server.services.portability.exports import Exports
from server.services.portability.imports import Imports
from server.services.records import AccountStatus, Principal

WINDOW = 20
FAN_OUT_BATCH = 3
FEED_TTL_S = 600
CELEBRITY_THRESHOLD = 12
MAX_NOTES = 1000
LEASE_MS = 60_000
MAX_ATTEMPTS = 3
BACKOFF_MS = 1000
BACKOFF_CAP_MS = 3000
REMOVAL_BATCH = 4
MAX_CRASHES = 3
PICTURES_PER_RUN = 3
GRACE_MS = 30 * 86_400_000
EXPORTS_KEPT_MS = 7 * 86_400_000


SECOND_FACTOR_SECRET = b"the second factor secret of these tests"
TOKEN_RULES = TokenRules(
    access_secret="the access secret of these tests, long enough",
    refresh_secret="the refresh secret of these tests, long enough",
    issuer="photofeed",
    audience="photofeed-api",
    access_ttl_s=900,
    refresh_idle_s=86_400,
    refresh_absolute_s=864_000,
)
RETENTION_MS = retention_ms(TOKEN_RULES.access_ttl_s)
RESET_TTL_S = 1800
MAX_UNUSED_MEDIA = 3
UPLOAD_RULES = UploadRules(max_bytes=10_000_000, max_unused=MAX_UNUSED_MEDIA, max_unfinished_bytes=20_000_000)
CLIENT_URL = "https://pages.test"
DIGEST_TIMES = DigestTimes(16, 20)
PASSKEY_SITE, PASSKEY_ORIGIN = "photos.test", "https://photos.test"
EMAIL_TOKEN_TTL_S = {
    EmailTokenPurpose.VERIFY: 86_400,
    EmailTokenPurpose.RESET: RESET_TTL_S,
    EmailTokenPurpose.RECOVER: 604_800,
}
LINKS = AccountLinks(
    verify_url="https://photos.test/verify",
    reset_url="https://photos.test/reset",
    recover_url="https://photos.test/recover",
)


class RecordingNotifier:
    """Records job signals in `jobs` instead of sending them."""

    def __init__(self) -> None:
        self.jobs: list[JobRef] = []

    def notify(self, jobs: Sequence[JobRef]) -> None:
        self.jobs += jobs


class RecordingEmailSender:
    """Records e-mails; while `refuses` has errors, each call raises one of them instead."""

    def __init__(self) -> None:
        self.sent: list[Email] = []
        self.refuses: list[Exception] = []

    async def send(self, email: Email) -> None:
        if self.refuses:
            raise self.refuses.pop(0)
        self.sent.append(email)

    async def close(self) -> None:
        pass


class RecordingPushSender:
    """Records pushes by token; `outcomes` has the tokens whose push does not succeed."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, PushMessage]] = []
        self.outcomes: dict[str, PushOutcome] = {}

    async def send(self, message: PushMessage, tokens: Sequence[str]) -> list[PushOutcome]:
        outcomes = [self.outcomes.get(token, PushOutcome.SENT) for token in tokens]
        self.taken += [
            (token, message)
            for token, outcome in zip(tokens, outcomes, strict=True)
            if outcome is PushOutcome.SENT
        ]
        return outcomes

    async def close(self) -> None:
        pass


class ServiceHarness:
    """The services, built as the program builds them, with small bounds that tests can reach."""

    def __init__(self, database: Database, redis: Redis, redis_url: str, folder: Path) -> None:
        """Store and process pictures below `folder`."""
        self.database = database
        self.redis = redis
        self.redis_url = redis_url
        self.folder = folder
        self.clock = SystemClock()
        self.ids = IdGenerator(self.clock, node=1)
        rule = RetryRule(MAX_ATTEMPTS, BACKOFF_MS, BACKOFF_CAP_MS)
        self.metrics = Metrics()
        self.jobs = self._jobs_with(rule)
        self.notifier = RecordingNotifier()
        self.epoch = DatabaseEpoch("epoch of tests")
        self.pipelined_redis = PipelinedRedis(redis_url, 2.0, self.epoch)
        self.timelines = self.timelines_on(self.pipelined_redis)
        self.cache_invalidation = CacheInvalidation(self.timelines, InvalidationLog(self.pipelined_redis))
        self.unit_of_work = UnitOfWork(
            database,
            self.ids,
            self.clock,
            self.jobs,
            self.notifier.notify,
            self.cache_invalidation,
            Turns(self.pipelined_redis),
        )
        self.post_rows, self.image_rows = PostRepository(database), PostImageRepository(database)
        self.media_rows, self.upload_rows = MediaRepository(database), UploadRepository(database)
        self.visibility = Visibility(self.post_rows)
        relationships = RelationshipRepository(database)
        self.cards = Cards(
            UserCardRepository(database),
            self.post_rows,
            self.image_rows,
            relationships,
            self.visibility,
            "https://media.test/{}".format,
            FollowedLikerRepository(database),
        )
        self.passwords = Passwords(4, PasswordQueue(threads=2, queue=64))
        self.password_rules = PasswordRules(CommonPasswords())
        self.user_rows = UserRepository(database)
        self.login_rows = LoginRepository(database)
        self.address_rows = EmailAddressRepository(database)
        self.session_rows = SessionRepository(database)
        former_usernames = FormerUsernameRepository(database)
        filter_rows = ContentFilterRepository(database)
        self.text_filters = TextFilters(filter_rows)
        self.accounts = Accounts(
            self.user_rows,
            self.unit_of_work,
            self.passwords,
            self.password_rules,
            former_usernames,
            self.text_filters,
        )
        self.media_progress: list[tuple[UserId, MediaId, str]] = []
        self.images = ImageProcessor()
        self.media = MediaStore.in_folder(folder / "media", base_url="https://media.test")
        self.refused_pictures = RefusedPictures(RefusedPictureRepository(database), self.image_rows)
        self.pictures = Pictures(self.images, self.media, self.refused_pictures)
        follow_rows, profile_rows, lookup = (
            FollowRepository(database),
            ProfileRepository(database),
            UserLookup(self.user_rows),
        )
        self.lookup = lookup
        self.media_addresses = MediaAddresses(b"a secret of the tests", "https://media.test", self.clock)
        self.media_access = MediaAccess(MediaKeyRepository(database), self.visibility, self.media_addresses)
        self.share_links = ShareLinks("https://photos.test", enabled=True)
        self.profiles = Profiles(
            profile_rows,
            lookup,
            self.unit_of_work,
            self.cards,
            self.pictures,
            former_usernames,
            self.text_filters,
            self.share_links,
        )
        self.post_history = PostHistory(
            PostVersionRepository(database), self.post_rows, self.image_rows, self.cards, self.visibility
        )
        self.places = Places(PlaceRepository(database), self.visibility)
        self.tags = Tags(
            TagRepository(database),
            self.user_rows,
            self.post_rows,
            BlockRepository(database),
            self.unit_of_work,
            self.jobs,
            self.cards,
            self.visibility,
        )
        feed_rows = FeedRepository(database)
        self.feed_queries = FeedQueries(
            feed_rows, TaggedPostRepository(database), self.visibility, self.clock
        )
        self.feeds = self.feeds_on(self.pipelined_redis)
        self.feed, self.explore = self.feeds.feed, self.feeds.explore
        self.posts = Posts(
            self.user_rows,
            self.post_rows,
            self.image_rows,
            self.media_rows,
            self.unit_of_work,
            self.cards,
            self.visibility,
            self.pictures,
            self.text_filters,
            self.post_history,
            self.tags,
            self.places,
            PinnedList(self.post_rows, self.feeds.listed),
        )
        self.pins = Pins(self.user_rows, self.post_rows, self.visibility, self.unit_of_work)
        self.draft_rows = DraftRepository(database)
        self.draft_publication = DraftPublication(
            self.draft_rows,
            self.media_rows,
            self.user_rows,
            self.posts,
            self.pictures,
            self.unit_of_work,
        )
        self.drafts = Drafts(
            self.draft_rows,
            self.media_rows,
            DraftReader(self.draft_rows, self.media_rows, self.posts, self.cards),
            self.draft_publication,
            self.unit_of_work,
            self.jobs,
            self.pictures,
        )
        self.audience_rows = PostAudienceRepository(database)
        self.audiences = Audiences(self.user_rows, self.audience_rows, self.visibility)
        self.uploads = self.uploads_with(UPLOAD_RULES)
        self.media_processing = MediaProcessing(
            self.upload_rows,
            self.media_rows,
            self.unit_of_work,
            self.jobs,
            self.media,
            self.pictures,
            folder,
            self._record_media_progress,
        )
        self.avif_renditions = AvifRenditions(
            self.post_rows,
            self.image_rows,
            self.unit_of_work,
            self.jobs,
            self.media,
            self.images,
            folder,
        )
        self.picture_hashes = PictureHashes(
            self.image_rows, self.media, self.images, self.jobs, folder, per_run=PICTURES_PER_RUN
        )
        self.unused_media = Media(
            self.media_rows,
            self.unit_of_work,
            self.cards,
            self.pictures,
            MediaLimits(MAX_UNUSED_MEDIA),
            self._record_media_progress,
        )
        self.tokens = Tokens(self.clock, TOKEN_RULES, self.epoch)
        self.revocations = self.revocations_on(RevocationList(self.pipelined_redis, RETENTION_MS))
        self.action_rows, self.audit_rows = (
            ModerationActionRepository(database),
            AuditChainRepository(database),
        )
        self.appeal_tokens = AppealTokens(b"a secret of the tests")
        self.appeal_rows = AppealRepository(database)
        self.own_decisions = OwnDecisions(self.action_rows, self.appeal_rows)
        self.statuses = AccountStatuses(
            self.user_rows, self.revocations, self.action_rows, self.appeal_tokens
        )
        self.roles = Roles(
            self.user_rows, self.audit_rows, self.unit_of_work, InvalidationLog(self.pipelined_redis)
        )
        self.tiers = AccountTiers(self.clock, self.action_rows, TierRules())
        self.sessions = self.sessions_with(self.unit_of_work, self.tokens)
        self.request_authenticator = RequestAuthenticator(
            self.tokens,
            SessionCheck(self.pipelined_redis),
            self.revocations,
            RateLimits(self.pipelined_redis),
            self.user_rows,
            self.tiers,
        )
        self.email = RecordingEmailSender()
        # The choice of each user that is inserted from now on; None: the default.
        self.email_frequency: EmailFrequency | None = None
        self.suppressions = Suppressions(EmailSuppressionRepository(database), normalize)
        self.email_tokens = EmailTokens(EmailTokenRepository(database), EMAIL_TOKEN_TTL_S, b"e" * 32)
        self.security_alerts = self.security_alerts_through(
            EmailDelivery(self.email, self.suppressions, normalize)
        )
        self.password_authentication = self.authentication_with(None)
        self._build_second_factors()
        self._build_passkeys()
        self.email_verification = EmailVerification(
            self.address_rows,
            self.suppressions,
            self.unit_of_work,
            self.reauthentication,
            self.email_tokens,
        )
        self.account_recovery = AccountRecovery(
            self.address_rows,
            self.login_rows,
            self.unit_of_work,
            self.passwords,
            self.email_tokens,
            self.revocations,
            self.second_factor_removal,
            self.sign_in_methods,
        )
        self.credentials = Credentials(
            self.login_rows,
            self.address_rows,
            self.email_verification,
            self.email_tokens,
            self.unit_of_work,
            self.passwords,
            self.password_rules,
            self.revocations,
            self.user_rows,
            self.password_authentication,
            self.reauthentication,
            self.session_rows,
        )
        self.account_closures = AccountClosures(
            self.user_rows,
            self.statuses,
            self.revocations,
            self.reauthentication,
            self.unit_of_work,
            GRACE_MS,
        )
        restriction_rows = RestrictionRepository(database)
        self.commenting = build_comments(
            Repositories(database), self.unit_of_work, self.cards, self.visibility, self.text_filters
        )
        self.comments, self.comment_likes = self.commenting.comments, self.commenting.likes
        self.likes = self.likes_with(self.unit_of_work)
        save_rows = SaveRepository(database)
        self.saves = Saves(save_rows, profile_rows, self.unit_of_work, self.cards, self.visibility)
        self.collections = Collections(
            CollectionRepository(database),
            save_rows,
            self.saves,
            profile_rows,
            self.unit_of_work,
            self.cards,
            self.visibility,
        )
        request_rows, block_rows = FollowRequestRepository(database), BlockRepository(database)
        self.follows = Follows(
            follow_rows,
            request_rows,
            profile_rows,
            relationships,
            lookup,
            self.unit_of_work,
            self.cards,
            self.visibility,
        )
        self.follow_requests = FollowRequests(
            request_rows,
            self.follows,
            profile_rows,
            lookup,
            self.unit_of_work,
            self.jobs,
            self.cards,
            self.visibility,
        )
        friend_rows = CloseFriendRepository(database)
        self.blocks = Blocks(
            block_rows, friend_rows, profile_rows, self.follows, lookup, self.unit_of_work, self.cards
        )
        self.restrictions = Restrictions(
            restriction_rows, profile_rows, lookup, self.unit_of_work, self.cards, self.visibility
        )
        self.close_friends = CloseFriends(
            friend_rows, profile_rows, lookup, self.unit_of_work, self.cards, self.visibility
        )
        self.mutes = Mutes(MuteRepository(database), profile_rows, lookup, self.unit_of_work, self.cards)
        case_rows, report_rows = ReportCaseRepository(database), ReportRepository(database)
        self.report_queue = ReportQueue(
            case_rows, report_rows, self.audit_rows, self.cards, self.unit_of_work
        )
        tables = ModerationTables(case_rows, report_rows, self.action_rows, self.audit_rows, self.appeal_rows)
        sanctions = Sanctions(
            self.user_rows,
            self.action_rows,
            self.posts,
            self.commenting.removals,
            self.statuses,
            self.refused_pictures,
        )
        self.appeals = Appeals(tables, self.appeal_tokens, self.unit_of_work)
        self.appeal_queue = AppealQueue(tables, self.user_rows, sanctions, self.cards, self.unit_of_work)
        self.filter_administration = FilterAdministration(
            filter_rows, self.audit_rows, self.text_filters, self.unit_of_work
        )
        self.matched_reports = MatchedReports(
            case_rows, self.post_rows, CommentRepository(database), self.unit_of_work, self.jobs
        )
        self.standings = Standings(tables, self.user_rows, self.cards)
        self.decisions = Decisions(tables, sanctions, self.revocations, self.unit_of_work)
        self.reports = Reports(
            case_rows,
            report_rows,
            self.post_rows,
            CommentRepository(database),
            lookup,
            self.visibility,
            self.unit_of_work,
        )
        self.publisher = Publisher(redis)
        self.explore_ranking = build_explore_ranking(
            Repositories(database), self.unit_of_work, self.jobs, self.clock, unsettled_ms=-1000
        )
        rules = FanOutRules(FAN_OUT_BATCH, CELEBRITY_THRESHOLD)
        self.announcements = FeedAnnouncements(feed_rows, self.publisher, self.clock)
        self.fan_out = FanOut(
            FanOutRepository(database),
            self.feed_queries,
            self.timelines,
            self.announcements,
            self.jobs,
            rules,
        )
        self.active_sessions = ActiveSessions(self.session_rows, TOKEN_RULES.refresh_idle_s)
        inboxes = InboxRepository(database)
        self.notification_list = NotificationListRepository(database)
        self.notifications = Notifications(
            self.notification_list,
            inboxes,
            self.cards,
            self.publisher,
            Badges(DeviceRepository(database), inboxes, self.unit_of_work),
        )
        self.digest_rows = DigestRepository(database)
        self.digests = Digests(self.digest_rows, inboxes, self.unit_of_work, self.jobs, DIGEST_TIMES)
        store = NotificationStore(
            NotificationRepository(database),
            ActivityStateRepository(database),
            inboxes,
            self.active_sessions,
            self.digests,
        )
        self.store = store
        writer = NotificationWriter(self.unit_of_work, store, self.publisher, self.metrics)
        activities = ActivityRepository(database)
        self.notification_jobs = NotificationJobs(
            self.jobs, activities, self.notification_list, store, writer
        )
        self.follow_notification_jobs = FollowNotificationJobs(
            self.unit_of_work, self.jobs, activities, block_rows, store, writer
        )
        self.moderation_notification_jobs = ModerationNotificationJobs(
            self.jobs, report_rows, activities, store, writer
        )
        self.unsubscribe_tokens = UnsubscribeTokens(b"a secret of the tests", "https://photos.test")
        self.preferences = Preferences(
            PreferenceRepository(database),
            self.user_rows,
            self.suppressions,
            self.unit_of_work,
            self.unsubscribe_tokens,
            self.digests,
            self.digest_rows,
        )
        devices = DeviceRepository(database)
        self.devices = Devices(
            devices, self.unit_of_work, self.active_sessions, PushHosts(["push.test", "*.push.test"])
        )
        self.push = RecordingPushSender()
        sender = DeviceSender(self.push, EndpointSender(self.push))
        self.deliverables = Deliverables(DeliverableRepository(database), inboxes, self.unit_of_work)
        self.send_emails_through(self.email)
        self.pushes = Pushes(
            devices,
            self.jobs,
            self.deliverables,
            self.active_sessions,
            sender,
            self.notifications.count_unread,
            ActivityLinks(CLIENT_URL, self.share_links),
            metrics=self.metrics,
        )
        self.badge_pushes = BadgePushes(
            devices,
            inboxes,
            PreferenceRepository(database),
            self.jobs,
            self.active_sessions,
            sender,
            self.notifications.count_unread,
        )
        self.deletions = Deletions(
            self.user_rows,
            self.post_rows,
            self.image_rows,
            PostPartRepository(database),
            self.unit_of_work,
            self.jobs,
            self.pictures,
            self.places,
            batch=REMOVAL_BATCH,
        )
        self.discovery = self.discovery_with(self.feeds.listed)
        self.exports = Exports(
            ExportRepository(database),
            self.login_rows,
            self.unit_of_work,
            self.reauthentication,
            self.media,
            "https://photos.test",
            b"a secret of the tests",
        )
        self.export_jobs = self._export_jobs()
        self.export_emails = ExportEmails(
            ExportRepository(database),
            self.user_rows,
            self.jobs,
            EmailDelivery(self.email, self.suppressions, normalize),
            "https://pages.test/export",
        )
        self.imports = Imports(
            ImportItemRepository(database),
            ImportedPosts(
                self.user_rows,
                self.post_rows,
                self.image_rows,
                self.unit_of_work,
                encodes_avif=self.pictures.encodes_avif,
            ),
            self.profiles,
            self.pictures,
            folder,
        )
        self.account_erasure = self._account_erasure()
        self.idempotency = Idempotency(IdempotencyKeyRepository(database), b"a secret of the tests")
        self._serial = itertools.count(1)

    def _build_second_factors(self) -> None:
        rows, codes = SecondFactorRepository(self.database), RecoveryCodeRepository(self.database)
        changes = SecondFactorChanges(self.user_rows, self.email_tokens)
        self.totp = TotpSecrets(SECOND_FACTOR_SECRET, "photos.test")
        self.second_factor_codes = SecondFactorCodes(rows, codes, self.totp, changes, SECOND_FACTOR_SECRET)
        self.sign_ins = self.sign_ins_with(None)
        self.reauthentication = self.reauthentication_with(None)
        self.second_factors = self.second_factors_with(None)
        self.second_factor_removal = SecondFactorRemoval(
            rows, codes, self.login_rows, self.user_rows, changes, self.unit_of_work
        )

    def second_factors_with(self, limits: SignInLimits | None) -> SecondFactors:
        return SecondFactors(
            SecondFactorRepository(self.database),
            RecoveryCodeRepository(self.database),
            self.login_rows,
            self.user_rows,
            self.session_rows,
            self.second_factor_codes,
            self.totp,
            self.reauthentication,
            SecondFactorChanges(self.user_rows, self.email_tokens),
            self.unit_of_work,
            limits,
        )

    def _build_passkeys(self) -> None:
        rows = PasskeyRepository(self.database)
        self.sign_in_methods = MethodList(
            self.login_rows, ExternalIdentityRepository(self.database), rows, self.second_factor_codes
        )
        delivery = EmailDelivery(self.email, self.suppressions, normalize)
        self.method_alerts = MethodAlerts(self.user_rows, self.email_tokens, LINKS, self.jobs, delivery)
        party = RelyingParty(PASSKEY_SITE, "Photos", [PASSKEY_ORIGIN])
        challenges = PasskeyChallenges(
            UsedPasskeyChallengeRepository(self.database), self.clock, b"a secret of the tests"
        )
        self.passkeys = Passkeys(
            rows,
            self.user_rows,
            self.login_rows,
            party,
            challenges,
            self.reauthentication,
            self.sign_in_methods,
            self.method_alerts,
            self.unit_of_work,
        )
        self.passkey_sign_ins = PasskeySignIns(
            rows,
            self.login_rows,
            party,
            challenges,
            self.reauthentication,
            self.method_alerts,
            self.tokens,
            self.unit_of_work,
        )

    def linked_identities_with(self, keys: Mapping[str, ProviderKeys]) -> LinkedIdentities:
        """Return linking of these identity providers."""
        return LinkedIdentities(
            ExternalIdentityRepository(self.database),
            UsedIdTokenRepository(self.database),
            IdTokens(keys),
            self.reauthentication,
            self.sign_in_methods,
            self.method_alerts,
            self.unit_of_work,
        )

    def sign_ins_with(self, limits: SignInLimits | None) -> SignIns:
        return SignIns(
            self.sessions,
            self.login_rows,
            SignInChallengeRepository(self.database),
            self.second_factor_codes,
            self.security_alerts,
            self.unit_of_work,
            limits,
        )

    def reauthentication_with(self, limits: SignInLimits | None) -> Reauthentication:
        return Reauthentication(
            self.login_rows,
            self.session_rows,
            self.authentication_with(limits),
            self.second_factor_codes,
            self.unit_of_work,
            limits,
        )

    async def open_session(self, user_id: UserId) -> Principal:
        """Sign a user in and return the principal of the new session."""
        login = await self.login_rows.get(user_id)
        assert login is not None
        pair = await self.sessions.create(user_id, login.password_changed_at_ms, "", "")
        return await self.principal(pair.access_token)

    def _account_erasure(self) -> AccountErasure:
        rows = UserRowRepository(self.database)
        contents = ContentServices(
            self.posts,
            self.drafts,
            self.deletions,
            self.likes,
            self.comment_likes,
            self.commenting.removals,
            self.unused_media,
            self.uploads,
            self.exports,
            self.tags,
        )
        mentions = StoredMentionRepository(self.database)
        cached = CachedUsers(self.pipelined_redis)
        return AccountErasure(
            ErasedAccountRepository(self.database),
            rows,
            FormerUsernameRepository(self.database),
            EmailTokenRepository(self.database),
            ContentErasure(
                rows, contents, cached, self.discovery.index, self.unit_of_work, self.jobs, REMOVAL_BATCH
            ),
            ActivityErasure(rows, mentions, self.store, cached, self.unit_of_work, self.jobs, REMOVAL_BATCH),
            self.follows,
            cached,
            Outbox(self.folder / "outbox"),
            self.unit_of_work,
            self.jobs,
            self.metrics,
            batch=REMOVAL_BATCH,
        )

    def _export_jobs(self) -> ExportJobs:
        database = self.database
        data = PersonalDataRepository(database, rows_per_page=3)
        contents = ExportedContents(data, self.image_rows, ExportedPictures(self.media), self.folder)
        return ExportJobs(
            ExportRepository(database),
            contents,
            self.media,
            self.unit_of_work,
            self.jobs,
            ExportRules(self.folder, EXPORTS_KEPT_MS, "https://photos.test"),
        )

    def jobs_that_try_for(self, for_ms: int) -> Jobs:
        """Return jobs that are retried any number of times until they are `for_ms` old."""
        rule = RetryRule(1_000_000, BACKOFF_MS, BACKOFF_CAP_MS, for_ms)
        return self._jobs_with(rule)

    def _jobs_with(self, rule: RetryRule) -> Jobs:
        return Jobs(
            JobRepository(self.database),
            JobLeaseRepository(self.database, LEASE_MS),
            ExpiredLeaseRepository(self.database),
            self.ids,
            dict.fromkeys(Queue, rule),
            MAX_CRASHES,
        )

    def send_emails_through(self, sender: EmailSender, budget: EmailBudget | None = None) -> None:
        """Build the services that send e-mails, of which every kind counts against `budget`."""
        delivery = EmailDelivery(sender, self.suppressions, normalize, budget)
        self.account_emails = AccountEmails(
            self.user_rows,
            self.address_rows,
            self.suppressions,
            self.email_tokens,
            LINKS,
            self.unit_of_work,
            self.jobs,
            delivery,
        )
        self.security_alerts = self.security_alerts_through(delivery)
        self.decision_emails = DecisionEmails(
            self.user_rows,
            self.action_rows,
            self.appeal_tokens,
            self.jobs,
            delivery,
            f"{CLIENT_URL}/appeal",
        )
        self.notification_emails = NotificationEmails(
            self.jobs,
            self.deliverables,
            delivery,
            self.suppressions,
            self.unsubscribe_tokens,
            ActivityLinks(CLIENT_URL, self.share_links),
            self.metrics,
        )
        self.digest_emails = DigestEmails(
            self.digest_rows,
            DigestContents(DigestContentRepository(self.database), self.suppressions),
            DigestComposer(
                self.suppressions, self.unsubscribe_tokens, ActivityLinks(CLIENT_URL, self.share_links)
            ),
            self.digests,
            self.unit_of_work,
            self.jobs,
            delivery,
            self.metrics,
        )

    def security_alerts_through(self, delivery: EmailDelivery) -> SecurityAlerts:
        return SecurityAlerts(
            self.user_rows, self.email_tokens, LINKS, self.unit_of_work, self.jobs, delivery
        )

    def timelines_on(self, wire: PipelinedRedis) -> Timelines:
        return Timelines(wire, WINDOW, FEED_TTL_S, MAX_NOTES)

    def discovery_with(self, listed_posts: ListedPosts) -> Discovery:
        return build_discovery(
            Repositories(self.database),
            self.cards,
            listed_posts,
            self.feeds.kept_suggestions,
            self.feeds.users,
            self.visibility,
            self.unit_of_work,
            self.jobs,
            self.text_filters,
            self.lookup,
            self.clock,
        )

    def feed_on(self, wire: PipelinedRedis) -> Feed:
        """Return the feed of a process with an empty cache."""
        return self.feeds_on(wire).feed

    def feeds_on(self, wire: PipelinedRedis) -> Feeds:
        """Return the feed and explore of a process with an empty cache."""
        return build_feeds(
            Repositories(self.database),
            self.feed_queries,
            wire,
            self.timelines_on(wire),
            self.cards,
            CardCache(RedisCardCache(wire, MAX_NOTES), MAX_NOTES, epoch=self.epoch),
            self.visibility,
            self.metrics,
            self.clock,
        )

    def uploads_with(self, rules: UploadRules) -> Uploads:
        return Uploads(
            self.upload_rows,
            self.media_rows,
            self.unit_of_work,
            self.media,
            self.pictures,
            rules,
            self.metrics,
            self._record_media_progress,
        )

    async def _record_media_progress(self, owner_id: UserId, media_id: MediaId, status: str) -> bool:
        self.media_progress.append((owner_id, media_id, status))
        return True

    async def principal(self, access_token: str) -> Principal:
        """Return the principal of an access token. Raises Unauthenticated."""
        principal, _ = await self.request_authenticator.authenticate(access_token)
        return principal

    def likes_with(self, unit_of_work: UnitOfWork) -> Likes:
        likes = LikeRepository(self.database)
        return Likes(likes, self.post_rows, unit_of_work, self.cards, self.visibility)

    def authentication_with(self, limits: SignInLimits | None) -> PasswordAuthentication:
        return PasswordAuthentication(
            self.login_rows, self.passwords, self.tokens, self.security_alerts, limits
        )

    def external_identities_with(self, keys: Mapping[str, ProviderKeys]) -> ExternalIdentities:
        """Return sign-in with these identity providers."""
        return ExternalIdentities(
            ExternalIdentityRepository(self.database),
            UsedIdTokenRepository(self.database),
            self.login_rows,
            self.address_rows,
            self.accounts,
            IdTokens(keys),
            self.tokens,
            self.unit_of_work,
        )

    def sessions_with(self, unit_of_work: UnitOfWork, tokens: Tokens) -> Sessions:
        return Sessions(
            self.session_rows,
            self.login_rows,
            self.user_rows,
            unit_of_work,
            tokens,
            self.revocations,
            self.statuses,
            self.tiers,
        )

    def revocations_on(self, revoked: RevocationList) -> Revocations:
        """Return the revocations of another process, with its own list."""
        return Revocations(
            self.session_rows, self.jobs, revoked, Publisher(self.redis), TOKEN_RULES.access_ttl_s
        )

    async def close(self) -> None:
        await self.pipelined_redis.close()
        await self.images.stop()
        await self.media.close()
        await self.passwords.close()

    async def user(self, username: str = "") -> UserId:
        """Insert a user with a verified address and without a valid password."""
        name = username or f"user{next(self._serial)}"
        user = await UserTable.create(
            id=self.ids.next(),
            username=name,
            username_key=normalize(name),
            email=f"{name}@example.com",
            email_key=normalize(f"{name}@example.com"),
            password_hash="",
            password_changed_at_ms=0,
            created_at_ms=self.clock.now_ms(),
        )
        if self.email_frequency is not None:
            await self.preferences.update(UserId(user.id), {}, self.email_frequency)
        return UserId(user.id)

    async def set_status(self, user_id: UserId, status: AccountStatus) -> None:
        """Change the status of an account, as moderators and its owner do."""
        await self.unit_of_work.run(
            partial(self.statuses.change, user_id=user_id, status=status),
            changes=(CacheKey("person", user_id),),
        )
        await self.revocations.propagate(user_id)

    async def users(self, count: int) -> list[UserId]:
        return [await self.user() for _ in range(count)]

    async def post(
        self, author_id: UserId, caption: str = "", audience: Audience = Audience.PUBLIC
    ) -> PostId:
        """Insert a post without pictures and emit the event of its publication."""

        async def body(work: WorkContext) -> PostId:
            post_id = PostId(work.new_id())
            await self.user_rows.change_posts_count(author_id, +1, audience)
            await self.post_rows.insert(
                post_id, author_id, caption, await Mentions(self.user_rows).resolve(caption), audience
            )
            work.emit(PostPublished(post_id, author_id))
            if caption:
                work.emit(SearchedPostChanged(post_id, author_id))
            work.emit(PostChanged(post_id, author_id, 0, 0, 0, None, audience, archived=False))
            return post_id

        return await self.unit_of_work.run(body, changes=(CacheKey("feed", author_id),))

    async def delete(self, post_id: PostId) -> None:
        """Delete a post as its author."""
        author_id: UserId = await self.value("SELECT author_id FROM posts WHERE id = ?", post_id)
        await self.posts.delete(author_id, post_id)

    async def due(self, *kinds: JobKind) -> list[JobId]:
        """Return the due jobs, of all or certain kinds, oldest first."""
        due = await self.jobs.due(limit=10_000)
        rows = {row["id"]: row["kind"] for row in await self.rows("SELECT id, kind FROM jobs")}
        return sorted(job.job_id for job in due if not kinds or rows[job.job_id] in kinds)

    async def claim(self, kind: JobKind) -> Claim:
        """Claim the one job of a kind that is due."""
        (job_id,) = await self.due(kind)
        claim = await self.jobs.claim(job_id)
        assert claim is not None
        return claim

    async def work_off(self, *kinds: JobKind) -> int:
        """Run the due jobs, of all or certain kinds, one after another. Return how many."""
        handlers = self.handlers()
        done = 0
        for job_id in await self.due(*kinds):
            claim = await self.jobs.claim(job_id)
            assert claim is not None
            await handlers[claim.kind](claim)
            done += 1
        return done

    def handlers(self) -> Mapping[str, Callable[[Claim], Awaitable[None]]]:
        return {
            JobKind.PUBLISH_POST: self.draft_publication.publish_due,
            JobKind.FAN_OUT: self.fan_out.publish,
            JobKind.WITHDRAW: self.fan_out.withdraw,
            JobKind.RESTORE_POST: self.fan_out.publish,
            JobKind.RESTORE_AUTHOR: self.fan_out.restore_author,
            JobKind.UPDATE_TAG_LISTS: TagLists(
                TaggedPostRepository(self.database), self.timelines, self.jobs
            ).update,
            JobKind.NOTIFY_LIKE: self.notification_jobs.handle_like,
            JobKind.NOTIFY_COMMENT: self.notification_jobs.handle_comment,
            JobKind.NOTIFY_COMMENT_LIKE: self.notification_jobs.handle_comment_like,
            JobKind.NOTIFY_COMMENT_EDITED: self.notification_jobs.handle_comment_edited,
            JobKind.NOTIFY_FOLLOW: self.follow_notification_jobs.handle_follow,
            JobKind.NOTIFY_FOLLOW_REQUEST: self.follow_notification_jobs.handle_follow_request,
            JobKind.NOTIFY_FOLLOW_ACCEPTED: self.follow_notification_jobs.handle_follow_accepted,
            JobKind.NOTIFY_MODERATED: self.moderation_notification_jobs.handle_moderated,
            JobKind.REPORT_MATCHED: self.matched_reports.report,
            JobKind.NOTIFY_REPORTERS: self.moderation_notification_jobs.handle_reporters,
            JobKind.EMAIL_MODERATED: self.decision_emails.send,
            JobKind.RETRACT_BLOCKED: self.follow_notification_jobs.retract_blocked,
            JobKind.ACCEPT_FOLLOW_REQUESTS: self.follow_requests.accept_all,
            JobKind.NOTIFY_MENTIONED: self.notification_jobs.handle_mentions,
            JobKind.NOTIFY_TAGGED: self.notification_jobs.handle_tags,
            JobKind.RETRACT_COMMENTS: self.notification_jobs.retract_comments,
            JobKind.PUSH: self.pushes.send,
            JobKind.PUSH_BADGE: self.badge_pushes.send,
            JobKind.EMAIL: self.notification_emails.send,
            JobKind.EMAIL_DIGEST: self.digest_emails.send,
            JobKind.FIND_DUE_DIGESTS: self.digests.enqueue_due,
            JobKind.PROCESS_UPLOAD: self.media_processing.process,
            JobKind.ENCODE_AVIF: self.avif_renditions.encode,
            JobKind.RANK_EXPLORE: self.explore_ranking.refresh,
            JobKind.FIND_TRENDS: self.discovery.trend_jobs.refresh,
            JobKind.INDEX_USER: self.discovery.jobs.index_user,
            JobKind.INDEX_POST: self.discovery.jobs.index_post,
            JobKind.REMOVE_POST: self.deletions.remove_post,
            JobKind.REMOVE_PICTURE: self.deletions.remove_picture,
            JobKind.REMOVE_BLOCKED_TAGS: self.tags.remove_between,
            JobKind.REMOVE_AVATAR: self.deletions.remove_avatar,
            JobKind.CREATE_EXPORT: self.export_jobs.create,
            JobKind.EMAIL_EXPORT_READY: self.export_emails.send_ready,
            JobKind.ERASE_ACCOUNT: self.account_erasure.erase,
            JobKind.FIND_DUE_ERASURES: self.account_erasure.start_due,
            JobKind.PROPAGATE_REVOCATIONS: self.revocations.propagate_job,
            JobKind.EMAIL_VERIFICATION: self.account_emails.send_verification,
            JobKind.EMAIL_RESET_LINK: self.account_emails.send_reset,
            JobKind.EMAIL_CREDENTIALS_CHANGED: self.account_emails.send_password_changed,
            JobKind.EMAIL_ADDRESS_CHANGED: self.account_emails.send_address_changed,
            JobKind.EMAIL_NEW_SIGN_IN: self.security_alerts.send_new_sign_in,
            JobKind.EMAIL_SIGN_INS_FAILED: self.security_alerts.send_sign_ins_failed,
            JobKind.EMAIL_SECOND_FACTOR_CHANGED: self.security_alerts.send_second_factor_changed,
            JobKind.EMAIL_SIGN_IN_METHOD_CHANGED: self.method_alerts.send,
            JobKind.EMAIL_SECOND_FACTOR_FAILED: self.security_alerts.send_second_factor_failed,
            JobKind.EMAIL_DELETION_REQUESTED: self.account_emails.send_deletion_requested,
            JobKind.EMAIL_DELETION_CANCELLED: self.account_emails.send_deletion_cancelled,
        }

    async def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        return await self.database.rows(sql, parameters)

    async def value(self, sql: str, *parameters: Any) -> Any:
        """Return the single value of a query."""
        (row,) = await self.rows(sql, *parameters)
        (value,) = row.values()
        return value

    async def job(self, job_id: int) -> dict[str, Any]:
        """Return the row of a job with its JSON columns parsed."""
        (row,) = await self.rows("SELECT * FROM jobs WHERE id = ?", job_id)
        return {
            **row,
            "payload": orjson.loads(row["payload"]),
            "progress": orjson.loads(row["progress"] or "{}"),
            "history": orjson.loads(row["history"] or "[]"),
        }

    async def make_due(self) -> None:
        """Make every ready job due."""
        await self.database.execute("UPDATE jobs SET run_at_ms = 0 WHERE state = ?", ["ready"])

    async def expire_leases(self) -> None:
        """Expire the lease of every running job, as if its worker had crashed."""
        await self.database.execute("UPDATE jobs SET lease_until_ms = 1 WHERE state = ?", ["running"])
