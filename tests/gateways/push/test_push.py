"""Push senders: FCM, played by a local server with faults, and the outbox folder."""

import asyncio
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType

import firebase_admin
import orjson
import pytest
from structlog.testing import capture_logs

from server.gateways.push.message import FirebaseAccount, PushMessage, PushOutcome
from server.gateways.push.senders import (
    MAX_CONCURRENT,
    MESSAGES_PER_BATCH,
    FcmPushSender,
    NullPushSender,
    OutboxPushSender,
    PushSender,
)
from server.outages import CircuitBreaker
from tests.support.fakes.fcm_protocol import Trouble
from tests.support.fakes.fcm_server import CLIENT_EMAIL, PROJECT, FakeFcm, SignInTrouble
from tools.harness.backends import ROOT
from tools.harness.waiting import wait_until

MESSAGE = PushMessage(
    key="notification-7",
    title="Ana liked your photo",
    body="Grüße an den „Strand“",
    data=MappingProxyType({"type": "like", "postId": "12"}),
)
SENT, GONE, REFUSED, FAILED = PushOutcome.SENT, PushOutcome.GONE, PushOutcome.REFUSED, PushOutcome.FAILED


@pytest.fixture
def fcm() -> Iterator[FakeFcm]:
    server = FakeFcm().start()
    yield server
    server.stop()


@pytest.fixture
async def open_push(fcm: FakeFcm) -> AsyncIterator[Callable[..., FcmPushSender]]:
    """Yield a factory of senders; none of them may leave a Firebase app or a thread behind."""
    threads = set(threading.enumerate())
    opened: list[FcmPushSender] = []

    def open_push(
        timeout_s: float = 30.0, circuit: CircuitBreaker | None = None, **changes: str
    ) -> FcmPushSender:
        opened.append(FcmPushSender(account(fcm, timeout_s, **changes), circuit))
        return opened[-1]

    yield open_push
    for push in opened:
        await push.close()
    assert not firebase_admin._apps
    started = set(threading.enumerate()) - threads
    assert {thread.name for thread in started if not thread.name.startswith("asyncio_")} <= {"fcm"}


@pytest.fixture
def push(open_push: Callable[..., FcmPushSender]) -> FcmPushSender:
    return open_push()


def account(fcm: FakeFcm, timeout_s: float, **changes: str) -> FirebaseAccount:
    chosen = {
        "project_id": PROJECT,
        "client_email": CLIENT_EMAIL,
        "private_key": fcm.private_key,
        "token_uri": fcm.token_uri,
        "fcm_url": fcm.url,
        **changes,
    }
    return FirebaseAccount(**chosen, timeout_s=timeout_s)


async def test_message_has_a_form_for_each_platform(push: PushSender, fcm: FakeFcm) -> None:
    assert await push.send(MESSAGE, ["phone"]) == [SENT]
    (taken,) = fcm.taken
    assert taken.message == {
        "token": "phone",
        "notification": {"title": "Ana liked your photo", "body": "Grüße an den „Strand“"},
        "data": {"type": "like", "postId": "12"},
        "android": {"notification": {"tag": "notification-7"}},
        "apns": {"headers": {"apns-collapse-id": "notification-7"}},
        "webpush": {
            "headers": {"Topic": taken.message["webpush"]["headers"]["Topic"]},
            "notification": {"tag": "notification-7"},
        },
    }


async def test_messages_of_a_group_share_tag_and_thread(push: PushSender, fcm: FakeFcm) -> None:
    for number in (1, 2):
        message = PushMessage(
            f"notification-{number}", "Likes", f"{number} likes", {}, group="likes-of-12", badge=3
        )
        await push.send(message, ["phone"])
    one, other = (taken.message for taken in fcm.taken)
    for message in (one, other):
        assert message["android"]["notification"]["tag"] == "likes-of-12"
        assert message["webpush"]["notification"]["tag"] == "likes-of-12"
        assert message["apns"]["payload"] == {"aps": {"thread-id": "likes-of-12", "badge": 3}}
    assert one["webpush"]["headers"] == other["webpush"]["headers"]
    assert fcm.shown("phone") == ["notification-1", "notification-2"]


async def test_long_key_is_hashed_for_apns(push: PushSender, fcm: FakeFcm) -> None:
    for key in ("ü" * 40, "ü" * 40, "ü" * 41):
        assert await push.send(PushMessage(key, "Hello", "", {}), ["phone"]) == [SENT]
    first, again, other = fcm.shown("phone")
    assert first == again != other


OUTCOMES = {
    Trouble.UNREGISTERED: GONE,
    Trouble.SENDER_ID_MISMATCH: GONE,
    Trouble.BAD_TOKEN: GONE,
    Trouble.BAD_TOKEN_FIELD: GONE,
    Trouble.BAD_MESSAGE: REFUSED,
    Trouble.TOO_BIG: REFUSED,
    Trouble.ODD_DETAILS: REFUSED,
    Trouble.THIRD_PARTY_AUTH: FAILED,
    Trouble.UNAUTHENTICATED: FAILED,
    Trouble.FORBIDDEN: FAILED,
    Trouble.NOT_FOUND: FAILED,
    Trouble.TOO_MANY: FAILED,
    Trouble.INTERNAL: FAILED,
    Trouble.UNAVAILABLE: FAILED,
    Trouble.TAKEN_BUT_UNAVAILABLE: FAILED,
    Trouble.NO_JSON: FAILED,
    Trouble.NO_TEXT: FAILED,
    Trouble.ODD_JSON: FAILED,
    Trouble.TAKEN_BUT_ODD: FAILED,
    Trouble.RESETS: FAILED,
    Trouble.TAKEN_BUT_RESETS: FAILED,
}


async def test_each_fault_has_its_outcome_without_retry(push: PushSender, fcm: FakeFcm) -> None:
    assert await push.send(replace(MESSAGE, key="earlier"), ["beside"]) == [SENT]
    fcm.asked.clear()
    fcm.troubles = {f"in trouble: {trouble}": trouble for trouble in OUTCOMES}
    tokens = [token for troubled in fcm.troubles for token in (troubled, f"beside {troubled}")]
    for _ in range(2):
        outcomes = await push.send(MESSAGE, tokens)
        assert dict(zip(OUTCOMES, outcomes[::2], strict=True)) == OUTCOMES
        assert set(outcomes[1::2]) == {SENT}
        assert fcm.asked == dict.fromkeys([(token, MESSAGE.key) for token in tokens], 1)
        fcm.asked.clear()
    fcm.troubles.clear()
    assert set(await push.send(MESSAGE, tokens)) == {SENT}


async def test_sender_id_mismatch_of_our_account_keeps_devices(push: PushSender, fcm: FakeFcm) -> None:
    fcm.trouble = Trouble.SENDER_ID_MISMATCH
    assert await push.send(MESSAGE, ["a", "b"]) == [REFUSED, REFUSED]
    fcm.trouble = None
    fcm.troubles["b"] = Trouble.SENDER_ID_MISMATCH
    assert await push.send(MESSAGE, ["a"]) == [SENT]
    assert await push.send(MESSAGE, ["a", "b"]) == [SENT, GONE]


async def test_timeout_fails_the_message_without_retry(
    open_push: Callable[..., FcmPushSender], fcm: FakeFcm
) -> None:
    push = open_push(timeout_s=1.0)
    await push.send(PushMessage("earlier", "Hello", "", {}), ["a"])
    fcm.asked.clear()
    fcm.troubles = {"b": Trouble.HANGS, "c": Trouble.TAKEN_BUT_HANGS}
    assert await push.send(MESSAGE, ["a", "b", "c", "d"]) == [SENT, FAILED, FAILED, SENT]
    assert fcm.asked == {(token, MESSAGE.key): 1 for token in "abcd"}
    fcm.release()
    fcm.troubles.clear()
    assert await push.send(MESSAGE, ["b"]) == [SENT]
    assert fcm.shown("b") == [MESSAGE.key]


async def test_sending_works_again_after_an_outage(push: PushSender, fcm: FakeFcm) -> None:
    assert await push.send(MESSAGE, ["a"]) == [SENT]
    fcm.stop()
    assert await push.send(MESSAGE, ["b", "c"]) == [FAILED, FAILED]
    fcm.start()
    assert await push.send(MESSAGE, ["b", "c"]) == [SENT, SENT]
    assert fcm.doubled() == []


async def test_batches_keep_order_and_bound_concurrency(push: PushSender, fcm: FakeFcm) -> None:
    tokens = [f"device-{number}" for number in range(MESSAGES_PER_BATCH + 60)]
    expected = [SENT for _ in tokens]
    for place, trouble, outcome in (
        (3, Trouble.UNREGISTERED, GONE),
        (MESSAGES_PER_BATCH + 1, Trouble.BAD_MESSAGE, REFUSED),
    ):
        fcm.troubles[tokens[place]], expected[place] = trouble, outcome
    assert await push.send(MESSAGE, tokens) == expected
    assert len(fcm.taken) == len(tokens) - 2
    assert fcm.doubled() == []
    assert fcm.most_at_once <= MAX_CONCURRENT
    assert fcm.sign_ins == 1


async def test_duplicate_token_is_sent_once(push: PushSender, fcm: FakeFcm) -> None:
    fcm.troubles["b"] = Trouble.UNREGISTERED
    assert await push.send(MESSAGE, ["a", "b", "a"]) == [SENT, GONE, SENT]
    assert fcm.shown("a") == [MESSAGE.key]


async def test_no_tokens_need_no_sign_in(push: PushSender, fcm: FakeFcm) -> None:
    assert await push.send(MESSAGE, []) == []
    assert fcm.sign_ins == 0


async def test_access_token_is_reused_until_expiry(push: PushSender, fcm: FakeFcm) -> None:
    for _ in range(3):
        await asyncio.gather(push.send(MESSAGE, ["a"]), push.send(MESSAGE, ["b"]))
    assert fcm.sign_ins == 1
    fcm.revoke_access_tokens()
    assert await push.send(MESSAGE, ["c"]) == [FAILED]
    assert await push.send(MESSAGE, ["c"]) == [SENT]
    assert fcm.sign_ins == 2
    fcm.revoke_access_tokens()
    fcm.access_lives_s = 200.0
    assert await push.send(MESSAGE, ["d"]) == [FAILED]
    assert [await push.send(MESSAGE, ["d"]) for _ in range(2)] == [[SENT], [SENT]]
    assert fcm.sign_ins == 4


async def test_failed_sign_in_sends_nothing(push: PushSender, fcm: FakeFcm) -> None:
    troubles = [trouble for trouble in SignInTrouble if trouble is not SignInTrouble.HANGS]
    for number, trouble in enumerate(troubles, 1):
        fcm.sign_in_trouble = trouble
        assert await push.send(MESSAGE, ["a", "b"]) == [FAILED, FAILED], trouble
        assert fcm.sign_ins == number, trouble
    assert not fcm.asked
    fcm.sign_in_trouble = None
    assert await push.send(MESSAGE, ["a", "b"]) == [SENT, SENT]


async def test_foreign_account_cannot_sign_in(open_push: Callable[..., FcmPushSender], fcm: FakeFcm) -> None:
    stranger = open_push(client_email="stranger@photos.test")
    with capture_logs() as lines:
        for number in range(3):
            message = replace(MESSAGE, key=f"notification-{number}")
            assert await stranger.send(message, ["a"]) == [FAILED]
    assert "invalid_grant" in lines[0]["reason"]
    assert await open_push(project_id="another-project").send(MESSAGE, ["a"]) == [FAILED]
    assert fcm.taken == []


async def test_hanging_token_server_does_not_block_the_loop(push: PushSender, fcm: FakeFcm) -> None:
    fcm.sign_in_trouble = SignInTrouble.HANGS
    sending = asyncio.create_task(push.send(MESSAGE, ["a"]))
    await wait_until(lambda: fcm.sign_ins)  # the loop is running
    fcm.release()
    assert await sending == [SENT]


async def test_hanging_token_server_times_out(open_push: Callable[..., FcmPushSender], fcm: FakeFcm) -> None:
    fcm.sign_in_trouble = SignInTrouble.HANGS
    push = open_push(timeout_s=0.2)
    assert await asyncio.gather(push.send(MESSAGE, ["a", "b"]), push.send(MESSAGE, ["c"])) == [
        [FAILED, FAILED],
        [FAILED],
    ]
    assert not fcm.asked


@pytest.mark.parametrize("where", ["at the start", "signing in", "sending"])
async def test_cancelled_send_leaves_no_tasks(push: PushSender, fcm: FakeFcm, where: str) -> None:
    before = asyncio.all_tasks()
    if where == "signing in":
        fcm.sign_in_trouble = SignInTrouble.HANGS
    if where == "sending":
        fcm.troubles["b"] = Trouble.HANGS
    sending = asyncio.create_task(push.send(MESSAGE, ["a", "b"]))
    match where:
        case "signing in":
            await wait_until(lambda: fcm.sign_ins)
        case "sending":
            await wait_until(lambda: len(fcm.asked) == 2 and fcm.shown("a"))
        case _:
            await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await wait_until(lambda: asyncio.all_tasks() <= before)
    fcm.sign_in_trouble = None
    fcm.troubles.clear()
    assert await push.send(MESSAGE, ["a", "b"]) == [SENT, SENT]


@pytest.mark.parametrize("where", ["signing in", "sending"])
async def test_close_fails_messages_in_progress(push: PushSender, fcm: FakeFcm, where: str) -> None:
    if where == "signing in":
        fcm.sign_in_trouble = SignInTrouble.HANGS
    fcm.troubles["b"] = Trouble.HANGS
    sending = asyncio.create_task(push.send(MESSAGE, ["a", "b"]))
    await wait_until(
        lambda: fcm.sign_ins if where == "signing in" else len(fcm.asked) == 2 and fcm.shown("a")
    )
    await push.close()
    assert await sending == ([FAILED, FAILED] if where == "signing in" else [SENT, FAILED])
    assert await push.send(MESSAGE, ["c"]) == [FAILED]
    assert ("c", MESSAGE.key) not in fcm.asked
    await push.close()


async def test_unused_sender_can_be_closed(push: PushSender) -> None:
    await push.close()
    assert await push.send(MESSAGE, ["a"]) == [FAILED]


async def test_refusal_and_outage_are_logged_without_content(push: PushSender, fcm: FakeFcm) -> None:
    with capture_logs() as lines:
        fcm.trouble = Trouble.BAD_MESSAGE
        await push.send(MESSAGE, ["a"])
        fcm.trouble = Trouble.UNAVAILABLE
        for number in range(6):
            await push.send(replace(MESSAGE, key=f"notification-{number}"), ["a", "b", "c"])
    refusal, outage = lines
    assert (refusal["event"], refusal["key"]) == ("push_refused", MESSAGE.key)
    assert refusal["reason"] == "INVALID_ARGUMENT, HTTP 400 message.data[0].value"
    assert (outage["event"], outage["reason"]) == ("fcm_unavailable", "UNAVAILABLE, HTTP 503")


UNAVAILABLE = {
    Trouble.UNAUTHENTICATED, Trouble.FORBIDDEN, Trouble.NOT_FOUND, Trouble.TOO_MANY, Trouble.INTERNAL,
    Trouble.UNAVAILABLE, Trouble.NO_JSON, Trouble.NO_TEXT, Trouble.ODD_JSON, Trouble.RESETS, Trouble.HANGS,
}  # fmt: skip


@pytest.mark.parametrize("trouble", [trouble for trouble in Trouble if not trouble.takes])
async def test_circuit_opens_for_faults_of_the_service_only(
    open_push: Callable[..., FcmPushSender], fcm: FakeFcm, trouble: Trouble
) -> None:
    circuit = CircuitBreaker("fcm")
    push = open_push(0.2 if trouble is Trouble.HANGS else 30.0, circuit=circuit)
    fcm.troubles["a"] = trouble
    for number in range(3):
        await push.send(replace(MESSAGE, key=f"notification-{number}"), ["a"])
    assert circuit.is_open == (trouble in UNAVAILABLE)
    await push.send(MESSAGE, ["a", "b"])
    assert not circuit.is_open


QUIET = """
import asyncio, sys
import orjson
from server.gateways.push.senders import FcmPushSender
from server.gateways.push.message import FirebaseAccount, PushMessage
from server.logs import configure

async def push(account, tokens):
    gateway = FcmPushSender(FirebaseAccount(**account))
    for key in ("one", "two", "three"):
        message = PushMessage(key, "secret words", "secret words", {"a": "secret words"})
        print(await gateway.send(message, tokens))
    await gateway.close()

configure("debug", "json")
assert not {"firebase_admin", "httpx", "requests", "google.auth"} & set(sys.modules)
for told in orjson.loads(sys.stdin.buffer.read()):
    asyncio.run(push(*told))
"""


def test_logs_contain_no_tokens_keys_or_texts(fcm: FakeFcm) -> None:
    fcm.troubles = {f"canary-{trouble}": trouble for trouble in Trouble if "hangs" not in trouble}
    tokens = [*fcm.troubles, "canary"]
    accounts = account(fcm, 30.0), account(fcm, 30.0, client_email="stranger@photos.test")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", QUIET],
        input=orjson.dumps([(asdict(each), tokens) for each in accounts]),
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    written = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0, written
    assert written.count("fcm_unavailable") == 1  # the stranger's; the other account had some successes
    for secret in ("canary", "secret words", fcm.private_key.splitlines()[1], "ya29.", "Bearer", "eyJ"):
        assert secret not in written


async def test_outbox_writes_a_readable_file_per_device(tmp_path: Path) -> None:
    outbox = tmp_path / "var" / "outbox"
    token = "c8Jk0:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx"
    message = replace(MESSAGE, key="notification/7 ..", group="likes")
    with capture_logs() as lines:
        for _ in range(2):  # a second attempt replaces the first
            assert await OutboxPushSender(outbox).send(message, [token, "another"]) == [SENT, SENT]
    one, other = outbox.iterdir()
    assert stat.S_IMODE(one.stat().st_mode) == stat.S_IMODE(other.stat().st_mode) == 0o600
    found = {
        content["token"]: content for content in map(orjson.loads, (one.read_bytes(), other.read_bytes()))
    }
    assert found.keys() == {token, "another"}
    assert found[token] == {
        "token": token,
        "key": "notification/7 ..",
        "group": "likes",
        "title": "Ana liked your photo",
        "body": "Grüße an den „Strand“",
        "data": {"type": "like", "postId": "12"},
        "badge": None,
        "silent": False,
    }
    assert "Grüße an den „Strand“" in one.read_text()
    for told in (one.name, other.name, *map(str, lines)):
        assert "notification_7_.." in told
        assert token not in told
    assert {line["event"] for line in lines} == {"push_written_to_outbox"}


async def test_outbox_file_names_are_unique_per_key(tmp_path: Path) -> None:
    for key in ("a/b", "a_b", "a" * 300, "a" * 301):
        assert await OutboxPushSender(tmp_path).send(replace(MESSAGE, key=key), ["phone"]) == [SENT]
    one, two, three, four = tmp_path.iterdir()  # noqa: ASYNC240 - a short list
    assert {two, three, four}.isdisjoint([one])


async def test_unwritable_outbox_fails(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file")
    assert await OutboxPushSender(tmp_path / "outbox").send(MESSAGE, ["a", "b"]) == [FAILED, FAILED]


async def test_null_sender_refuses_every_message() -> None:
    push = NullPushSender()
    assert await push.send(MESSAGE, ["a", "b"]) == [REFUSED, REFUSED]
    await push.close()
