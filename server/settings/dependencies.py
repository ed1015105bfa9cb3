"""Settings of what the server connects to: database, Redis, SMTP, Firebase."""

from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator

from server.settings.types import (
    AccountEmail,
    ProjectId,
    PushHostNames,
    Section,
    SenderAddress,
    ServerAddresses,
    ServiceUrl,
    VapidSubject,
)


class DatabaseSettings(Section):
    host: str = ""
    port: int = Field(default=3306, ge=1, le=65535)
    username: str = "root"
    password: SecretStr = SecretStr("")
    name: str = Field(default="instagram_clone", min_length=1)
    pool_size: int = Field(default=10, ge=1, le=500)
    timeout_s: float = Field(default=3.0, gt=0)
    replicas: ServerAddresses = ()
    replica_wait_s: float = Field(default=0.1, gt=0, le=2)
    migrate_at_start: bool | None = None
    ssl_verify: Literal["", "full", "ca", "none", "off"] = ""
    ssl_ca: str = ""
    ssl_cert: str = ""
    ssl_key: str = ""


class RedisSettings(Section):
    host: str = ""
    port: int = Field(default=6379, ge=1, le=65535)
    username: str = ""
    password: SecretStr = SecretStr("")
    db: int = Field(default=0, ge=0)
    url: str = ""
    feeds_url: str = ""
    sentinel_username: str = ""
    sentinel_password: SecretStr = SecretStr("")
    timeout_s: float = Field(default=1.0, gt=0)


class EmailSettings(Section):
    host: str = ""
    port: int = Field(default=587, ge=1, le=65535)
    username: str = ""
    password: SecretStr = SecretStr("")
    sender: SenderAddress = ""
    tls: Literal["starttls", "tls", "none"] = "starttls"
    timeout_s: float = Field(default=15.0, gt=0)


class PushSettings(Section):
    project_id: ProjectId = ""
    client_email: AccountEmail = ""
    private_key: SecretStr = SecretStr("")
    timeout_s: float = Field(default=10.0, gt=0)
    token_uri: ServiceUrl = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    fcm_url: ServiceUrl = "https://fcm.googleapis.com"
    vapid_private_key: SecretStr = SecretStr("")
    vapid_subject: VapidSubject = ""
    web_push_hosts: PushHostNames = (
        "fcm.googleapis.com",
        "updates.push.services.mozilla.com",
        "web.push.apple.com",
        "*.notify.windows.com",
    )

    @field_validator("private_key", mode="before")
    @classmethod
    def _unescape_newlines(cls, text: Any) -> Any:
        """Accept the key as copied from the JSON file, with quotes and escaped line breaks."""
        return text.replace("\\n", "\n").strip(" \t\r\n\"'") if isinstance(text, str) else text
