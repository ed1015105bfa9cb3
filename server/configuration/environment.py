"""Environment variables and the settings that they override."""

from collections.abc import Mapping

# Each variable and the key of config.toml that it overrides.
VARIABLES: Mapping[str, str] = {
    "APP_ENV": "app.env",
    "HOST": "app.host",
    "PORT": "app.port",
    "PUBLIC_URL": "app.public_url",
    "CLIENT_URL": "app.client_url",
    "VAR_DIR": "app.var_dir",
    "ALLOW_EMBEDDED": "app.allow_embedded",
    "WORKER_PORT": "app.worker_port",
    "API_DOCS": "app.docs",
    "PUBLIC_READS": "app.public_reads",
    "WEB": "app.web",
    "METRICS_TOKEN": "app.metrics_token",
    "CORS_ORIGINS": "app.cors_origins",
    "TRUSTED_PROXIES": "app.trusted_proxies",
    "THROTTLE_ENABLED": "throttle.enabled",
    "THROTTLE_TTL": "throttle.ttl_ms",
    "THROTTLE_LIMIT": "throttle.limit",
    "DB_HOST": "database.host",
    "DB_PORT": "database.port",
    "DB_USERNAME": "database.username",
    "DB_PASSWORD": "database.password",
    "DB_NAME": "database.name",
    "DB_POOL_SIZE": "database.pool_size",
    "DB_REPLICAS": "database.replicas",
    "DB_SSL_VERIFY": "database.ssl_verify",
    "DB_SSL_CA": "database.ssl_ca",
    "DB_SSL_CERT": "database.ssl_cert",
    "DB_SSL_KEY": "database.ssl_key",
    "REDIS_HOST": "redis.host",
    "REDIS_PORT": "redis.port",
    "REDIS_USERNAME": "redis.username",
    "REDIS_PASSWORD": "redis.password",
    "REDIS_DB": "redis.db",
    "REDIS_URL": "redis.url",
    "REDIS_FEEDS_URL": "redis.feeds_url",
    "REDIS_SENTINEL_USERNAME": "redis.sentinel_username",
    "REDIS_SENTINEL_PASSWORD": "redis.sentinel_password",
    "FEED_CELEBRITY_THRESHOLD": "feed.celebrity_threshold",
    "JWT_SECRET": "auth.jwt_secret",
    "JWT_REFRESH_SECRET": "auth.jwt_refresh_secret",
    "SECOND_FACTOR_SECRET": "auth.second_factor_secret",
    "BCRYPT_COST": "auth.bcrypt_cost",
    "PASSWORD_RESET_URL": "auth.reset_url",
    "REQUIRE_VERIFIED_EMAIL": "auth.require_verified_email",
    "GOOGLE_CLIENT_IDS": "oidc.google_client_ids",
    "APPLE_CLIENT_IDS": "oidc.apple_client_ids",
    "PASSKEY_SITE": "passkeys.site",
    "PASSKEY_ORIGINS": "passkeys.origins",
    "EMAIL_HOST": "email.host",
    "EMAIL_PORT": "email.port",
    "EMAIL_USER": "email.username",
    "EMAIL_PASS": "email.password",
    "EMAIL_FROM": "email.sender",
    "EMAIL_TLS": "email.tls",
    "FIREBASE_PROJECT_ID": "push.project_id",
    "FIREBASE_CLIENT_EMAIL": "push.client_email",
    "FIREBASE_PRIVATE_KEY": "push.private_key",
    "VAPID_PRIVATE_KEY": "push.vapid_private_key",
    "VAPID_SUBJECT": "push.vapid_subject",
    "UPLOAD_DEST": "uploads.dest",
    "MEDIA_URL": "uploads.media_url",
    "CDN_URL": "uploads.cdn_url",
    "MAX_FILE_SIZE": "uploads.max_file_bytes",
    "KEEP_ORIGINALS": "uploads.keep_originals",
    "MODERN_FORMAT": "uploads.modern_format",
    "FEED_WORKER_CONCURRENCY": "queues.feed.concurrency",
    "NOTIFICATION_WORKER_CONCURRENCY": "queues.notifications.concurrency",
    "FEED_RATE_PER_S": "queues.feed.rate_per_s",
    "NOTIFICATION_RATE_PER_S": "queues.notifications.rate_per_s",
    "QUEUE_LEASE_MS": "queues.lease_ms",
    "LOG_LEVEL": "log.level",
    "LOG_FORMAT": "log.format",
    "NODE_ID": "ids.node",
    # Names of OpenTelemetry's specification, except the last one.
    "OTEL_EXPORTER_OTLP_ENDPOINT": "tracing.endpoint",
    "OTEL_EXPORTER_OTLP_HEADERS": "tracing.headers",
    "OTEL_TRACES_SAMPLER_ARG": "tracing.sample_ratio",
    "OTEL_SERVICE_NAME": "tracing.service_name",
    "TRACEPARENT_FROM_PROXIES": "tracing.continue_from_proxies",
}

# A variable that sets the same key of several queues; a variable of one queue takes precedence.
SHARED_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "QUEUE_CONCURRENCY": ("queues.feed.concurrency", "queues.notifications.concurrency"),
    "QUEUE_MAX_ATTEMPTS": ("queues.feed.max_attempts", "queues.notifications.max_attempts"),
    "QUEUE_BACKOFF_DELAY": ("queues.feed.backoff_ms", "queues.notifications.backoff_ms"),
}

# Keys that are read from the environment, or from files that it names, only.
SECRET_KEYS = frozenset(
    {
        "app.metrics_token",
        "database.password",
        "redis.password",
        "redis.sentinel_password",
        "auth.jwt_secret",
        "auth.jwt_refresh_secret",
        "auth.second_factor_secret",
        "email.password",
        "push.private_key",
        "push.vapid_private_key",
        "tracing.headers",
    },
)

# Variables that name a file with a secret, and the variable that each replaces. A URL may contain a password.
FILE_VARIABLES: Mapping[str, str] = {
    f"{name}_FILE": name
    for name, key in VARIABLES.items()
    if key in SECRET_KEYS or key in ("redis.url", "redis.feeds_url")
}
