"""R7: SMTP and FCM refuse, hang or fail; in-app delivery is unaffected, and everything is sent afterwards, once."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from statistics import quantiles

import pytest

from tests.chaos.conftest import Report
from tests.chaos.environment import configuration, number, rounds
from tests.e2e.conftest import NewProgram, Register
from tests.support.accounts import verify_addresses
from tests.support.fakes.fcm_protocol import Trouble
from tests.support.fakes.fcm_server import FakeFcm, SignInTrouble
from tests.support.fakes.smtp_server import HANG, FakeSmtpServer
from tests.support.inputs import photos
from tests.support.program import Person, Program
from tests.support.sse_reader import Reader
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

pytestmark = pytest.mark.chaos

SAMPLES = rounds(6, 100)  # notifications per fault
PAUSE_S = rounds(0, 1) / 10
OUTAGE_S = float(os.environ.get("OUTAGE_S", rounds(0, 600)))
KILLS = rounds(1, 20)
BETWEEN_KILLS = rounds(12, 30)
ALL_SENT_WITHIN_S = rounds(40, 600)
SLOWER_AT_MOST = 1.1
NOISE_S = 0.005  # noise of a percentile of 100 samples on two cores
PHONE = "the phone of ana"
WITHOUT_LIMITS = {"THROTTLE_ENABLED": "false", "EMAIL_HOST": "127.0.0.1", "EMAIL_TLS": "none"}
WAITS = {
    "backoff_cap_ms = 600000": f"backoff_cap_ms = {rounds(500, 20_000)}",
    "timeout_s = 15.0": f"timeout_s = {rounds(1, 15)}.0",
    "timeout_s = 10.0": f"timeout_s = {rounds(1, 10)}.0",
    "digests_every_s = 60.0": "digests_every_s = 0.2",
    "rate_per_s = 20.0": f"rate_per_s = {rounds(0, 20)}.0",  # e-mails, retries included
}


@pytest.fixture
def smtp_server() -> Iterator[FakeSmtpServer]:
    office = FakeSmtpServer().start()
    yield office
    office.stop()


@pytest.fixture
def fcm() -> Iterator[FakeFcm]:
    server = FakeFcm().start()
    yield server
    server.stop()


@dataclass
class OutboundServices:
    """The SMTP and FCM servers, and their faults."""

    smtp_server: FakeSmtpServer
    fcm: FakeFcm

    def troubles(self) -> list[str]:
        return ["refuse", "hang", "break down", "hang up"]

    def begin(self, trouble: str) -> None:
        self.end()
        match trouble:
            case "refuse":
                self.smtp_server.replies["MAIL"] = "451 Not now"
                self.fcm.sign_in_trouble = SignInTrouble.REFUSES
                self.fcm.revoke_access_tokens()
            case "hang":
                self.smtp_server.faults["MAIL"] = [HANG] * 10_000
                self.fcm.trouble = Trouble.HANGS
            case "break down":
                self.smtp_server.replies["DATA"] = "451 The disk is full"
                self.fcm.trouble = Trouble.UNAVAILABLE
            case _:
                self.smtp_server.faults["RCPT"] = ["421 Going away"] * 10_000
                self.fcm.trouble = Trouble.RESETS

    def end(self) -> None:
        self.smtp_server.replies.clear()
        self.smtp_server.faults.clear()
        self.fcm.trouble = self.fcm.sign_in_trouble = None
        self.fcm.release()

    def email_arrivals(self) -> Counter[str]:
        """Count the arrivals of each e-mail about a notification by Message-ID."""
        contents = [each.content for each in self.smtp_server.taken]
        emails = [message_from_bytes(content) for content in contents if isinstance(content, bytes)]
        return Counter(email["Message-ID"] for email in emails if email["List-Id"])


class Conversation:
    """One user comments, and another receives the notification live."""

    def __init__(self, listener: Person, speaker: Person, post_id: str) -> None:
        self._listener = listener
        self._speaker = speaker
        self._post_id = post_id
        self.said = 0

    async def comment(self, stream: Reader, comments: int) -> list[float]:
        """Return the seconds from sending each comment to its arrival on the stream."""
        took: list[float] = []
        for _ in range(comments):
            began = time.perf_counter()
            await self._speaker.comment(self._post_id, f"this is number {self.said}")
            assert (await stream.event()).event == "comment"
            took.append(time.perf_counter() - began)
            self.said += 1
            await asyncio.sleep(PAUSE_S)
        return took


async def begin_conversation(
    stack: Stack, new_program: NewProgram, register: Register, ways: OutboundServices
) -> tuple[Program, Conversation, Person]:
    program = await new_program(
        "--port=0",
        config=configuration(stack, {**ways.fcm.config_changes, **WAITS}),
        EMAIL_PORT=str(ways.smtp_server.port),
        **ways.fcm.environ(),
        **WITHOUT_LIMITS,
    ).start()
    ana, ben = await register(program, "ana", "ben")
    await verify_addresses(stack)
    await ana.choose_immediate_emails()
    await ana.request("POST", "/devices", json={"token": PHONE.replace(" ", "-"), "platform": "android"})
    post = await ana.publish(photos.small())
    return program, Conversation(ana, ben, post["id"]), ana


async def all_sent(stack: Stack) -> None:
    async def none_pending() -> bool:
        waiting = "queue IN ('push', 'email') AND state IN ('ready', 'running')"
        return number(stack, f"SELECT COUNT(*) FROM jobs WHERE {waiting}") == 0

    await wait_until(none_pending, ALL_SENT_WITHIN_S)
    assert number(stack, "SELECT COUNT(*) FROM jobs WHERE state = 'dead'") == 0


def p99(took: list[float]) -> float:
    return quantiles(took, n=100)[98]


async def test_outbound_outage_delays_nothing_else(
    migrated_stack: Stack,
    new_program: NewProgram,
    register: Register,
    smtp_server: FakeSmtpServer,
    fcm: FakeFcm,
    report: Report,
) -> None:
    stack, ways = migrated_stack, OutboundServices(smtp_server, fcm)
    program, conversation, ana = await begin_conversation(stack, new_program, register, ways)
    async with ana.stream() as stream:
        healthy = await conversation.comment(stream, 4 * SAMPLES)
        closed: list[float] = []
        began = time.monotonic()
        while not closed or time.monotonic() - began < OUTAGE_S:
            for trouble in ways.troubles():
                ways.begin(trouble)
                closed += await conversation.comment(stream, SAMPLES)
        ways.end()
        recovered = time.monotonic()
        await all_sent(stack)
    caught_up_s = time.monotonic() - recovered
    emails = ways.email_arrivals()
    assert (len(emails), set(emails.values())) == (conversation.said, {1})
    assert len(fcm.shown(PHONE.replace(" ", "-"))) == conversation.said
    assert fcm.doubled() == []
    report(
        f"R7 {stack.name}: {len(closed)} notifications during the outage, in the app p99"
        f" {p99(closed) * 1000:.1f} ms, {p99(healthy) * 1000:.1f} ms before; all sent {caught_up_s:.1f} s after"
        f" recovery, 0 doubled"
    )
    if OUTAGE_S:
        assert p99(closed) <= SLOWER_AT_MOST * p99(healthy) + NOISE_S
    assert not program.logged("actor_crashed")


async def test_killed_worker_loses_no_push_and_no_email(
    migrated_stack: Stack,
    new_program: NewProgram,
    register: Register,
    smtp_server: FakeSmtpServer,
    fcm: FakeFcm,
    report: Report,
) -> None:
    stack, ways = migrated_stack, OutboundServices(smtp_server, fcm)
    program, conversation, ana = await begin_conversation(stack, new_program, register, ways)
    for _ in range(KILLS):
        async with ana.stream() as stream:
            await conversation.comment(stream, BETWEEN_KILLS)
        await program.kill()
        await program.start()
    await all_sent(stack)
    emails, pushes = ways.email_arrivals(), fcm.shown(PHONE.replace(" ", "-"))
    assert len(emails) == len(set(pushes)) == conversation.said
    # A kill between acceptance and our record may repeat a message; its key marks the duplicate.
    doubled = sum(emails.values()) + len(pushes) - 2 * conversation.said
    assert doubled <= 6 * KILLS
    report(
        f"R7 {stack.name}: {KILLS} kills, {conversation.said} notifications, 0 lost, {doubled} doubled"
        " under the same key"
    )


async def test_killed_worker_neither_loses_nor_splits_a_digest(
    migrated_stack: Stack,
    new_program: NewProgram,
    register: Register,
    smtp_server: FakeSmtpServer,
    fcm: FakeFcm,
    report: Report,
) -> None:
    """Each kill is between the arrival of a digest at the SMTP server and our record of that."""
    stack, ways = migrated_stack, OutboundServices(smtp_server, fcm)
    program, conversation, ana = await begin_conversation(stack, new_program, register, ways)
    await all_sent(stack)

    def received() -> dict[str, int]:
        return {key: times for key, times in smtp_server.received.items() if "digest-" in key}

    for kills in range(1, KILLS + 2):
        await ana.request("PATCH", "/notifications/preferences", json={"emailFrequency": "daily"})
        async with ana.stream() as stream:
            await conversation.comment(stream, 1)
        smtp_server.faults["MESSAGE"] = [HANG] * 100
        await ana.choose_immediate_emails()  # makes the digest due
        await wait_until(lambda expected=kills: len(received()) == expected)
        await program.kill()
        smtp_server.faults.clear()
        smtp_server.hang_up()
        await program.start()
        await all_sent(stack)
    emails = [
        message_from_bytes(each.content) for each in smtp_server.taken if isinstance(each.content, bytes)
    ]
    digests = {
        email["Message-ID"]: str(email.get_payload(0)) for email in emails if "digest-" in email["Message-ID"]
    }
    assert len(digests) == len(received()) == conversation.said == KILLS + 1
    assert all(times > 1 for times in received().values())
    for said in range(conversation.said):
        assert sum(f"this is number {said}" in text for text in digests.values()) == 1
    report(
        f"R7 {stack.name}: {KILLS + 1} kills after a digest arrived, 0 lost, repeated under the same Message-ID"
    )
