"""Checks across settings: Firebase credentials, TLS files, and what production requires."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from server.errors import ConfigurationError
from server.networks import is_secure_url
from server.settings import Settings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

MIN_SECRET_LENGTH = 32
SAMPLE_SECRETS = frozenset({"your_jwt_secret_key", "your_jwt_refresh_secret_key", "secret", "changeme"})
# For what is closed after requests and jobs: connections to the database and Redis, the embedded Valkey.
RELEASE_S = 5.0
ADVICE = 'generate one with python -c "import secrets; print(secrets.token_urlsafe(48))"'


def check_firebase(settings: Settings) -> None:
    """Raise ConfigurationError unless the Firebase credentials are complete or absent."""
    push = settings.push
    key = push.private_key.get_secret_value()
    given = {
        "FIREBASE_PROJECT_ID": push.project_id,
        "FIREBASE_CLIENT_EMAIL": push.client_email,
        "FIREBASE_PRIVATE_KEY": key,
    }
    missing = [name for name, value in given.items() if not value]
    if missing and len(missing) < len(given):
        raise ConfigurationError(
            f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not set: set all of {', '.join(given)} from"
            " the JSON file of a service account, or none of them."
        )
    if key and not _is_rsa_key(key):
        raise ConfigurationError(
            "FIREBASE_PRIVATE_KEY is not an unencrypted RSA private key: copy private_key from the JSON file of a"
            " service account, from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----, with each \\n in it."
        )


def check_web_push(settings: Settings) -> None:
    """Raise ConfigurationError unless the VAPID key is valid and comes with a subject, or both are absent."""
    key = settings.push.vapid_private_key.get_secret_value()
    if bool(key) != bool(settings.push.vapid_subject):
        raise ConfigurationError("Set both VAPID_PRIVATE_KEY and VAPID_SUBJECT, or neither.")
    if key and not re.fullmatch(r"[A-Za-z0-9_-]{43}=?", key):
        raise ConfigurationError(
            "VAPID_PRIVATE_KEY is not a key of 32 bytes in base64url: generate one with npx web-push"
            " generate-vapid-keys."
        )


def check_database_tls(settings: Settings) -> None:
    """Raise ConfigurationError for a key without its certificate."""
    if settings.database.ssl_key and not settings.database.ssl_cert:
        raise ConfigurationError("DB_SSL_KEY is set without DB_SSL_CERT: set both, or neither.")


def check_shutdown(settings: Settings) -> None:
    """Raise ConfigurationError for deadlines that the whole shutdown has no time for."""
    shutdown, lame_duck_s = settings.shutdown, settings.lame_duck_s
    needed_s = max(lame_duck_s + shutdown.requests_s, shutdown.jobs_s) + RELEASE_S
    if needed_s > shutdown.total_s:
        raise ConfigurationError(
            f"shutdown.total_s is {shutdown.total_s:g}, but a shutdown may take {needed_s:g} seconds: the longer of"
            f" lame_duck_s + requests_s ({lame_duck_s:g} + {shutdown.requests_s:g}) and jobs_s ({shutdown.jobs_s:g}),"
            f" and {RELEASE_S:g} for the rest. Lower these, or raise total_s and the time that your service manager"
            " gives a process to stop."
        )


def check_providers(settings: Settings) -> None:
    """Raise ConfigurationError for an identity provider without https, except on loopback in development."""
    this_machine = settings.app.env != "production"
    for name, provider in settings.oidc.providers.items():
        if not is_secure_url(provider.issuer, this_machine=this_machine):
            raise ConfigurationError(
                f"Invalid oidc.providers.{name}.issuer {provider.issuer!r}: expected an https URL, because the keys of"
                " the provider are read from there."
            )


def check_passkeys(settings: Settings) -> None:
    """Raise ConfigurationError for an origin on another domain than that of the passkeys."""
    site = settings.passkey_site
    for origin in settings.passkeys.origins:
        host = urlsplit(origin).hostname
        if origin.startswith("http") and host != site and not (host or "").endswith(f".{site}"):
            raise ConfigurationError(
                f"Invalid PASSKEY_ORIGINS {origin!r}: expected an origin on {site}, or set PASSKEY_SITE to its domain."
            )


def check_production(settings: Settings) -> None:
    """Raise ConfigurationError for settings that are unsafe or missing in production.

    These are weak secrets, embedded services and a private folder for pictures that are not
    allowed explicitly, and an unknown public URL or proxy.
    """
    _check_secrets(settings)
    if not settings.app.allow_embedded:
        _check_services(settings)
        _check_media(settings)
    _check_exposure(settings)


def _check_secrets(settings: Settings) -> None:
    access = settings.auth.jwt_secret.get_secret_value()
    refresh = settings.auth.jwt_refresh_secret.get_secret_value()
    for name, secret in (("JWT_SECRET", access), ("JWT_REFRESH_SECRET", refresh)):
        if not secret:
            raise ConfigurationError(f"{name} is not set, but production requires it: {ADVICE}")
        if secret in SAMPLE_SECRETS:
            raise ConfigurationError(f"{name} is a published sample value: {ADVICE}")
        if len(secret) < MIN_SECRET_LENGTH:
            raise ConfigurationError(f"{name} is shorter than {MIN_SECRET_LENGTH} characters: {ADVICE}")
    second_factor = settings.auth.second_factor_secret.get_secret_value()
    if second_factor and len(second_factor) < MIN_SECRET_LENGTH:
        raise ConfigurationError(
            f"SECOND_FACTOR_SECRET is shorter than {MIN_SECRET_LENGTH} characters: {ADVICE}"
        )
    if access == refresh:
        raise ConfigurationError(f"JWT_SECRET and JWT_REFRESH_SECRET must differ: {ADVICE}")


def _check_services(settings: Settings) -> None:
    for embedded, replacement, name in (
        (settings.embedded_database, "the embedded SQLite database", "DB_HOST"),
        (settings.embedded_redis, "the embedded Redis", "REDIS_HOST"),
        (settings.writes_emails_to_outbox, "files instead of an SMTP server", "EMAIL_HOST"),
    ):
        if embedded:
            raise ConfigurationError(
                f"{name} is not set, so production would use {replacement}: set {name}, or ALLOW_EMBEDDED=true to allow"
                " that."
            )


def _check_media(settings: Settings) -> None:
    if not settings.uploads.dest and not settings.uploads.media_url:
        raise ConfigurationError(
            "UPLOAD_DEST is not set, so pictures would be stored in VAR_DIR, which other hosts do not share: set"
            " UPLOAD_DEST to a folder that all processes share, MEDIA_URL to a bucket, or ALLOW_EMBEDDED=true to allow"
            " that."
        )


def _check_exposure(settings: Settings) -> None:
    if not settings.app.public_url:
        raise ConfigurationError(
            "PUBLIC_URL is not set, but production requires it: set the URL that clients use, such as"
            " https://photos.example.com."
        )
    if not settings.app.metrics_token.get_secret_value():
        raise ConfigurationError(f"METRICS_TOKEN is not set, so that anybody could read /metrics: {ADVICE}")
    if settings.app.trusted_proxies == ():
        raise ConfigurationError(
            "TRUSTED_PROXIES is not set, but production requires it: set the networks of your proxies, such as"
            " 10.0.0.0/8, or none if clients connect directly."
        )


def _is_rsa_key(pem: str) -> bool:
    # Imported on demand: 7 MB and 13 ms.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return isinstance(load_pem_private_key(pem.encode(), password=None), RSAPrivateKey)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False


def unreachable_addresses(settings: Settings) -> Iterator[str]:
    """Yield a warning if other devices can reach the server, but not the addresses that it hands out."""
    host, url = settings.app.host, settings.app.public_url
    if not url and host not in LOOPBACK:
        yield (
            f"HOST is {host}, but PUBLIC_URL is not set: links and pictures lead to {settings.public_url}, which other"
            " devices cannot reach. Set PUBLIC_URL to the address that they use, such as http://192.168.0.10:3000."
        )
