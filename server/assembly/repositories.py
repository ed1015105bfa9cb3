"""The repositories that services are built on."""

from server.models.accounts.email_addresses import EmailAddressRepository
from server.models.accounts.email_suppressions import EmailSuppressionRepository
from server.models.accounts.email_tokens import EmailTokenRepository
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
from server.models.accounts.users import UserRepository
from server.models.content.collections import CollectionRepository
from server.models.content.comment_cards import CommentCardRepository
from server.models.content.comment_likes import CommentLikeRepository
from server.models.content.comment_settings import CommentSettingsRepository
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
from server.models.discovery.hashtag_follows import HashtagFollowRepository
from server.models.discovery.hashtag_uses import HashtagUseRepository
from server.models.discovery.hashtags import HashtagPostRepository, HashtagRepository
from server.models.discovery.place_posts import PlacePostRepository
from server.models.discovery.recent_searches import RecentSearchRepository
from server.models.discovery.search_entries import SearchEntryRepository
from server.models.discovery.search_rebuilds import SearchRebuildRepository
from server.models.discovery.search_subjects import SearchSubjectRepository
from server.models.discovery.search_terms import SearchTermRepository
from server.models.discovery.searched_captions import SearchedCaptionRepository
from server.models.discovery.searched_users import SearchedUserRepository
from server.models.discovery.suggested_users import SuggestedUserRepository
from server.models.erasure.erased_accounts import ErasedAccountRepository
from server.models.erasure.mentions import StoredMentionRepository
from server.models.erasure.user_rows import UserRowRepository
from server.models.explore.explore_candidates import ExploreCandidateRepository
from server.models.explore.explore_posts import ExplorePostRepository
from server.models.explore.rankings import RankingRepository
from server.models.feed.fan_outs import FanOutRepository
from server.models.feed.feeds import FeedRepository
from server.models.feed.strangers import StrangerRepository
from server.models.feed.tagged_posts import TaggedPostRepository
from server.models.jobs.idempotency_keys import IdempotencyKeyRepository
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
from server.models.notifications.digests import DigestRepository
from server.models.notifications.inboxes import InboxRepository
from server.models.notifications.notification_list import NotificationListRepository
from server.models.notifications.notifications import NotificationRepository
from server.models.notifications.preferences import PreferenceRepository
from server.models.people.blocks import BlockRepository
from server.models.people.close_friends import CloseFriendRepository
from server.models.people.dismissed_suggestions import DismissedSuggestionRepository
from server.models.people.follow_requests import FollowRequestRepository
from server.models.people.follows import FollowRepository
from server.models.people.mutes import MuteRepository
from server.models.people.profiles import ProfileRepository
from server.models.people.relationships import RelationshipRepository
from server.models.people.restrictions import RestrictionRepository


class DiscoveryRepositories:
    """The repositories of searches and hashtags."""

    def __init__(self, database: Database) -> None:
        self.hashtags = HashtagRepository(database)
        self.hashtag_posts = HashtagPostRepository(database)
        self.recent_searches = RecentSearchRepository(database)
        self.place_posts = PlacePostRepository(database)
        self.search_entries = SearchEntryRepository(database)
        self.search_terms = SearchTermRepository(database)
        self.search_subjects = SearchSubjectRepository(database)
        self.search_rebuilds = SearchRebuildRepository(database)
        self.searched_users = SearchedUserRepository(database)
        self.searched_captions = SearchedCaptionRepository(database)
        self.hashtag_uses = HashtagUseRepository(database)
        self.hashtag_follows = HashtagFollowRepository(database)
        self.suggested_users = SuggestedUserRepository(database)
        self.dismissed_suggestions = DismissedSuggestionRepository(database)


class ExploreRepositories:
    """The repositories of explore."""

    def __init__(self, database: Database) -> None:
        self.candidates = ExploreCandidateRepository(database)
        self.posts = ExplorePostRepository(database)
        self.rankings = RankingRepository(database)


class Repositories:
    """All repositories of one database."""

    def __init__(self, database: Database) -> None:  # noqa: PLR0915 - one per table
        self.users = UserRepository(database)
        self.former_usernames = FormerUsernameRepository(database)
        self.logins = LoginRepository(database)
        self.sessions = SessionRepository(database)
        self.second_factors = SecondFactorRepository(database)
        self.recovery_codes = RecoveryCodeRepository(database)
        self.sign_in_challenges = SignInChallengeRepository(database)
        self.email_addresses = EmailAddressRepository(database)
        self.email_suppressions = EmailSuppressionRepository(database)
        self.email_tokens = EmailTokenRepository(database)
        self.external_identities = ExternalIdentityRepository(database)
        self.used_id_tokens = UsedIdTokenRepository(database)
        self.passkeys = PasskeyRepository(database)
        self.used_passkey_challenges = UsedPasskeyChallengeRepository(database)
        self.user_cards = UserCardRepository(database)
        self.profiles = ProfileRepository(database)
        self.follows = FollowRepository(database)
        self.follow_requests = FollowRequestRepository(database)
        self.blocks = BlockRepository(database)
        self.restrictions, self.close_friends = (
            RestrictionRepository(database),
            CloseFriendRepository(database),
        )
        self.mutes = MuteRepository(database)
        self.relationships = RelationshipRepository(database)
        self.posts = PostRepository(database)
        self.media = MediaRepository(database)
        self.drafts = DraftRepository(database)
        self.media_keys = MediaKeyRepository(database)
        self.uploads = UploadRepository(database)
        self.post_audiences, self.post_images = (
            PostAudienceRepository(database),
            PostImageRepository(database),
        )
        self.post_parts = PostPartRepository(database)
        self.post_versions, self.tags = PostVersionRepository(database), TagRepository(database)
        self.places = PlaceRepository(database)
        self.comments = CommentRepository(database)
        self.comment_cards = CommentCardRepository(database)
        self.comment_settings = CommentSettingsRepository(database)
        self.comment_likes = CommentLikeRepository(database)
        self.likes, self.followed_likers = LikeRepository(database), FollowedLikerRepository(database)
        self.saves = SaveRepository(database)
        self.collections = CollectionRepository(database)
        self.moderation_actions = ModerationActionRepository(database)
        self.audit_chain = AuditChainRepository(database)
        self.appeals = AppealRepository(database)
        self.content_filters = ContentFilterRepository(database)
        self.refused_pictures = RefusedPictureRepository(database)
        self.report_cases = ReportCaseRepository(database)
        self.reports = ReportRepository(database)
        self.feeds = FeedRepository(database)
        self.fan_outs = FanOutRepository(database)
        self.activities = ActivityRepository(database)
        self.activity_states = ActivityStateRepository(database)
        self.deliverables = DeliverableRepository(database)
        self.devices = DeviceRepository(database)
        self.inboxes = InboxRepository(database)
        self.digests = DigestRepository(database)
        self.digest_contents = DigestContentRepository(database)
        self.notifications = NotificationRepository(database)
        self.notification_list = NotificationListRepository(database)
        self.preferences = PreferenceRepository(database)
        self.erased_accounts = ErasedAccountRepository(database)
        self.user_rows = UserRowRepository(database)
        self.stored_mentions = StoredMentionRepository(database)
        self.strangers = StrangerRepository(database)
        self.tagged_posts = TaggedPostRepository(database)
        self.explore = ExploreRepositories(database)
        self.discovery = DiscoveryRepositories(database)
        self.idempotency_keys = IdempotencyKeyRepository(database)
