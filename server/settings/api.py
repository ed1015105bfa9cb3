"""Settings of the HTTP API: the server, rate limits, authentication, uploads, live streams."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from server.settings.types import Name, Networks, Origins, PageUrl, Section, ServiceUrl


class AppSettings(Section):
    env: Literal["development", "production", "test"] = "development"
    host: str = "127.0.0.1"
    port: int = Field(default=3000, ge=0, le=65535)
    public_url: str = ""
    client_url: PageUrl = ""
    var_dir: Path = Path("var")
    allow_embedded: bool = False
    worker_port: int = Field(default=0, ge=0, le=65535)
    docs: bool | None = None
    public_reads: bool | None = None
    web: bool = True
    metrics_token: SecretStr = SecretStr("")
    max_body_bytes: int = Field(default=65_536, ge=1024)
    body_timeout_s: float = Field(default=30.0, gt=0)
    connections_per_address: int = Field(default=200, ge=0)
    cors_origins: Origins = ()
    trusted_proxies: Networks = ()


class RateLimit(Section):
    limit: int = Field(ge=1, le=1_000_000_000)
    window_s: float = Field(gt=0, le=604_800)


class NewAccountRate(Section):
    per_hour: int = Field(ge=1, le=1_000_000_000)
    per_day: int = Field(ge=1, le=1_000_000_000)


class NewAccountSettings(Section):
    """Rates that only new accounts have, and for how long."""

    age_s: float = Field(default=86_400.0, ge=0)
    sanction_days: int = Field(default=30, ge=0, le=3650)
    posts: NewAccountRate = NewAccountRate(per_hour=30, per_day=100)
    comments: NewAccountRate = NewAccountRate(per_hour=60, per_day=300)
    follows: NewAccountRate = NewAccountRate(per_hour=100, per_day=400)
    likes: NewAccountRate = NewAccountRate(per_hour=300, per_day=1500)
    reports: NewAccountRate = NewAccountRate(per_hour=10, per_day=30)


class ThrottleSettings(Section):
    enabled: bool = True
    ttl_ms: int = Field(default=60_000, ge=1, le=604_800_000)
    limit: int = Field(default=10, ge=1, le=1_000_000_000)
    login: RateLimit = RateLimit(limit=20, window_s=60)
    login_account: RateLimit = RateLimit(limit=5, window_s=60)
    forgot: RateLimit = RateLimit(limit=3, window_s=3600)
    registration: RateLimit = RateLimit(limit=5, window_s=3600)
    availability: RateLimit = RateLimit(limit=30, window_s=60)
    refresh: RateLimit = RateLimit(limit=30, window_s=60)
    writes: RateLimit = RateLimit(limit=60, window_s=60)
    uploads: RateLimit = RateLimit(limit=30, window_s=3600)
    media: RateLimit = RateLimit(limit=300, window_s=3600)
    upload_parts: RateLimit = RateLimit(limit=600, window_s=60)
    reads: RateLimit = RateLimit(limit=300, window_s=60)
    search: RateLimit = RateLimit(limit=240, window_s=60)
    reports: RateLimit = RateLimit(limit=20, window_s=3600)
    exports: RateLimit = RateLimit(limit=2, window_s=86_400)
    verification_emails: RateLimit = RateLimit(limit=5, window_s=21_600)
    security_emails: RateLimit = RateLimit(limit=5, window_s=86_400)
    emails_to: RateLimit = RateLimit(limit=30, window_s=3600)
    emails_by: RateLimit = RateLimit(limit=100, window_s=3600)
    new_accounts: NewAccountSettings = NewAccountSettings()


class AuthSettings(Section):
    jwt_secret: SecretStr = SecretStr("")
    jwt_refresh_secret: SecretStr = SecretStr("")
    second_factor_secret: SecretStr = SecretStr("")
    issuer: str = "photofeed"
    audience: str = "photofeed-api"
    access_ttl_s: int = Field(default=900, ge=1)
    refresh_idle_s: int = Field(default=30 * 86_400, ge=1)
    refresh_absolute_s: int = Field(default=90 * 86_400, ge=1)
    refresh_overlap_s: float = Field(default=10.0, ge=0, le=60)
    reset_ttl_s: int = Field(default=1800, ge=60)
    reset_url: PageUrl = ""
    require_verified_email: bool = False
    verification_ttl_s: int = Field(default=86_400, ge=60)
    recovery_ttl_s: int = Field(default=7 * 86_400, ge=60)
    account_deletion_grace_days: int = Field(default=30, ge=1, le=365)
    bcrypt_cost: int = Field(default=12, ge=4, le=15)
    bcrypt_threads: int = Field(default=2, ge=1, le=32)
    bcrypt_queue: int = Field(default=32, ge=1)


class UploadSettings(Section):
    dest: str = ""
    media_url: str = ""
    cdn_url: PageUrl = ""
    max_file_bytes: int = Field(default=52_428_800, ge=1024)
    max_request_bytes: int = Field(default=209_715_200, ge=1024)
    max_files: int = Field(default=10, ge=1, le=10)
    max_unused: int = Field(default=30, ge=1)
    max_unfinished_bytes: int = Field(default=524_288_000, ge=1024)
    unused_kept_s: float = Field(default=86_400.0, ge=60)
    max_pixels: int = Field(default=250_000_000, ge=1)
    keep_originals: bool = False
    modern_format: bool = True
    idle_timeout_s: float = Field(default=30.0, gt=0)
    min_bytes_per_s: float = Field(default=1024.0, gt=0)
    total_timeout_s: float = Field(default=3600.0, gt=0)
    image_workers: int = Field(default=0, ge=0, le=16)
    image_timeout_s: float = Field(default=20.0, gt=0)


class StreamSettings(Section):
    heartbeat_s: float = Field(default=15.0, gt=0)
    max_per_user: int = Field(default=5, ge=1)
    replay_limit: int = Field(default=50, ge=1)
    retry_ms: int = Field(default=2000, ge=100)


class ShutdownSettings(Section):
    lame_duck_s: float | None = Field(default=None, ge=0, le=300)
    requests_s: float = Field(default=10.0, gt=0)
    jobs_s: float = Field(default=15.0, gt=0)
    total_s: float = Field(default=28.0, gt=0, le=3600)


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class TracingSettings(Section):
    endpoint: ServiceUrl | Literal[""] = ""
    headers: SecretStr = SecretStr("")
    sample_ratio: float = Field(default=0.01, ge=0, le=1)
    service_name: Name = "photofeed"
    continue_from_proxies: bool = False


class IdSettings(Section):
    node: int = Field(default=-1, ge=-1, le=127)
