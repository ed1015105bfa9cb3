"""Settings of background work: feeds, queues, maintenance schedules, digests."""

from pydantic import Field

from server.settings.types import Section


class FeedSettings(Section):
    window: int = Field(default=800, ge=20)
    ttl_s: int = Field(default=14 * 86_400, ge=60)
    fan_out_batch: int = Field(default=1000, ge=1, le=7000)
    celebrity_threshold: int = Field(default=10_000, ge=1)
    cached_posts: int = Field(default=20_000, ge=100)
    posts_in_memory: int = Field(default=5000, ge=100)


class QueueSettings(Section):
    concurrency: int = Field(default=10, ge=1, le=1000)
    max_attempts: int = Field(default=3, ge=1, le=1000)
    retry_for_s: float = Field(default=0.0, ge=0)
    backoff_ms: int = Field(default=2000, ge=1)
    rate_per_s: float = Field(default=0.0, ge=0, le=100_000)
    keep_completed: int = Field(default=100, ge=0)
    keep_failed: int = Field(default=0, ge=0)


class QueuesSettings(Section):
    posts: QueueSettings = QueueSettings(
        concurrency=4, max_attempts=1000, retry_for_s=86_400, keep_completed=50
    )
    feed: QueueSettings = QueueSettings(rate_per_s=100.0)
    notifications: QueueSettings = QueueSettings(
        concurrency=5, max_attempts=5, backoff_ms=1000, rate_per_s=50.0, keep_completed=50
    )
    push: QueueSettings = QueueSettings(
        concurrency=4, max_attempts=1000, retry_for_s=86_400, rate_per_s=500.0, keep_completed=50
    )
    email: QueueSettings = QueueSettings(
        concurrency=2, max_attempts=1000, retry_for_s=86_400, rate_per_s=20.0, keep_completed=50
    )
    media: QueueSettings = QueueSettings(
        concurrency=2, max_attempts=1000, retry_for_s=86_400, keep_completed=50
    )
    renditions: QueueSettings = QueueSettings(
        concurrency=1, max_attempts=1000, retry_for_s=86_400, backoff_ms=5000, keep_completed=20
    )
    search: QueueSettings = QueueSettings(concurrency=2, max_attempts=10, keep_completed=50)
    exports: QueueSettings = QueueSettings(concurrency=1, backoff_ms=5000, keep_completed=50)
    maintenance: QueueSettings = QueueSettings(concurrency=1, backoff_ms=5000, keep_completed=20)
    lease_ms: int = Field(default=15_000, ge=100)
    heartbeat_ms: int = Field(default=5_000, ge=50)
    max_crashes: int = Field(default=3, ge=1)
    backoff_cap_ms: int = Field(default=600_000, ge=1)
    poll_ms: int = Field(default=500, ge=10)
    figures_every_s: float = Field(default=5.0, ge=0.05, le=60)


class MaintenanceSettings(Section):
    sessions_every_s: float = Field(default=3600.0, ge=0)
    retention_every_s: float = Field(default=30.0, ge=0)
    counters_every_s: float = Field(default=21_600.0, ge=0)
    media_every_s: float = Field(default=21_600.0, ge=0)
    resets_every_s: float = Field(default=3600.0, ge=0)
    keys_every_s: float = Field(default=3600.0, ge=0)
    keys_kept_s: float = Field(default=86_400.0, ge=60)
    erasures_every_s: float = Field(default=3600.0, ge=0)
    search_every_s: float = Field(default=600.0, ge=0)
    trends_every_s: float = Field(default=600.0, ge=0)
    digests_every_s: float = Field(default=60.0, ge=0)
    explore_every_s: float = Field(default=120.0, ge=0)
    exports_every_s: float = Field(default=3600.0, ge=0)
    picture_hashes_every_s: float = Field(default=600.0, ge=0)
    exports_kept_s: float = Field(default=7 * 86_400, ge=60)
    notifications_every_s: float = Field(default=3600.0, ge=0)
    notifications_kept_s: float = Field(default=90 * 86_400, ge=60)


class NotificationSettings(Section):
    """Hours are in UTC."""

    digest_from_hour: int = Field(default=16, ge=0, le=23)
    digest_until_hour: int = Field(default=20, ge=0, le=23)
