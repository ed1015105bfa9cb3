"""Every knob of the program, with its kind, bounds and default: a class for each table of config.toml.

Where the values come from is `configuration`'s affair.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    SecretStr,
    field_validator,
)

# Also in front of a name, and in nothing that could end a header.
SENDER = re.compile(r"[^\s<>@,;]+@[^\s<>@,;]+|[^<>@,;\r\n]+ <[^\s<>@,;]+@[^\s<>@,;]+>")


def _listed(value: Any) -> Any:
    """A list as the environment writes it: with commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _written(pattern: str, advice: str) -> AfterValidator:
    """A text that has to match as a whole, and what to write instead of one that does not."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(advice)
        return text

    return AfterValidator(check)


Origin = Annotated[
    str,
    _written(r"[a-z][a-z0-9+.-]*://[^\s/?#*@,]+", "write each origin out, as https://www.example.com"),
]
Page = Annotated[
    str, _written(r"(https?://[^\s/?#]+[^\s]*)?", "write it out, as https://www.example.com/page")
]
Service = Annotated[
    str, _written(r"https?://[^\s/?#]+[^\s?#]*", "write it out, as https://fcm.googleapis.com")
]
Project = Annotated[
    str,
    _written(r"([A-Za-z0-9][A-Za-z0-9.:-]*)?", "take project_id from the JSON file of the service account"),
]
Account = Annotated[
    str, _written(r"([^\s@]+@[^\s@]+)?", "take client_email from the JSON file of the service account")
]


class Section(BaseModel):
    """A table of config.toml: unknown keys are refused, values do not change after start."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class App(Section):
    env: Literal["development", "production", "test"] = "development"
    host: str = "127.0.0.1"
    port: int = Field(default=3000, ge=0, le=65535)
    public_url: str = ""
    client_url: Page = ""
    var_dir: Path = Path("var")
    allow_embedded: bool = False
    worker_port: int = Field(default=0, ge=0, le=65535)
    docs: bool | None = None
    metrics_token: SecretStr = SecretStr("")
    max_body_bytes: int = Field(default=65_536, ge=1024)
    body_timeout_s: float = Field(default=30.0, gt=0)
    cors_origins: Annotated[tuple[Origin, ...], BeforeValidator(_listed)] = ()
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], BeforeValidator(_listed)] = ()


class RateLimit(Section):
    limit: int = Field(ge=1, le=1_000_000_000)
    window_s: float = Field(gt=0, le=604_800)


class Throttle(Section):
    enabled: bool = True
    ttl_ms: int = Field(default=60_000, ge=1, le=604_800_000)
    limit: int = Field(default=10, ge=1, le=1_000_000_000)
    login: RateLimit = RateLimit(limit=20, window_s=60)
    login_account: RateLimit = RateLimit(limit=5, window_s=60)
    forgot: RateLimit = RateLimit(limit=3, window_s=3600)
    registration: RateLimit = RateLimit(limit=5, window_s=3600)
    refresh: RateLimit = RateLimit(limit=30, window_s=60)
    writes: RateLimit = RateLimit(limit=60, window_s=60)
    uploads: RateLimit = RateLimit(limit=30, window_s=3600)
    reads: RateLimit = RateLimit(limit=300, window_s=60)
    emails_to: RateLimit = RateLimit(limit=30, window_s=3600)
    emails_by: RateLimit = RateLimit(limit=100, window_s=3600)


class Database(Section):
    host: str = ""
    port: int = Field(default=3306, ge=1, le=65535)
    username: str = "root"
    password: SecretStr = SecretStr("")
    name: str = Field(default="instagram_clone", min_length=1)
    pool_size: int = Field(default=10, ge=1, le=500)
    timeout_s: float = Field(default=3.0, gt=0)
    migrate_at_start: bool | None = None


class Redis(Section):
    host: str = ""
    port: int = Field(default=6379, ge=1, le=65535)
    username: str = ""
    password: SecretStr = SecretStr("")
    db: int = Field(default=0, ge=0)
    url: str = ""
    feeds_url: str = ""
    timeout_s: float = Field(default=1.0, gt=0)


class Auth(Section):
    jwt_secret: SecretStr = SecretStr("")
    jwt_refresh_secret: SecretStr = SecretStr("")
    issuer: str = "photofeed"
    audience: str = "photofeed-api"
    access_ttl_s: int = Field(default=900, ge=1)
    refresh_idle_s: int = Field(default=30 * 86_400, ge=1)
    refresh_absolute_s: int = Field(default=90 * 86_400, ge=1)
    refresh_overlap_s: float = Field(default=10.0, ge=0, le=60)
    reset_ttl_s: int = Field(default=1800, ge=60)
    reset_url: Page = ""
    bcrypt_cost: int = Field(default=12, ge=4, le=15)
    bcrypt_threads: int = Field(default=2, ge=1, le=32)
    bcrypt_queue: int = Field(default=32, ge=1)


class Email(Section):
    host: str = ""
    port: int = Field(default=587, ge=1, le=65535)
    username: str = ""
    password: SecretStr = SecretStr("")
    sender: str = ""
    tls: Literal["starttls", "tls", "none"] = "starttls"
    timeout_s: float = Field(default=15.0, gt=0)

    @field_validator("sender")
    @classmethod
    def _one_address(cls, text: str) -> str:
        if text and not SENDER.fullmatch(text):
            raise ValueError("write name@example.com, or Name <name@example.com>")
        return text


class Push(Section):
    project_id: Project = ""
    client_email: Account = ""
    private_key: SecretStr = SecretStr("")
    timeout_s: float = Field(default=10.0, gt=0)
    token_uri: Service = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    fcm_url: Service = "https://fcm.googleapis.com"

    @field_validator("private_key", mode="before")
    @classmethod
    def _with_its_lines(cls, text: Any) -> Any:
        """The key as it stands in a service account's JSON file, quotes and all, has its ends of lines written out."""
        return text.replace("\\n", "\n").strip(" \t\r\n\"'") if isinstance(text, str) else text


class Uploads(Section):
    dest: str = ""
    media_url: str = ""
    max_file_bytes: int = Field(default=5_242_880, ge=1024)
    max_files: int = Field(default=10, ge=1, le=10)
    max_pixels: int = Field(default=25_000_000, ge=1)
    image_workers: int = Field(default=1, ge=1, le=16)
    image_timeout_s: float = Field(default=20.0, gt=0)


class Feed(Section):
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


class Queues(Section):
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
    maintenance: QueueSettings = QueueSettings(concurrency=1, backoff_ms=5000, keep_completed=20)
    lease_ms: int = Field(default=15_000, ge=100)
    heartbeat_ms: int = Field(default=5_000, ge=50)
    max_crashes: int = Field(default=3, ge=1)
    backoff_cap_ms: int = Field(default=600_000, ge=1)
    poll_ms: int = Field(default=500, ge=10)


class Maintenance(Section):
    sessions_every_s: float = Field(default=3600.0, ge=0)
    retention_every_s: float = Field(default=30.0, ge=0)
    counters_every_s: float = Field(default=21_600.0, ge=0)
    media_every_s: float = Field(default=21_600.0, ge=0)
    resets_every_s: float = Field(default=3600.0, ge=0)
    keys_every_s: float = Field(default=3600.0, ge=0)
    keys_kept_s: float = Field(default=86_400.0, ge=60)
    notifications_every_s: float = Field(default=3600.0, ge=0)
    notifications_kept_s: float = Field(default=90 * 86_400, ge=60)


class Stream(Section):
    heartbeat_s: float = Field(default=15.0, gt=0)
    max_per_user: int = Field(default=5, ge=1)
    replay_limit: int = Field(default=50, ge=1)
    retry_ms: int = Field(default=2000, ge=100)


class Shutdown(Section):
    requests_s: float = Field(default=10.0, gt=0)
    jobs_s: float = Field(default=15.0, gt=0)


class Log(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class Ids(Section):
    node: int = Field(default=-1, ge=-1, le=127)


class Settings(Section):
    """The whole configuration, a table of config.toml each."""

    app: App = App()
    throttle: Throttle = Throttle()
    database: Database = Database()
    redis: Redis = Redis()
    auth: Auth = Auth()
    email: Email = Email()
    push: Push = Push()
    uploads: Uploads = Uploads()
    feed: Feed = Feed()
    queues: Queues = Queues()
    maintenance: Maintenance = Maintenance()
    stream: Stream = Stream()
    shutdown: Shutdown = Shutdown()
    log: Log = Log()
    ids: Ids = Ids()

    @property
    def embedded_database(self) -> bool:
        return not self.database.host

    @property
    def embedded_redis(self) -> bool:
        return not (self.redis.host or self.redis.url)

    @property
    def writes_emails_to_outbox(self) -> bool:
        return not self.email.host

    @property
    def pushes_to_firebase(self) -> bool:
        return bool(self.push.project_id)

    @property
    def pushes_to_a_folder(self) -> bool:
        """Not in production unless it is allowed embedded parts: there nobody is pushed to without Firebase."""
        return not self.pushes_to_firebase and (self.app.env != "production" or self.app.allow_embedded)

    @property
    def migrate_at_start(self) -> bool:
        chosen = self.database.migrate_at_start
        return self.embedded_database if chosen is None else chosen

    @property
    def docs(self) -> bool:
        """Are the OpenAPI document and its page served?"""
        return self.app.env != "production" if self.app.docs is None else self.app.docs

    @property
    def public_url(self) -> str:
        """The address in links and media URLs, without a slash at its end."""
        return (self.app.public_url or f"http://localhost:{self.app.port}").rstrip("/")

    @property
    def client_url(self) -> str:
        """Where the pages of the client are, to which letters and pushes lead, without a slash at its end."""
        return (self.app.client_url or self.public_url).rstrip("/")

    @property
    def reset_url(self) -> str:
        """The page that takes a new password; a token is added to its query."""
        return self.auth.reset_url or f"{self.client_url}/reset-password"

    @property
    def email_sender(self) -> str:
        """Whom mail is from: an address, also in front of a name."""
        host = urlsplit(self.public_url).hostname or "localhost"
        return self.email.sender or (
            self.email.username if "@" in self.email.username else f"photofeed@{host}"
        )
