"""Settings choose the push gateway."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from server.assembly import gateways
from server.assembly.resources import Instrumentation
from server.configuration import load
from server.gateways.push.message import PushMessage, PushOutcome, WebSubscription
from server.settings import Settings
from tests.support.fakes.fcm_server import FakeFcm
from tests.support.fakes.push_service import Browser
from tests.support.program import config_file

PRODUCTION = {
    "APP_ENV": "production",
    "JWT_SECRET": "an access secret that is long enough",
    "JWT_REFRESH_SECRET": "a refresh secret that is long enough",
    "DB_HOST": "db.internal",
    "REDIS_HOST": "redis.internal",
    "EMAIL_HOST": "smtp.internal",
    "PUBLIC_URL": "https://photos.example.com",
    "METRICS_TOKEN": "a token of the tests",
    "TRUSTED_PROXIES": "none",
    "UPLOAD_DEST": "/srv/photos",
}
VAPID = {
    "VAPID_PRIVATE_KEY": "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",
    "VAPID_SUBJECT": "mailto:push@photos.example",
}
BROWSER = Browser("https://fcm.googleapis.com/fcm/send/1").subscription
MESSAGE = PushMessage("notification-7", "Likes", "Ana liked your photo", {"postId": "12"})


@pytest.fixture
def fcm() -> Iterator[FakeFcm]:
    server = FakeFcm().start()
    yield server
    server.stop()


def settings(folder: Path, environ: dict[str, str], changes: dict[str, str] | None = None) -> Settings:
    environ = {"VAR_DIR": str(folder / "var"), **environ}
    return load(config_file(folder, changes or {}), environ, folder / "none.env").settings


async def test_pushes_go_through_firebase_with_an_account(tmp_path: Path, fcm: FakeFcm) -> None:
    chosen = settings(tmp_path, PRODUCTION | fcm.environ(), fcm.config_changes)
    async with gateways.push_sender(chosen, tmp_path, Instrumentation()) as push:
        assert await push.send(MESSAGE, ["phone"]) == [PushOutcome.SENT]
    assert fcm.shown("phone") == [MESSAGE.key]


async def test_without_an_account_pushes_go_into_the_outbox(tmp_path: Path) -> None:
    async with gateways.push_sender(settings(tmp_path, {}), tmp_path / "var", Instrumentation()) as push:
        assert await push.send(MESSAGE, ["phone", BROWSER]) == [PushOutcome.SENT] * 2
    written = [orjson.loads(file.read_bytes()) for file in (tmp_path / "var" / "outbox").iterdir()]
    assert {each["token"] for each in written} == {"phone", BROWSER.endpoint}
    assert {each["key"] for each in written} == {MESSAGE.key}


async def test_production_without_an_account_sends_no_pushes(tmp_path: Path) -> None:
    async with gateways.push_sender(settings(tmp_path, PRODUCTION), tmp_path, Instrumentation()) as push:
        assert await push.send(MESSAGE, ["phone", BROWSER]) == [PushOutcome.REFUSED] * 2
    assert not (tmp_path / "outbox").exists()
    allowed = settings(tmp_path, {**PRODUCTION, "ALLOW_EMBEDDED": "true"})
    async with gateways.push_sender(allowed, tmp_path, Instrumentation()) as push:
        assert await push.send(MESSAGE, ["phone", BROWSER]) == [PushOutcome.SENT] * 2


async def test_key_alone_sends_web_pushes_to_known_services(tmp_path: Path) -> None:
    chosen = settings(tmp_path, {**PRODUCTION, **VAPID})
    stranger = WebSubscription("https://push.example/1", BROWSER.p256dh, BROWSER.auth)
    async with gateways.push_sender(chosen, tmp_path, Instrumentation()) as push:
        assert await push.send(MESSAGE, ["phone", stranger]) == [PushOutcome.REFUSED] * 2
