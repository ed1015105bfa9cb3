"""Objects that several services share, built in the order in which they depend on each other."""

from server.assembly.email_limits import email_budget
from server.assembly.jobs import build_jobs
from server.assembly.repositories import Repositories
from server.assembly.resources import Resources
from server.clock import Clock, SystemClock
from server.gateways.common_passwords import CommonPasswords
from server.gateways.feed_store.cache_invalidations import InvalidationLog
from server.gateways.feed_store.timelines import Timelines
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.revocation_list import RevocationList
from server.gateways.redis.turns import Turns
from server.models.accounts.email_tokens import EmailTokenPurpose
from server.pubsub.publisher import Publisher
from server.services.accounts.account_links import AccountLinks
from server.services.accounts.account_statuses import AccountStatuses
from server.services.accounts.account_tiers import AccountTiers, TierRules
from server.services.accounts.active_sessions import ActiveSessions
from server.services.accounts.appeal_tokens import AppealTokens
from server.services.accounts.email_tokens import EmailTokens
from server.services.accounts.password_rules import PasswordRules
from server.services.accounts.revocations import Revocations, retention_ms
from server.services.accounts.tokens import TokenRules, Tokens
from server.services.accounts.usernames import normalize
from server.services.content.cards import Cards
from server.services.content.media_access import MediaAccess
from server.services.content.media_addresses import MediaAddresses
from server.services.content.pictures import Pictures
from server.services.content.refused_pictures import RefusedPictures
from server.services.content.share_links import ShareLinks
from server.services.content.visibility import Visibility
from server.services.emails.delivery import EmailDelivery
from server.services.emails.suppressions import Suppressions
from server.services.emails.unsubscribe_tokens import UnsubscribeTokens
from server.services.feed.cache_invalidation import CacheInvalidation
from server.services.feed.queries import FeedQueries
from server.services.filters.text_filters import TextFilters
from server.services.jobs.unit_of_work import UnitOfWork
from server.services.notifications.badges import Badges
from server.services.notifications.delivery.deliverables import Deliverables
from server.services.notifications.digest_times import DigestTimes
from server.services.notifications.digests import Digests
from server.services.notifications.notifications import Notifications
from server.services.people.user_lookup import UserLookup
from server.settings import Settings


class Collaborators:
    """Repositories, jobs and services that other services use."""

    def __init__(self, settings: Settings, resources: Resources, clock: Clock) -> None:
        rows = self.rows = Repositories(resources.database)
        self.jobs = build_jobs(settings, resources.database, resources.ids)
        self.lookup = UserLookup(rows.users)
        self.visibility = Visibility(rows.posts)
        self.cards = Cards(
            rows.user_cards,
            rows.posts,
            rows.post_images,
            rows.relationships,
            self.visibility,
            resources.media.url,
            rows.followed_likers,
        )
        self.refused_pictures = RefusedPictures(rows.refused_pictures, rows.post_images)
        self.pictures = Pictures(
            resources.images,
            resources.media,
            self.refused_pictures,
            keep_originals=settings.uploads.keep_originals,
            encodes_avif=settings.uploads.modern_format,
        )
        self.timelines = build_timelines(settings, resources.feeds_redis)
        self.feed_queries = FeedQueries(rows.feeds, rows.tagged_posts, self.visibility, SystemClock())
        self.cache_invalidation = CacheInvalidation(
            self.timelines, InvalidationLog(resources.feeds_redis, resources.feeds_guard)
        )
        self.unit_of_work = UnitOfWork(
            resources.database,
            resources.ids,
            clock,
            self.jobs,
            resources.job_notifier.notify,
            self.cache_invalidation,
            Turns(resources.pipelined_redis),
        )
        self.password_rules = PasswordRules(CommonPasswords())
        self.publisher = Publisher(resources.redis, outage=resources.instrumentation.redis)
        rules = _token_rules(settings)
        self.tokens = Tokens(SystemClock(), rules, resources.epoch)
        self.revocations = Revocations(
            rows.sessions,
            self.jobs,
            RevocationList(resources.pipelined_redis, retention_ms(rules.access_ttl_s)),
            self.publisher,
            rules.access_ttl_s,
            resources.cache_guard,
        )
        self.text_filters = TextFilters(rows.content_filters)
        self.secret = settings.auth.jwt_refresh_secret.get_secret_value().encode()
        self.share_links = ShareLinks(settings.public_url, enabled=settings.public_reads)
        self.media_addresses = MediaAddresses(self.secret, settings.media_base_url, SystemClock())
        self.media_access = MediaAccess(rows.media_keys, self.visibility, self.media_addresses)
        self.appeal_tokens = AppealTokens(self.secret)
        self.statuses = AccountStatuses(
            rows.users, self.revocations, rows.moderation_actions, self.appeal_tokens
        )
        self.tiers = AccountTiers(SystemClock(), rows.moderation_actions, _tier_rules(settings))
        self.active_sessions = ActiveSessions(rows.sessions, rules.refresh_idle_s)
        chosen = settings.auth.second_factor_secret.get_secret_value().encode()
        self.second_factor_secret = chosen or self.secret
        self.unsubscribe_tokens = UnsubscribeTokens(self.secret, settings.public_url)
        self.suppressions = Suppressions(rows.email_suppressions, normalize)
        self.email_delivery = EmailDelivery(
            resources.email, self.suppressions, normalize, email_budget(settings, resources.rate_limits)
        )
        self.email_tokens = EmailTokens(rows.email_tokens, email_token_ttl_s(settings), self.secret)
        self.account_links = AccountLinks(
            verify_url=f"{settings.client_url}/verify-email",
            reset_url=settings.reset_url,
            recover_url=f"{settings.client_url}/recover-account",
        )
        self.deliverables = Deliverables(rows.deliverables, rows.inboxes, self.unit_of_work)
        times = DigestTimes(settings.notifications.digest_from_hour, settings.notifications.digest_until_hour)
        self.digests = Digests(rows.digests, rows.inboxes, self.unit_of_work, self.jobs, times)
        badges = Badges(rows.devices, rows.inboxes, self.unit_of_work)
        self.notifications = Notifications(
            rows.notification_list, rows.inboxes, self.cards, self.publisher, badges
        )


def build_timelines(settings: Settings, feeds_redis: PipelinedRedis) -> Timelines:
    chosen = settings.feed
    return Timelines(feeds_redis, chosen.window, chosen.ttl_s, chosen.cached_posts)


def _tier_rules(settings: Settings) -> TierRules:
    chosen = settings.throttle.new_accounts
    return TierRules(round(chosen.age_s * 1000), chosen.sanction_days * 86_400_000)


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


def email_token_ttl_s(settings: Settings) -> dict[EmailTokenPurpose, int]:
    """Return the lifetime of the tokens of each purpose."""
    return {
        EmailTokenPurpose.VERIFY: settings.auth.verification_ttl_s,
        EmailTokenPurpose.RESET: settings.auth.reset_ttl_s,
        EmailTokenPurpose.RECOVER: settings.auth.recovery_ttl_s,
    }
