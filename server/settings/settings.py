"""All settings, and values derived from several of them."""

from ipaddress import IPv4Network, IPv6Network
from urllib.parse import urlsplit

from server.settings.api import (
    AppSettings,
    AuthSettings,
    IdSettings,
    LogSettings,
    ShutdownSettings,
    StreamSettings,
    ThrottleSettings,
    TracingSettings,
    UploadSettings,
)
from server.settings.background import (
    FeedSettings,
    MaintenanceSettings,
    NotificationSettings,
    QueuesSettings,
)
from server.settings.dependencies import DatabaseSettings, EmailSettings, PushSettings, RedisSettings
from server.settings.sign_in import OidcSettings, PasskeySettings
from server.settings.types import Section


class Settings(Section):
    """The whole configuration: one section per table of config.toml."""

    app: AppSettings = AppSettings()
    throttle: ThrottleSettings = ThrottleSettings()
    database: DatabaseSettings = DatabaseSettings()
    redis: RedisSettings = RedisSettings()
    auth: AuthSettings = AuthSettings()
    oidc: OidcSettings = OidcSettings()
    passkeys: PasskeySettings = PasskeySettings()
    email: EmailSettings = EmailSettings()
    push: PushSettings = PushSettings()
    uploads: UploadSettings = UploadSettings()
    feed: FeedSettings = FeedSettings()
    queues: QueuesSettings = QueuesSettings()
    maintenance: MaintenanceSettings = MaintenanceSettings()
    notifications: NotificationSettings = NotificationSettings()
    stream: StreamSettings = StreamSettings()
    shutdown: ShutdownSettings = ShutdownSettings()
    log: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()
    ids: IdSettings = IdSettings()

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
    def sends_pushes_to_firebase(self) -> bool:
        return bool(self.push.project_id)

    @property
    def sends_web_pushes(self) -> bool:
        return bool(self.push.vapid_private_key.get_secret_value())

    @property
    def writes_pushes_to_outbox(self) -> bool:
        """False in production without `allow_embedded`: no pushes are sent there without Firebase."""
        return not self.sends_pushes_to_firebase and (self.app.env != "production" or self.app.allow_embedded)

    @property
    def migrate_at_start(self) -> bool:
        chosen = self.database.migrate_at_start
        return self.embedded_database if chosen is None else chosen

    @property
    def docs(self) -> bool:
        """True if the OpenAPI document and its page are served."""
        return self.app.env != "production" if self.app.docs is None else self.app.docs

    @property
    def public_reads(self) -> bool:
        """True if public posts and profiles can be read without an account."""
        return self.app.env != "production" if self.app.public_reads is None else self.app.public_reads

    @property
    def trusted_proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks of proxies whose X-Forwarded-For is read."""
        return self.app.trusted_proxies or ()

    @property
    def lame_duck_s(self) -> float:
        """The time in which a process that leaves accepts connections.

        In production it is longer than nginx avoids a server after a failed connection (10 s), so that of two servers
        that are restarted in turn nginx always knows one.
        """
        chosen = self.shutdown.lame_duck_s
        return (11.0 if self.app.env == "production" else 0.0) if chosen is None else chosen

    @property
    def public_url(self) -> str:
        """The base of links, without a trailing slash."""
        return (self.app.public_url or f"http://localhost:{self.app.port}").rstrip("/")

    @property
    def media_base_url(self) -> str:
        """The base of the addresses of pictures, without a trailing slash."""
        return f"{(self.uploads.cdn_url or self.public_url).rstrip('/')}/media"

    @property
    def client_url(self) -> str:
        """The base of links in e-mails and pushes, without a trailing slash."""
        return (self.app.client_url or self.public_url).rstrip("/")

    @property
    def reset_url(self) -> str:
        """The page for a new password; a token is added to its query."""
        return self.auth.reset_url or f"{self.client_url}/reset-password"

    @property
    def passkey_site(self) -> str:
        """The domain that passkeys belong to (the relying party id)."""
        return self.passkeys.site or urlsplit(self.client_url).hostname or "localhost"

    @property
    def passkey_origins(self) -> tuple[str, ...]:
        """The origins of pages and apps that may use passkeys."""
        parts = urlsplit(self.client_url)
        return self.passkeys.origins or (f"{parts.scheme}://{parts.netloc}",)

    @property
    def email_sender(self) -> str:
        """The sender of e-mails: an address, or a name with an address."""
        host = urlsplit(self.public_url).hostname or "localhost"
        return self.email.sender or (
            self.email.username if "@" in self.email.username else f"photofeed@{host}"
        )
