"""Mail through a real SMTP server that is as unkind as a test wants it."""

import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.gateways.mail import Letter, MailFailed, MailRefused
from server.gateways.smtp import SmtpMail, SmtpServer
from tests.gateways.sample_letter import LETTER, SENDER, assert_is_the_letter, read
from tests.post_office import PostOffice


@pytest.fixture
def server() -> Iterator[PostOffice]:
    server = PostOffice().start()
    yield server
    server.stop()


def mail(server: PostOffice, tls: Any = "none", timeout_s: float = 5.0, **more: Any) -> SmtpMail:
    login = {name: more.pop(name, "") for name in ("username", "password")}
    return SmtpMail(
        SmtpServer("127.0.0.1", server.port, tls=tls, timeout_s=timeout_s, **login), SENDER, **more
    )


async def test_a_letter_arrives_whole_at_its_one_recipient(server: PostOffice) -> None:
    await mail(server).send(LETTER)
    (envelope,) = server.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("post@photos.test", ["ada@example.com"])
    assert isinstance(envelope.content, bytes)
    assert_is_the_letter(read(envelope.content))


async def test_it_signs_in(server: PostOffice) -> None:
    await mail(server, username="me", password="right").send(LETTER)
    with pytest.raises(MailFailed):
        await mail(server, username="me", password="wrong").send(LETTER)
    assert server.signed_in[0] == b"me"
    assert len(server.taken) == 1


@pytest.mark.parametrize(
    ("command", "reply", "kind"),
    [
        ("RCPT", "550 No such mailbox", MailRefused),
        ("RCPT", "450 Greylisted", MailFailed),
        ("DATA", "554 Spam", MailRefused),
        ("DATA", "451 Try later", MailFailed),
        ("MAIL", "550 Not you", MailFailed),
    ],
)
async def test_only_what_another_attempt_would_not_mend_is_refused_for_good(
    server: PostOffice, command: str, reply: str, kind: type[Exception]
) -> None:
    server.replies[command] = reply
    with pytest.raises(kind):
        await mail(server).send(LETTER)
    assert server.taken == []
    server.replies.clear()
    await mail(server).send(LETTER)


async def test_a_server_that_takes_a_letter_and_leaves_in_anger_has_it(server: PostOffice) -> None:
    server.replies["QUIT"] = "421 Go away"
    await mail(server).send(LETTER)
    assert len(server.taken) == 1


async def test_a_server_that_hangs_is_given_up_in_time(server: PostOffice) -> None:
    server.hangs = True
    began = time.monotonic()
    with pytest.raises(MailFailed):
        await mail(server, timeout_s=0.3).send(LETTER)
    assert time.monotonic() - began < 3


async def test_a_server_that_is_not_there_is_no_refusal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(MailFailed):
        await SmtpMail(SmtpServer("127.0.0.1", port, "", "", "none", 1.0), SENDER).send(LETTER)


async def test_starttls_is_never_done_without(server: PostOffice) -> None:
    with pytest.raises(MailFailed):
        await mail(server, tls="starttls").send(LETTER)
    assert server.taken == []


@pytest.mark.parametrize("tls", ["tls", "starttls"])
async def test_the_certificate_is_checked(tmp_path: Path, tls: str) -> None:
    context, trusting = certificate(tmp_path)
    server = PostOffice(**{"ssl_context" if tls == "tls" else "tls_context": context}).start()
    try:
        await mail(server, tls=tls, tls_context=trusting).send(LETTER)
        with pytest.raises(MailFailed):
            await mail(server, tls=tls).send(LETTER)
        assert len(server.taken) == 1
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
async def test_nobody_else_can_be_written_to(server: PostOffice, address: str) -> None:
    letter = Letter("key", address, "Subject", "text", "<p>html</p>")
    with pytest.raises(MailRefused):
        await mail(server).send(letter)
    assert server.taken == []


async def test_names_beyond_ascii_are_written_to_where_that_is_possible(server: PostOffice) -> None:
    abroad = Letter("key", "ada@bücher.example", "Subject", "text", "<p>html</p>")
    umlauts = Letter("key", "ädä@example.com", "Subject", "text", "<p>html</p>")
    for letter in (abroad, umlauts):
        await mail(server).send(letter)
    assert [envelope.rcpt_tos for envelope in server.taken] == [
        ["ada@xn--bcher-kva.example"],
        ["ädä@example.com"],
    ]
    old_fashioned = PostOffice(enable_SMTPUTF8=False).start()
    try:
        await mail(old_fashioned).send(abroad)
        with pytest.raises(MailRefused):
            await mail(old_fashioned).send(umlauts)
    finally:
        old_fashioned.stop()


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For a server at 127.0.0.1, and for a client that trusts it."""
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
