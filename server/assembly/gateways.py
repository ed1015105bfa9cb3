"""Media, images, passwords, e-mail and push notifications: the gateways, as configured."""

import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from server.assembly.resources import Instrumentation
from server.errors import ConfigurationError, Unavailable
from server.gateways.email.email import EmailSender, OutboxEmailSender
from server.gateways.email.smtp import SmtpEmailSender
from server.gateways.email.smtp_connection import SmtpServer
from server.gateways.images.limits import pixel_limits
from server.gateways.images.processor import ImageProcessor
from server.gateways.media import MediaStore
from server.gateways.password_queue import PasswordQueue
from server.gateways.passwords import Passwords
from server.gateways.public_bucket import is_public_bucket
from server.gateways.push.device_sender import DeviceSender, EndpointSender, SubscriptionSender
from server.gateways.push.message import FirebaseAccount
from server.gateways.push.senders import FcmPushSender, NullPushSender, OutboxPushSender, PushSender
from server.gateways.push.web_push.push_hosts import PushHosts
from server.gateways.push.web_push.vapid import Vapid, derive_key, parse_key
from server.gateways.push.web_push.web_push_sender import WebPushSender
from server.models.content.media_keys import MediaKeyRepository
from server.models.database import Database
from server.models.jobs.installation import InstallationRepository
from server.services.content.media_store_check import MediaStoreCheck
from server.settings import Settings

log = structlog.get_logger(__name__)


@asynccontextmanager
async def image_processor(
    settings: Settings, instrumentation: Instrumentation, members: int = 1
) -> AsyncGenerator[ImageProcessor]:
    """Open the image processor of one of `members` processes that share the cores."""
    uploads = settings.uploads
    images = ImageProcessor(
        workers=uploads.image_workers,
        members=members,
        max_pixels=pixel_limits(uploads.max_pixels),
        timeout_s=uploads.image_timeout_s,
        metrics=instrumentation.metrics,
    )
    try:
        yield images
    finally:
        await images.stop()


@asynccontextmanager
async def password_hasher(
    settings: Settings, instrumentation: Instrumentation, members: int = 1
) -> AsyncGenerator[Passwords]:
    """Open the password threads of one of `members` processes that share the cores."""
    auth = settings.auth
    queue = PasswordQueue(math.ceil(auth.bcrypt_threads / members), auth.bcrypt_queue)
    instrumentation.metrics.watch_password_queue(
        {"running": lambda: queue.running, "waiting": lambda: queue.waiting}
    )
    passwords = Passwords(auth.bcrypt_cost, queue)
    try:
        yield passwords
    finally:
        await passwords.close()


@asynccontextmanager
async def media_store(settings: Settings, var: Path, database: Database) -> AsyncGenerator[MediaStore]:
    """Open the media store. Raises ConfigurationError if it is not the one that belongs to the database."""
    uploads, base_url = settings.uploads, settings.media_base_url
    if uploads.media_url:
        media = MediaStore.in_bucket(uploads.media_url, base_url=base_url)
    else:
        folder = Path(uploads.dest) if uploads.dest else var / "media"
        media = MediaStore.in_folder(folder, base_url=base_url)
    try:
        await _check_media_store(settings, media, database)
        if uploads.media_url and await is_public_bucket(uploads.media_url):
            log.warning("media_bucket_public", location=uploads.media_url)
        yield media
    finally:
        await media.close()


async def _check_media_store(settings: Settings, media: MediaStore, database: Database) -> None:
    installation, media_keys = InstallationRepository(database), MediaKeyRepository(database)
    check = MediaStoreCheck(media, installation, media_keys, single_host=settings.embedded_database)
    try:
        await check.run()
    except Unavailable as error:
        raise ConfigurationError(
            f"The media store at {media.location} cannot be read or written: check UPLOAD_DEST or MEDIA_URL, and its"
            " permissions."
        ) from error


@asynccontextmanager
async def email_sender(
    settings: Settings, var: Path, instrumentation: Instrumentation
) -> AsyncGenerator[EmailSender]:
    sender = _email_sender(settings, var, instrumentation)
    try:
        yield sender
    finally:
        await sender.close()


@asynccontextmanager
async def push_sender(
    settings: Settings, var: Path, instrumentation: Instrumentation
) -> AsyncGenerator[DeviceSender]:
    sender = DeviceSender(_push_sender(settings, var, instrumentation), _subscription_sender(settings, var))
    try:
        yield sender
    finally:
        await sender.close()


def _email_sender(settings: Settings, var: Path, instrumentation: Instrumentation) -> EmailSender:
    chosen = settings.email
    if settings.writes_emails_to_outbox:
        return OutboxEmailSender(var / "outbox", settings.email_sender)
    server = SmtpServer(
        host=chosen.host,
        port=chosen.port,
        username=chosen.username,
        password=chosen.password.get_secret_value(),
        tls=chosen.tls,
        timeout_s=chosen.timeout_s,
    )
    circuit = instrumentation.smtp
    instrumentation.metrics.watch_dependency("smtp", lambda: not circuit.is_open)
    return SmtpEmailSender(server, settings.email_sender, circuit=circuit)


def _push_sender(settings: Settings, var: Path, instrumentation: Instrumentation) -> PushSender:
    chosen = settings.push
    if settings.writes_pushes_to_outbox:
        return OutboxPushSender(var / "outbox")
    if not settings.sends_pushes_to_firebase:
        return NullPushSender()
    account = FirebaseAccount(
        project_id=chosen.project_id,
        client_email=chosen.client_email,
        private_key=chosen.private_key.get_secret_value(),
        token_uri=chosen.token_uri,
        fcm_url=chosen.fcm_url,
        timeout_s=chosen.timeout_s,
    )
    circuit = instrumentation.fcm
    instrumentation.metrics.watch_dependency("fcm", lambda: not circuit.is_open)
    return FcmPushSender(account, circuit)


def _subscription_sender(settings: Settings, var: Path) -> SubscriptionSender:
    vapid, chosen = web_push_identity(settings), settings.push
    if settings.sends_web_pushes and vapid is not None:
        return WebPushSender(vapid, PushHosts(chosen.web_push_hosts), chosen.timeout_s)
    return EndpointSender(OutboxPushSender(var / "outbox") if vapid else NullPushSender())


def web_push_identity(settings: Settings) -> Vapid | None:
    """Return this server's identity for push services; None in production without a key: there is no Web Push."""
    key = settings.push.vapid_private_key.get_secret_value()
    if key:
        return Vapid(parse_key(key), settings.push.vapid_subject)
    if settings.app.env == "production" and not settings.app.allow_embedded:
        return None
    return Vapid(derive_key(settings.auth.jwt_refresh_secret.get_secret_value()), "")
