"""The SMTP sender, with a local server that simulates faults."""

import asyncio
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server.gateways.email.email import Email, EmailFailed, EmailRefused
from server.gateways.email.smtp import SmtpEmailSender
from server.gateways.email.smtp_connection import SmtpServer
from server.outages import CircuitBreaker
from tests.support.fakes.smtp_server import HANG, HANG_UP, FakeSmtpServer
from tests.support.inputs.sample_email import SAMPLE_EMAIL, SENDER, assert_is_the_email, read
from tools.harness.waiting import wait_until

Mailer = Callable[..., SmtpEmailSender]

# Where something may go wrong: before there is an email, before its text is sent, and from then on.
OPENING = ("GREETING", "EHLO", "AUTH")
BEFORE = ("MAIL", "RCPT")
FROM_THERE = ("DATA", "TEXT", "MESSAGE")


@pytest.fixture
def server() -> Iterator[FakeSmtpServer]:
    server = FakeSmtpServer().start()
    yield server
    server.stop()


@pytest.fixture
async def mail(server: FakeSmtpServer) -> AsyncIterator[Mailer]:
    """Yield a factory of senders to `server` or another one; they are closed after the test."""
    made: list[SmtpEmailSender] = []

    def make(
        to: FakeSmtpServer = server, tls: Any = "none", timeout_s: float = 5.0, login: str = "", **more: Any
    ) -> SmtpEmailSender:
        username, _, password = login.partition(":")
        there = SmtpServer("127.0.0.1", to.port, username, password, tls, timeout_s)
        made.append(SmtpEmailSender(there, SENDER, **more))
        return made[-1]

    yield make
    for each in made:
        await each.close()
    await wait_until(lambda: server.open_connections == 0)


def email(number: int) -> Email:
    return replace(SAMPLE_EMAIL, key=f"email.password_reset-{number}")


def times_received(server: FakeSmtpServer, email: Email) -> int:
    return server.received[f"<{email.key}@photos.test>"]


async def test_email_arrives_complete(server: FakeSmtpServer, mail: Mailer) -> None:
    await mail().send(SAMPLE_EMAIL)
    (envelope,) = server.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("post@photos.test", ["ada@example.com"])
    assert isinstance(envelope.content, bytes)
    assert_is_the_email(read(envelope.content))


async def test_list_headers_are_machine_readable(server: FakeSmtpServer, mail: Mailer) -> None:
    url = f"https://photos.test/unsubscribe?token={'a_B-' * 60}&kind=comments"
    sender = mail()
    await sender.send(replace(email(1), unsubscribe_url=url, list_id="comments.photos.test"))
    await sender.send(email(2))
    listed, other = (envelope.original_content.splitlines() for envelope in server.taken)
    assert {
        f"List-Unsubscribe: <{url}>".encode(),
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        b"List-Id: <comments.photos.test>",
    } <= set(listed)
    assert not any(line.startswith((b"List-", b"Precedence")) for line in other)


async def test_emails_share_one_connection(server: FakeSmtpServer, mail: Mailer) -> None:
    sender = mail()
    for number in range(5):
        await sender.send(email(number))
    await asyncio.gather(*(sender.send(email(number)) for number in range(5, 25)))
    assert server.connections == 1
    assert len(server.taken) == 25
    assert set(server.received.values()) == {1}
    await sender.close()
    assert server.commands.count("EHLO") == server.commands.count("QUIT") == 1


async def test_sign_in_happens_once_per_connection(server: FakeSmtpServer, mail: Mailer) -> None:
    sender = mail(login="me:right")
    for number in range(3):
        await sender.send(email(number))
    assert server.signed_in == [b"me"]
    with pytest.raises(EmailFailed):
        await mail(login="me:wrong").send(SAMPLE_EMAIL)
    assert len(server.taken) == 3


@pytest.mark.parametrize("farewell", ["", "421 4.4.2 You were idle"])
async def test_closed_idle_connection_is_replaced(
    server: FakeSmtpServer, mail: Mailer, farewell: str
) -> None:
    sender = mail()
    for number in range(3):
        await sender.send(email(number))
        server.hang_up(farewell)
    assert server.connections == len(server.taken) == 3


async def test_server_with_a_limit_per_connection_gets_all(server: FakeSmtpServer, mail: Mailer) -> None:
    server.max_messages_per_connection = 2
    sender = mail()
    for number in range(5):
        await sender.send(email(number))
    assert server.connections == 3
    assert len(server.taken) == 5
    assert set(server.received.values()) == {1}


async def test_idle_connection_is_quit(server: FakeSmtpServer, mail: Mailer) -> None:
    sender = mail(idle_s=0)
    for number in range(3):
        await sender.send(email(number))
    assert server.connections == 3
    assert server.commands.count("QUIT") == 2


@pytest.mark.parametrize("farewell", [HANG, HANG_UP, "421 Go away"])
async def test_server_that_ignores_quit_does_not_block(
    server: FakeSmtpServer, mail: Mailer, farewell: str
) -> None:
    sender = mail()
    await sender.send(SAMPLE_EMAIL)
    server.faults["QUIT"] = [farewell]
    await sender.close()
    await wait_until(lambda: server.open_connections == 0)


@pytest.mark.parametrize("command", BEFORE)
@pytest.mark.parametrize("fault", [HANG_UP, "421 4.3.2 Shutting down"])
async def test_email_without_data_is_resent_on_a_new_connection(
    server: FakeSmtpServer, mail: Mailer, command: str, fault: str
) -> None:
    sender = mail()
    await sender.send(email(1))
    server.faults[command] = [fault]
    await sender.send(email(2))
    assert server.connections == len(server.taken) == 2


@pytest.mark.parametrize("command", BEFORE)
async def test_new_connection_that_closes_is_not_replaced(
    server: FakeSmtpServer, mail: Mailer, command: str
) -> None:
    server.faults[command] = [HANG_UP]
    with pytest.raises(EmailFailed):
        await mail().send(SAMPLE_EMAIL)
    assert server.connections == 1


@pytest.mark.parametrize("command", FROM_THERE)
@pytest.mark.parametrize("fault", [HANG_UP, "421 4.3.2 Shutting down"])
async def test_email_is_not_resent_after_data_started(
    server: FakeSmtpServer, mail: Mailer, command: str, fault: str
) -> None:
    sender = mail()
    await sender.send(email(1))
    server.faults[command] = [fault]
    with pytest.raises(EmailFailed):
        await sender.send(email(2))
    assert server.connections == 1
    assert times_received(server, email(2)) == (command == "MESSAGE")
    await sender.send(email(3))
    assert server.connections == len(server.taken) == 2


async def test_hanging_server_times_out_at_every_command(mail: Mailer) -> None:
    async def hangs(server: FakeSmtpServer, command: str) -> None:
        sender = mail(server, timeout_s=1.0, login="me:right")
        await sender.send(email(1))
        if command in OPENING:
            server.hang_up()
        server.faults[command] = [HANG]
        with pytest.raises(EmailFailed):
            await sender.send(email(2))
        assert times_received(server, email(2)) == (command == "MESSAGE")
        await wait_until(lambda: server.connections == 1 + (command in OPENING))
        await wait_until(lambda: server.open_connections == 0)
        await sender.send(email(3))
        assert times_received(server, email(3)) == 1
        await sender.close()

    places = (*OPENING, *BEFORE, *FROM_THERE)
    servers = [FakeSmtpServer().start() for _ in places]
    began = time.monotonic()
    try:
        await asyncio.gather(*map(hangs, servers, places))
        assert time.monotonic() - began < 4
    finally:
        for server in servers:
            server.stop()


@pytest.mark.parametrize("command", ["GREETING", "EHLO", *BEFORE, *FROM_THERE])
async def test_cancelled_email_discards_its_connection(
    server: FakeSmtpServer, mail: Mailer, command: str
) -> None:
    sender = mail()
    server.faults[command] = [HANG]
    sending = asyncio.create_task(sender.send(email(1)))
    await wait_until(lambda: server.connections == 1 and not server.faults[command])
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await wait_until(lambda: server.open_connections == 0)
    await sender.send(email(2))
    assert times_received(server, email(2)) == 1


async def test_email_cancelled_during_data_is_not_accepted(server: FakeSmtpServer, mail: Mailer) -> None:
    long = replace(SAMPLE_EMAIL, text=f"{'x' * 70}\n" * 100_000)  # more than all buffers between the two hold
    server.faults["TEXT"] = [HANG]
    sending = asyncio.create_task(mail(timeout_s=30.0).send(long))
    await wait_until(lambda: server.connections == 1 and not server.faults["TEXT"])
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    server.relent()
    await wait_until(lambda: server.open_connections == 0)
    assert not server.received


async def test_cancellation_does_not_affect_later_emails(server: FakeSmtpServer, mail: Mailer) -> None:
    sender = mail()
    for moment in range(40):
        sending = asyncio.create_task(sender.send(email(1000 + moment)))
        waiting = asyncio.create_task(sender.send(email(2000 + moment)))
        for _ in range(moment):
            await asyncio.sleep(0)
        asked = sending.cancel()
        await asyncio.wait([sending])
        assert sending.cancelled() == asked
        await waiting
        await sender.send(email(moment))
        await wait_until(lambda: server.open_connections == 1)
    assert all(times_received(server, email(moment)) == 1 for moment in range(40))
    assert all(times_received(server, email(2000 + moment)) == 1 for moment in range(40))
    assert set(server.received.values()) == {1}


async def test_email_waiting_behind_a_hanging_one_fails_busy(server: FakeSmtpServer, mail: Mailer) -> None:
    sender = mail(timeout_s=1.0)
    server.faults["MESSAGE"] = [HANG]
    began = time.monotonic()
    hanging, waiting = await asyncio.gather(
        sender.send(email(1)), sender.send(email(2)), return_exceptions=True
    )
    assert time.monotonic() - began < 3
    assert isinstance(hanging, EmailFailed)
    assert isinstance(waiting, EmailFailed)
    assert (hanging.code, waiting.code) == ("email_failed", "email_busy")
    assert times_received(server, email(2)) == 0
    await sender.send(email(2))
    assert [times_received(server, email(number)) for number in (1, 2)] == [1, 1]


async def test_close_lets_current_email_finish(server: FakeSmtpServer, mail: Mailer) -> None:
    sender = mail()
    sending = asyncio.create_task(sender.send(email(1)))
    await wait_until(lambda: "MAIL" in server.commands)
    await sender.close()
    await sending
    await wait_until(lambda: server.open_connections == 0)
    with pytest.raises(EmailFailed):
        await sender.send(email(2))
    assert server.connections == len(server.taken) == 1


@pytest.mark.parametrize(
    ("command", "reply", "kind"),
    [
        ("RCPT", "550 No such mailbox", EmailRefused),
        ("RCPT", "450 Greylisted", EmailFailed),
        ("DATA", "554 Spam", EmailRefused),
        ("DATA", "451 Try later", EmailFailed),
        ("MAIL", "550 Not you", EmailFailed),
    ],
)
@pytest.mark.parametrize("kept", [True, False])
async def test_only_permanent_errors_are_refusals(
    server: FakeSmtpServer, mail: Mailer, command: str, reply: str, kind: type[Exception], kept: bool
) -> None:
    sender = mail()
    if kept:
        await sender.send(email(1))
    server.replies[command] = reply
    with pytest.raises(kind):
        await sender.send(email(2))
    assert len(server.taken) == kept
    server.replies.clear()
    await sender.send(email(3))
    assert len(server.taken) == kept + 1
    if command != "MAIL":
        assert "RSET" in server.commands
        # Some servers count what comes over a connection, so "not now" may be meant for this one.
        assert server.connections == (1 if kind is EmailRefused else 2)


@pytest.mark.parametrize(
    ("command", "reply", "opens"),
    [
        ("RCPT", "550 No such mailbox", False),
        ("RCPT", "450 Greylisted", False),
        ("RCPT", "421 Going away", True),
        ("DATA", "554 Spam", False),
        ("DATA", "452 The disk is full", True),
        ("MAIL", "451 Not now", True),
        ("MAIL", "550 Not you", True),
    ],
)
async def test_circuit_opens_for_faults_of_the_server_only(
    server: FakeSmtpServer, mail: Mailer, command: str, reply: str, opens: bool
) -> None:
    circuit = CircuitBreaker("smtp")
    sender = mail(circuit=circuit)
    server.faults[command] = [reply] * 6  # over a kept connection some are tried again over a new one
    for number in range(3):
        with pytest.raises((EmailFailed, EmailRefused)):
            await sender.send(email(number))
    assert circuit.is_open == opens
    server.faults.clear()
    await sender.send(email(9))
    assert not circuit.is_open


async def test_waiting_emails_do_not_open_the_circuit(server: FakeSmtpServer, mail: Mailer) -> None:
    circuit = CircuitBreaker("smtp")
    sender = mail(timeout_s=0.5, circuit=circuit)
    server.faults["MESSAGE"] = [HANG]
    await asyncio.gather(*(sender.send(email(number)) for number in range(5)), return_exceptions=True)
    assert not circuit.is_open


async def test_refused_email_does_not_affect_the_next(server: FakeSmtpServer, mail: Mailer) -> None:
    sender = mail()
    server.replies["DATA"] = "554 Spam"
    with pytest.raises(EmailRefused):
        await sender.send(replace(email(1), to="eve@example.com"))
    server.replies.clear()
    await sender.send(email(2))
    (envelope,) = server.taken
    assert envelope.rcpt_tos == ["ada@example.com"]
    assert server.connections == 1


async def test_unreachable_server_is_a_failure_not_a_refusal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(EmailFailed) as failed:
        await SmtpEmailSender(SmtpServer("127.0.0.1", port, "", "", "none", 1.0), SENDER).send(SAMPLE_EMAIL)
    assert str(failed.value) == (
        f"No SMTP server answers at 127.0.0.1:{port} (Connection refused). Check EMAIL_HOST and EMAIL_PORT."
    )


async def test_sending_works_again_after_an_outage(server: FakeSmtpServer, mail: Mailer) -> None:
    sender = mail()
    await sender.send(email(1))
    server.hang_up()
    server.replies["MAIL"] = "421 Not yet"
    with pytest.raises(EmailFailed):
        await sender.send(email(2))
    server.replies.clear()
    await sender.send(email(2))
    assert len(server.taken) == 2


async def test_starttls_is_required(server: FakeSmtpServer, mail: Mailer) -> None:
    with pytest.raises(EmailFailed):
        await mail(tls="starttls").send(SAMPLE_EMAIL)
    assert server.taken == []


@pytest.mark.parametrize("tls", ["tls", "starttls"])
async def test_certificate_is_verified(tmp_path: Path, mail: Mailer, tls: str) -> None:
    context, trusting = certificate(tmp_path)
    server = FakeSmtpServer(**{"ssl_context" if tls == "tls" else "tls_context": context}).start()
    try:
        sender = mail(server, tls=tls, tls_context=trusting, login="me:right")
        for number in range(3):
            await sender.send(email(number))
        assert (server.connections, server.signed_in) == (1, [b"me"])
        server.hang_up()
        server.faults["DATA"] = [HANG]
        hanging = mail(server, tls=tls, tls_context=trusting, timeout_s=1.0)
        with pytest.raises(EmailFailed):
            await hanging.send(email(3))
        await wait_until(lambda: server.open_connections == 0)
        await sender.send(email(4))
        with pytest.raises(EmailFailed):
            await mail(server, tls=tls).send(SAMPLE_EMAIL)
        assert len(server.taken) == 4
        await sender.close()
        await wait_until(lambda: server.open_connections == 0)
    finally:
        server.stop()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "a@b.com, c@d.com",
        "a@b.com\r\nBcc: c@d.com",
        "a@b.com\nRCPT TO:<c@d.com>",
        "<a@b.com>",
        '"a b"@c.com',
        "a@b@c.com",
        "@b.com",
        "a@",
        "a@[127.0.0.1]",
        "a@b..com",
        "a@b.com\uff0cd.com",
        "a@b.com\uff1ed.com",
        "a@b.com\uff20d.com",
        "a@b.com\u037ed.com",
        "=?utf-8?q?a=0D=0ABcc=3A_c=40d.com?=@b.com",
        "=?utf-8?b?DQpCY2M6IGNAZC5jb20=?=@b.com",
        "a@=?utf-8?q?b.com=0D=0ABcc=3A_c=40d.com?=",
        "a@\uff1d\uff1futf-8\uff1fq\uff1fb.com=0D=0ABcc=3A_c=40d.com\uff1f\uff1d",
    ],
)
async def test_invalid_recipient_is_refused(server: FakeSmtpServer, mail: Mailer, address: str) -> None:
    with pytest.raises(EmailRefused):
        await mail().send(Email("key", address, "Subject", "text", "<p>html</p>"))
    assert server.connections == 0


async def test_non_ascii_address_needs_smtputf8(server: FakeSmtpServer, mail: Mailer) -> None:
    abroad = Email("key", "ada@bücher.example", "Subject", "text", "<p>html</p>")
    sharp_s = Email("key", "ada@straße.example", "Subject", "text", "<p>html</p>")
    umlauts = Email("key", "ädä@example.com", "Subject", "text", "<p>html</p>")
    sender = mail()
    for email in (abroad, sharp_s, umlauts):
        await sender.send(email)
    assert [envelope.rcpt_tos for envelope in server.taken] == [
        ["ada@xn--bcher-kva.example"],
        ["ada@xn--strae-oqa.example"],  # not strasse.example, which is another domain
        ["ädä@example.com"],
    ]
    old_fashioned = FakeSmtpServer(enable_SMTPUTF8=False).start()
    try:
        sender = mail(old_fashioned)
        await sender.send(abroad)
        with pytest.raises(EmailRefused):
            await sender.send(umlauts)
        await sender.send(abroad)
        assert old_fashioned.connections == 1
        await sender.close()
    finally:
        old_fashioned.stop()


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the TLS contexts of a server at 127.0.0.1 and of a client that trusts it."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    return context, ssl.create_default_context(cafile=str(cert))
