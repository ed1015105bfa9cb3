"""Settings: sources and precedence, validation, error messages."""

import asyncio
import json
import stat
import sys
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import BaseModel

from server.assembly.gateways import web_push_identity
from server.configuration import Loaded, load
from server.configuration.environment import FILE_VARIABLES, SECRET_KEYS, SHARED_VARIABLES, VARIABLES
from server.errors import ConfigurationError
from server.settings import Settings
from tests.support.fakes.fcm_server import rsa_key
from tools.harness.backends import ROOT

LONG, OTHER = "an access secret that is long enough", "a refresh secret that is long enough"
PRODUCTION = {
    "APP_ENV": "production",
    "JWT_SECRET": LONG,
    "JWT_REFRESH_SECRET": OTHER,
    "DB_HOST": "db.internal",
    "REDIS_HOST": "redis.internal",
    "EMAIL_HOST": "smtp.internal",
    "PUBLIC_URL": "https://photos.example.com",
    "METRICS_TOKEN": "a token of the tests",
    "TRUSTED_PROXIES": "none",
    "UPLOAD_DEST": "/srv/photos",
}
RSA_KEY = rsa_key()
FIREBASE = {
    "FIREBASE_PROJECT_ID": "photos-1",
    "FIREBASE_CLIENT_EMAIL": "push@photos-1.iam.gserviceaccount.com",
    "FIREBASE_PRIVATE_KEY": RSA_KEY,
}
VAPID = {
    "VAPID_PRIVATE_KEY": "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",
    "VAPID_SUBJECT": "mailto:push@photos.example",
}
# Settings without a value in config.toml, which describes their defaults in comments.
UNSET = {"app.docs", "app.public_reads", "database.migrate_at_start", "shutdown.lame_duck_s"}


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Load `config`, by default config.toml, with `environ` in a temporary folder."""

    def read(
        environ: dict[str, str] | None = None, config: str | None = None, dotenv: str = "", **overrides: str
    ) -> Loaded:
        file = ROOT / "config.toml"
        if config is not None:
            file = tmp_path / "config.toml"
            file.write_text(config)
        (tmp_path / ".env").write_text(dotenv)
        var = {"VAR_DIR": str(tmp_path / "var")}
        return load(file, {**var, **(environ or {})}, tmp_path / ".env", overrides)

    return read


def value_of(settings: BaseModel, key: str) -> Any:
    found: Any = settings
    for part in key.split("."):
        found = getattr(found, part)
    return found


def keys_of(model: type[BaseModel], path: str = "") -> set[str]:
    keys: set[str] = set()
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys |= keys_of(field.annotation, f"{path}{name}.")
        else:
            keys.add(path + name)
    return keys


def flat(table: dict[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in table.items():
        found |= flat(value, f"{path}{name}.") if isinstance(value, dict) and value else {path + name: value}
    return found


@pytest.mark.parametrize(
    ("environ", "warned"),
    [
        ({"HOST": "0.0.0.0"}, True),
        ({"HOST": "0.0.0.0", "PUBLIC_URL": "http://192.168.0.10:3000"}, False),
        ({"HOST": "localhost"}, False),
        ({}, False),
    ],
)
def test_address_that_other_devices_cannot_reach_is_a_warning(
    read: Any, environ: dict[str, str], warned: bool
) -> None:
    warnings = read(environ).warnings
    assert ["PUBLIC_URL" in warning for warning in warnings] == [True] * warned


def test_config_toml_has_every_key_with_its_default() -> None:
    written = flat(tomllib.loads((ROOT / "config.toml").read_text()))
    assert set(written) == keys_of(Settings) - SECRET_KEYS - UNSET
    defaults = Settings()
    for key, value in written.items():
        default = value_of(defaults, key)
        comparable = list(default) if isinstance(default, tuple) else default
        assert value == (str(default) if isinstance(default, Path) else comparable), key


def test_every_variable_overrides_an_existing_key() -> None:
    keys = keys_of(Settings)
    assert set(VARIABLES.values()) <= keys
    assert {key for shared in SHARED_VARIABLES.values() for key in shared} <= keys
    assert not set(VARIABLES) & set(SHARED_VARIABLES)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("APP_ENV", "test", "test"),
        ("HOST", "0.0.0.0", "0.0.0.0"),
        ("PORT", "8080", 8080),
        ("ALLOW_EMBEDDED", "true", True),
        ("DB_HOST", "db", "db"),
        ("DB_PORT", "3307", 3307),
        ("DB_NAME", "photos", "photos"),
        ("REDIS_HOST", "redis", "redis"),
        ("REDIS_DB", "2", 2),
        ("BCRYPT_COST", "5", 5),
        ("UPLOAD_DEST", "/srv/photos", "/srv/photos"),
        ("MAX_FILE_SIZE", "1048576", 1_048_576),
        ("KEEP_ORIGINALS", "true", True),
        ("FEED_WORKER_CONCURRENCY", "3", 3),
        ("LOG_LEVEL", "debug", "debug"),
        ("NODE_ID", "7", 7),
        ("TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8", (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))),
        (
            "CORS_ORIGINS",
            "https://a.example, http://localhost:8080",
            ("https://a.example", "http://localhost:8080"),
        ),
        ("THROTTLE_TTL", "1000", 1000),
        ("THROTTLE_LIMIT", "5", 5),
    ],
)
def test_the_environment_overrides_config_toml(read: Any, name: str, text: str, expected: Any) -> None:
    assert value_of(read({name: text}).settings, VARIABLES[name]) == expected


def test_secrets_come_from_the_environment(read: Any) -> None:
    settings = read({"JWT_SECRET": LONG, "JWT_REFRESH_SECRET": OTHER, "DB_PASSWORD": "p1"}).settings
    assert settings.auth.jwt_secret.get_secret_value() == LONG
    assert settings.auth.jwt_refresh_secret.get_secret_value() == OTHER
    assert settings.database.password.get_secret_value() == "p1"


def test_every_secret_can_be_in_a_file(read: Any, tmp_path: Path) -> None:
    assert {VARIABLES[name] for name in FILE_VARIABLES.values()} == {
        *SECRET_KEYS,
        "redis.url",
        "redis.feeds_url",
    }
    file = tmp_path / "secret"
    for file_variable, name in FILE_VARIABLES.items():
        text = {"FIREBASE_PRIVATE_KEY": RSA_KEY.strip(), "VAPID_PRIVATE_KEY": VAPID["VAPID_PRIVATE_KEY"]}.get(
            name, "redis://:hush@redis"
        )
        file.write_text(f"{text}\n")
        others = {"FIREBASE_PRIVATE_KEY": FIREBASE, "VAPID_PRIVATE_KEY": VAPID}.get(name, {})
        settings = read({**others, name: "", file_variable: str(file)}).settings
        value = value_of(settings, VARIABLES[name])
        assert (value if isinstance(value, str) else value.get_secret_value()) == text
    assert read(dotenv=f"DB_PASSWORD_FILE={file}\n").settings.database.password.get_secret_value()


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"p\xc3\xbc\r\n", "p\u00fc"),
        (b"p", "p"),
        (b" p \n\n", " p \n"),
        (b"\np", "\np"),
        (b"x" * 65_536, "x" * 65_536),
    ],
    ids=["crlf", "no line break", "two line breaks", "leading line break", "64 KiB"],
)
def test_one_line_break_at_the_end_is_removed(read: Any, tmp_path: Path, content: bytes, secret: str) -> None:
    (tmp_path / "secret").write_bytes(content)
    settings = read({"DB_PASSWORD_FILE": str(tmp_path / "secret")}).settings
    assert settings.database.password.get_secret_value() == secret


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hush-hush\xff", "is not UTF-8"),
        (b"hush-hush" * 8000, "is larger than 64 KiB"),
    ],
    ids=["empty", "line break", "binary", "large"],
)
def test_invalid_secret_file_is_named_and_not_repeated(
    read: Any, tmp_path: Path, content: bytes, reason: str
) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    detail = refused(read, {"JWT_SECRET_FILE": str(file)})
    assert detail.startswith(f"JWT_SECRET_FILE: {str(file)!r} {reason}")
    assert "hush-hush" not in detail
    assert "\n" not in detail


def test_unreadable_secret_file_is_named(read: Any, tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        detail = refused(read, {"EMAIL_PASS_FILE": str(path)})
        assert detail.startswith(f"EMAIL_PASS_FILE: cannot read {str(path)!r} (")


def test_secret_given_twice_is_refused(read: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush-hush")
    environ = {"REDIS_PASSWORD": "hush-hush", "REDIS_PASSWORD_FILE": str(tmp_path / "secret")}
    detail = refused(read, environ)
    assert detail.startswith(f"REDIS_PASSWORD and REDIS_PASSWORD_FILE ({tmp_path / 'secret'}) are both set")
    assert "hush-hush" not in detail


def test_misspelt_file_variable_is_a_warning(read: Any) -> None:
    (warning,) = read({"DB_PASWORD_FILE": "/run/secrets/db"}).warnings
    assert "did you mean DB_PASSWORD_FILE?" in warning


def test_secrets_are_not_printed(read: Any) -> None:
    settings = read({"JWT_SECRET": LONG, "JWT_REFRESH_SECRET": OTHER, "REDIS_PASSWORD": "hush-hush"}).settings
    for secret in (LONG, OTHER, "hush-hush"):
        assert secret not in repr(settings)
        assert secret not in settings.model_dump_json()


def test_empty_variable_is_ignored(read: Any) -> None:
    assert read({"PORT": "", "DB_HOST": ""}).settings == read().settings


@pytest.mark.parametrize(
    ("name", "text", "feed", "notifications"),
    [
        ("QUEUE_CONCURRENCY", "2", "queues.feed.concurrency", "queues.notifications.concurrency"),
        ("QUEUE_MAX_ATTEMPTS", "9", "queues.feed.max_attempts", "queues.notifications.max_attempts"),
        ("QUEUE_BACKOFF_DELAY", "123", "queues.feed.backoff_ms", "queues.notifications.backoff_ms"),
    ],
)
def test_shared_variable_sets_both_queues(
    read: Any, name: str, text: str, feed: str, notifications: str
) -> None:
    settings = read({name: text}).settings
    assert value_of(settings, feed) == value_of(settings, notifications) == int(text)


def test_variable_of_one_queue_overrides_the_shared_one(read: Any) -> None:
    queues = read({"QUEUE_CONCURRENCY": "2", "NOTIFICATION_WORKER_CONCURRENCY": "7"}).settings.queues
    assert (queues.feed.concurrency, queues.notifications.concurrency) == (2, 7)
    assert queues.feed.max_attempts != queues.notifications.max_attempts


def test_environment_overrides_the_dotenv_file(read: Any) -> None:
    settings = read({"PORT": "4000"}, dotenv="PORT=5000\nHOST=127.0.0.2\n").settings
    assert (settings.app.port, settings.app.host) == (4000, "127.0.0.2")


def test_flag_overrides_the_environment(read: Any) -> None:
    assert read({"PORT": "4000"}, **{"app.port": "6000"}).settings.app.port == 6000


def refused(read: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(ConfigurationError) as error:
        read(*arguments, **named)
    return error.value.detail


def test_misspelt_key_suggests_the_right_one(read: Any) -> None:
    detail = refused(read, config="[app]\nprot = 3000\n")
    assert "app.prot" in detail
    assert "did you mean port?" in detail


def test_misspelt_table_suggests_the_right_one(read: Any) -> None:
    assert "did you mean database?" in refused(read, config="[databse]\nhost = ''\n")


def test_misspelt_key_of_a_queue_suggests_the_right_one(read: Any) -> None:
    detail = refused(read, config="[queues.feed]\nconcurency = 1\n")
    assert "queues.feed.concurency" in detail
    assert "did you mean concurrency?" in detail


@pytest.mark.parametrize("line", ["EMAIL_PORT: 25", 'PORT="39', "this is no line", "=5"])
def test_invalid_line_in_the_dotenv_file_is_refused(read: Any, line: str) -> None:
    detail = refused(read, dotenv=f"HOST=127.0.0.2\n{line}\nDB_POOL_SIZE=7\n")
    assert detail.startswith("Invalid line 2 in ")
    assert ".env: expected NAME=value" in detail


def test_error_names_the_place_of_the_value(read: Any) -> None:
    for name in ("PORT", "QUEUE_CONCURRENCY"):
        detail = refused(read, dotenv=f"{name}=abc\n")
        assert detail.startswith(f"Invalid {name} 'abc' in ")
        assert ".env: expected an integer." in detail
    detail = refused(read, {"PORT": "abc"}, dotenv="PORT=1\n")
    assert detail == "Invalid PORT 'abc' in the environment: expected an integer."


def test_binary_dotenv_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PORT=\xff\xfe")
    with pytest.raises(ConfigurationError, match="is not UTF-8 text"):
        load(ROOT / "config.toml", {"VAR_DIR": str(tmp_path)}, tmp_path / ".env")


def test_misspelt_variable_in_the_dotenv_file_is_refused(read: Any) -> None:
    assert "did you mean JWT_SECRET?" in refused(read, dotenv="JWT_SECRTE=x\n")


def test_misspelt_variable_in_the_environment_is_a_warning(read: Any) -> None:
    (warning,) = read({"REDIS_HOTS": "redis"}).warnings
    assert "REDIS_HOTS" in warning
    assert "did you mean REDIS_HOST?" in warning


def test_unrelated_variables_cause_no_warning(read: Any) -> None:
    assert read({"PATH": "/bin", "HOME": "/", "LANG": "C", "SHELL": "sh", "USER": "me"}).warnings == ()


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"PORT": "many"}, "PORT"),
        ({"PORT": "65536"}, "PORT"),
        ({"APP_ENV": "staging"}, "APP_ENV"),
        ({"QUEUE_CONCURRENCY": "0"}, "QUEUE_CONCURRENCY"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL"),
        ({"NODE_ID": "128"}, "NODE_ID"),
        ({"TRUSTED_PROXIES": "10.0.0.0/8,everybody"}, "TRUSTED_PROXIES 'everybody'"),
        ({"THROTTLE_LIMIT": "0"}, "THROTTLE_LIMIT"),
        *(
            ({"CORS_ORIGINS": origin}, f"CORS_ORIGINS {origin!r}")
            for origin in ("*", "null", "www.example.com", "https://a.example/", "https://*.example")
        ),
    ],
)
def test_invalid_value_is_refused_with_its_variable(read: Any, environ: dict[str, str], named: str) -> None:
    detail = refused(read, environ)
    assert f"Invalid {named}" in detail


@pytest.mark.parametrize(
    ("origin", "problem"),
    [
        ("*", "wildcards are not supported"),
        ("https://a.example/", "no path, not even a slash at the end: write https://a.example"),
        ("https://a.example/b?c", "write https://a.example"),
        ("localhost:5173", "the scheme is missing: write https://localhost:5173 or http://localhost:5173"),
        ("a.example/", "write https://a.example or"),
        ("https://", "expected an origin"),
    ],
)
def test_invalid_origin_is_explained(read: Any, origin: str, problem: str) -> None:
    assert problem in refused(read, {"CORS_ORIGINS": origin})


def test_invalid_value_in_the_file_is_refused_with_its_key(read: Any) -> None:
    detail = refused(read, config="[stream]\nheartbeat_s = -1\n")
    assert "stream.heartbeat_s" in detail
    assert "config.toml" in detail


@pytest.mark.parametrize(
    ("provider", "named"),
    [
        ('acme = { issuer = "http://login.acme.example", client_ids = ["photos"] }', "expected an https URL"),
        ('acme = { issuer = "login.acme.example", client_ids = ["photos"] }', "oidc.providers.acme.issuer"),
        (
            'acme = { issuer = "https://login.acme.example", client_ids = [] }',
            "oidc.providers.acme.client_ids",
        ),
        ('acme = { issuer = "https://login.acme.example" }', "oidc.providers.acme.client_ids"),
        (
            'google = { issuer = "https://login.acme.example", client_ids = ["photos"] }',
            "oidc.providers.google",
        ),
        ('Acme = { issuer = "https://login.acme.example", client_ids = ["photos"] }', "oidc.providers.Acme"),
    ],
)
def test_invalid_identity_provider_is_refused(read: Any, provider: str, named: str) -> None:
    assert named in refused(read, config=f"[oidc.providers]\n{provider}\n")


def test_identity_provider_on_this_machine_needs_development(read: Any) -> None:
    provider = '[oidc.providers]\nacme = { issuer = "http://127.0.0.1:8000", client_ids = ["photos"] }\n'
    chosen = read(config=provider).settings.oidc.providers["acme"]
    assert (chosen.issuer, chosen.client_ids) == ("http://127.0.0.1:8000", ("photos",))
    assert "oidc.providers.acme.issuer" in refused(read, PRODUCTION, config=provider)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"PASSKEY_ORIGINS": "https://evil.example"}, "expected an origin on photos.example.com"),
        ({"PASSKEY_ORIGINS": "https://evilphotos.example.com"}, "expected an origin on photos.example.com"),
        ({"PASSKEY_ORIGINS": "http://photos.example.com"}, "PASSKEY_ORIGINS"),
        ({"PASSKEY_SITE": "https://photos.example.com"}, "PASSKEY_SITE"),
        ({"PASSKEY_SITE": "photos.example.com:443"}, "PASSKEY_SITE"),
    ],
)
def test_passkeys_of_another_site_are_refused(read: Any, environ: dict[str, str], named: str) -> None:
    assert named in refused(read, {**PRODUCTION, **environ})


def test_passkeys_belong_to_the_host_of_the_client(read: Any) -> None:
    settings = read({**PRODUCTION, "CLIENT_URL": "https://www.example.com:8443/app"}).settings
    assert settings.passkey_site == "www.example.com"
    assert settings.passkey_origins == ("https://www.example.com:8443",)
    app = "android:apk-key-hash:c2lnbmVkLWJ5LXRoZS1hcHA"
    environ = {"PASSKEY_SITE": "example.com", "PASSKEY_ORIGINS": f"https://www.example.com, {app}"}
    settings = read({**PRODUCTION, **environ}).settings
    assert settings.passkey_site == "example.com"
    assert settings.passkey_origins == ("https://www.example.com", app)


def test_all_errors_are_reported_together(read: Any) -> None:
    detail = refused(read, {"PORT": "x"}, config="[app]\nprot = 1\n[feed]\nwindow = 1\n")
    assert all(word in detail for word in ("PORT", "app.prot", "feed.window"))


@pytest.mark.parametrize("key", sorted(SECRET_KEYS))
def test_secret_in_config_toml_is_refused(read: Any, key: str) -> None:
    section, name = key.split(".")
    detail = refused(read, config=f"[{section}]\n{name} = 'hush-hush'\n")
    assert key in detail
    assert next(variable for variable, target in VARIABLES.items() if target == key) in detail
    assert "hush-hush" not in detail


def test_invalid_toml_is_refused(read: Any) -> None:
    assert "not valid TOML" in refused(read, config="[app\n")
    assert "must be a table" in refused(read, {"PORT": "1"}, config="app = 3\n")


def test_missing_file_suggests_the_flag(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--config"):
        load(tmp_path / "config.toml", {}, tmp_path / ".env")


def test_production_uses_the_configured_services(read: Any) -> None:
    settings = read(PRODUCTION).settings
    assert not settings.embedded_database
    assert not settings.embedded_redis
    assert not settings.writes_emails_to_outbox
    assert not settings.migrate_at_start


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"JWT_SECRET": ""}, "JWT_SECRET"),
        ({"JWT_REFRESH_SECRET": ""}, "JWT_REFRESH_SECRET"),
        ({"JWT_SECRET": "too short"}, "JWT_SECRET"),
        ({"JWT_REFRESH_SECRET": "x" * 31}, "JWT_REFRESH_SECRET"),
        ({"JWT_SECRET": "your_jwt_secret_key"}, "sample"),
        ({"JWT_REFRESH_SECRET": "your_jwt_refresh_secret_key"}, "sample"),
        ({"JWT_REFRESH_SECRET": LONG}, "must differ"),
        ({"SECOND_FACTOR_SECRET": "x" * 31}, "SECOND_FACTOR_SECRET"),
        ({"DB_HOST": ""}, "DB_HOST"),
        ({"REDIS_HOST": ""}, "REDIS_HOST"),
        ({"EMAIL_HOST": ""}, "EMAIL_HOST"),
        ({"PUBLIC_URL": ""}, "PUBLIC_URL is not set"),
        ({"METRICS_TOKEN": ""}, "METRICS_TOKEN is not set"),
        ({"TRUSTED_PROXIES": ""}, "TRUSTED_PROXIES is not set"),
        ({"UPLOAD_DEST": ""}, "UPLOAD_DEST is not set"),
    ],
)
def test_production_refuses(read: Any, changes: dict[str, str], named: str) -> None:
    detail = refused(read, {**PRODUCTION, **changes})
    assert named in detail
    assert LONG not in detail


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("none", ()),
        (" None ", ()),
        ("10.0.0.0/8", (ip_network("10.0.0.0/8"),)),
    ],
)
def test_production_accepts_proxies_or_none(read: Any, text: str, networks: tuple[Any, ...]) -> None:
    assert read({**PRODUCTION, "TRUSTED_PROXIES": text}).settings.trusted_proxies == networks


def test_none_is_accepted_in_config_toml(read: Any) -> None:
    environ = {**PRODUCTION, "TRUSTED_PROXIES": ""}
    assert read(environ, config="[app]\ntrusted_proxies = 'none'\n").settings.trusted_proxies == ()


def test_production_may_allow_embedded_services(read: Any) -> None:
    environ = {**PRODUCTION, "DB_HOST": "", "REDIS_HOST": "", "EMAIL_HOST": "", "ALLOW_EMBEDDED": "true"}
    settings = read(environ).settings
    assert settings.embedded_database
    assert settings.embedded_redis
    assert settings.writes_emails_to_outbox
    assert "JWT_SECRET" in refused(read, {**environ, "JWT_SECRET": ""})


def test_pushes_go_to_firebase_when_configured(read: Any) -> None:
    for environ in (FIREBASE, {**PRODUCTION, **FIREBASE}):
        settings = read(environ).settings
        assert settings.sends_pushes_to_firebase
        assert not settings.writes_pushes_to_outbox
        assert settings.push.private_key.get_secret_value() == RSA_KEY.strip()


def test_web_push_needs_a_key_and_a_subject(read: Any) -> None:
    key, subject = VAPID.values()
    settings = read({**PRODUCTION, **VAPID}).settings
    assert settings.sends_web_pushes
    assert web_push_identity(settings).public_key.startswith("BP4z9KsN6n")  # type: ignore[union-attr]
    assert web_push_identity(read(PRODUCTION).settings) is None
    development = read().settings
    assert not development.sends_web_pushes
    assert web_push_identity(development).public_key == web_push_identity(read().settings).public_key  # type: ignore[union-attr]
    for environ in (
        {"VAPID_PRIVATE_KEY": key},
        {"VAPID_SUBJECT": subject},
        {"VAPID_PRIVATE_KEY": "short", "VAPID_SUBJECT": subject},
        {"VAPID_PRIVATE_KEY": key, "VAPID_SUBJECT": "push@photos.example"},
    ):
        assert "VAPID" in refused(read, environ) or "vapid" in refused(read, environ)


def test_pushes_without_firebase_go_to_files_or_nowhere(read: Any) -> None:
    development, production = read().settings, read(PRODUCTION).settings
    allowed = read({**PRODUCTION, "ALLOW_EMBEDDED": "true"}).settings
    assert not any(settings.sends_pushes_to_firebase for settings in (development, production, allowed))
    assert [settings.writes_pushes_to_outbox for settings in (development, production, allowed)] == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    "pasted",
    [
        RSA_KEY.replace("\n", "\\n"),
        '"' + RSA_KEY.replace("\n", "\\n") + '"',
        f"\n {RSA_KEY} \n",
        f"'{RSA_KEY}'",
    ],
    ids=["escaped newlines", "double quotes", "surrounding whitespace", "single quotes"],
)
def test_firebase_key_is_accepted_as_pasted(read: Any, pasted: str) -> None:
    settings = read({**FIREBASE, "FIREBASE_PRIVATE_KEY": pasted}).settings
    assert settings.push.private_key.get_secret_value() == RSA_KEY.strip()


def test_firebase_key_may_be_in_the_dotenv_file(read: Any) -> None:
    pasted = RSA_KEY.replace("\n", "\\n")
    for quote in ("", '"', "'"):
        dotenv = "".join(f"{name}={value}\n" for name, value in FIREBASE.items() if value != RSA_KEY)
        settings = read(dotenv=f"{dotenv}FIREBASE_PRIVATE_KEY={quote}{pasted}{quote}\n").settings
        assert settings.push.private_key.get_secret_value() == RSA_KEY.strip()


@pytest.mark.parametrize("missing", sorted(FIREBASE))
def test_missing_firebase_variable_is_named(read: Any, missing: str) -> None:
    detail = refused(read, {**FIREBASE, missing: ""})
    assert detail.startswith(f"{missing} is not set")
    assert "service account" in detail
    alone = refused(read, {missing: FIREBASE[missing]})
    first, second = (name for name in FIREBASE if name != missing)
    assert alone.startswith(f"{first} and {second} are not set")
    assert RSA_KEY.splitlines()[1] not in detail + alone


@pytest.mark.parametrize(
    "key",
    [
        "hush-hush",
        RSA_KEY.replace("-----END", ""),
        RSA_KEY.replace("\n", "\nA", 1),
        rsa_key("hush-hush"),
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        .decode(),
        "\ud800",
    ],
    ids=["not a key", "truncated", "damaged", "encrypted", "elliptic curve", "not text"],
)
def test_invalid_firebase_key_is_refused_and_not_repeated(read: Any, key: str) -> None:
    detail = refused(read, {**FIREBASE, "FIREBASE_PRIVATE_KEY": key})
    assert detail.startswith("FIREBASE_PRIVATE_KEY is not an unencrypted RSA private key")
    assert r"with each \n in it" in detail
    assert key not in detail
    assert "hush-hush" not in detail


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("FIREBASE_PROJECT_ID", "photos/../../v2"),
        ("FIREBASE_PROJECT_ID", "my project"),
        ("FIREBASE_CLIENT_EMAIL", "photos"),
    ],
)
def test_invalid_firebase_name_is_refused(read: Any, name: str, text: str) -> None:
    assert name in refused(read, {**FIREBASE, name: text})


@pytest.mark.parametrize(
    ("environ", "sender"),
    [
        ({}, "photofeed@localhost"),
        ({"PUBLIC_URL": "https://photos.example.com/app"}, "photofeed@photos.example.com"),
        ({"EMAIL_USER": "post@example.com"}, "post@example.com"),
        ({"EMAIL_USER": "postmaster"}, "photofeed@localhost"),
        ({"EMAIL_USER": "a@b.com", "EMAIL_FROM": "Photos <hello@example.com>"}, "Photos <hello@example.com>"),
    ],
)
def test_emails_have_a_sender(read: Any, environ: dict[str, str], sender: str) -> None:
    assert read(environ).settings.email_sender == sender


@pytest.mark.parametrize(
    "sender", ["me", "a@b.com\r\nBcc: c@d.com", "a@b.com, c@d.com", "A <a@b.com> <c@d.com>"]
)
def test_invalid_sender_is_refused(read: Any, sender: str) -> None:
    assert "EMAIL_FROM" in refused(read, {"EMAIL_FROM": sender})


def test_reset_page_is_at_the_public_url(read: Any) -> None:
    assert read({"PUBLIC_URL": "https://x.com/"}).settings.reset_url == "https://x.com/reset-password"
    assert (
        read({"PASSWORD_RESET_URL": "https://app.x.com/#/new"}).settings.reset_url
        == "https://app.x.com/#/new"
    )
    assert "PASSWORD_RESET_URL" in refused(read, {"PASSWORD_RESET_URL": "javascript:alert(1)"})


def test_embedded_database_is_migrated_at_start(read: Any) -> None:
    assert read().settings.migrate_at_start
    assert not read({"DB_HOST": "db"}).settings.migrate_at_start
    assert read({"DB_HOST": "db"}, config="[database]\nmigrate_at_start = true\n").settings.migrate_at_start


def test_development_generates_secrets_once(read: Any, tmp_path: Path) -> None:
    first, second = read().settings.auth, read().settings.auth
    assert first == second
    access, refresh = first.jwt_secret.get_secret_value(), first.jwt_refresh_secret.get_secret_value()
    assert len(access) >= 32
    assert access != refresh
    (file,) = (tmp_path / "var").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_given_secret_overrides_the_generated_one(read: Any) -> None:
    made = read().settings.auth.jwt_refresh_secret
    auth = read({"JWT_SECRET": LONG}).settings.auth
    assert auth.jwt_secret.get_secret_value() == LONG
    assert auth.jwt_refresh_secret == made


def test_damaged_secrets_file_is_named(read: Any, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secrets.json").write_text("{}")
    assert "secrets.json" in refused(read)


async def test_concurrent_first_starts_agree_on_the_secrets(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from server.configuration import load\n"
        "auth = load(Path('config.toml'), {'VAR_DIR': sys.argv[1]}, Path('none.env')).settings.auth\n"
        "import json; print(json.dumps([auth.jwt_secret.get_secret_value(),"
        " auth.jwt_refresh_secret.get_secret_value()]))"
    )

    async def start() -> list[str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, str(tmp_path / "var"), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        return json.loads(out)

    one, other = await asyncio.gather(start(), start())
    assert one == other
    assert [file.name for file in (tmp_path / "var").iterdir()] == ["secrets.json"]


def test_tls_key_of_the_database_needs_its_certificate(read: Any) -> None:
    assert refused(read, {"DB_SSL_KEY": "/client.key"}).startswith("DB_SSL_KEY is set without DB_SSL_CERT")
    assert read({"DB_SSL_KEY": "/k", "DB_SSL_CERT": "/c"}).settings.database.ssl_key == "/k"


@pytest.mark.parametrize(("environ", "lame_duck_s"), [({}, 0.0), (PRODUCTION, 11.0)])
def test_lame_duck_is_for_production(read: Any, environ: dict[str, str], lame_duck_s: float) -> None:
    settings = read(environ).settings
    assert settings.lame_duck_s == lame_duck_s
    assert settings.shutdown.total_s < 30


@pytest.mark.parametrize(
    ("environ", "table", "reason"),
    [
        (PRODUCTION, "requests_s = 13", "shutdown.total_s is 28, but a shutdown may take 29 seconds"),
        ({}, "jobs_s = 60", "shutdown.total_s is 28, but a shutdown may take 65 seconds"),
        ({}, "lame_duck_s = 20", "lame_duck_s + requests_s (20 + 10)"),
        ({}, "total_s = 19", "jobs_s (15), and 5 for the rest"),
    ],
)
def test_deadlines_that_do_not_fit_are_refused(
    read: Any, environ: dict[str, str], table: str, reason: str
) -> None:
    assert reason in refused(read, environ, config=f"[shutdown]\n{table}\n")
    assert read({}, config="[shutdown]\nlame_duck_s = 13\n").settings.lame_duck_s == 13.0


def test_misspelt_name_of_a_secret_file_is_warned_about(read: Any, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(LONG)
    loaded = read({"JWT_SECRET_FIL": str(file)})
    assert "JWT_SECRET_FIL is ignored: did you mean JWT_SECRET_FILE?" in loaded.warnings
