"""E-mail messages and the outbox sender."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from server.gateways.email.email import Email, EmailFailed, OutboxEmailSender, compose
from tests.support.inputs.sample_email import SAMPLE_EMAIL, SENDER, assert_is_the_email, read


def test_subject_cannot_add_a_header() -> None:
    with pytest.raises(ValueError):
        compose(Email("key", "a@b.com", "Hello\r\nBcc: c@d.com", "text", "html"), SENDER)


@pytest.mark.parametrize("code", ["q?=0D=0ABcc:_c@d.com", "b?DQpCY2M6IGNAZC5jb20="])
def test_encoded_word_in_subject_cannot_add_a_header(code: str) -> None:
    subject = f"Hello =?utf-8?{code}?="
    message = compose(Email("key", "a@b.com", subject, "text", "html"), SENDER)
    for sent in (message, read(message.as_bytes())):
        assert sent["Bcc"] is None
        assert sent["Subject"].replace("\u2060", "") == subject


def test_list_values_cannot_add_a_header() -> None:
    email = replace(
        SAMPLE_EMAIL, unsubscribe_url="https://x.y/\r\nBcc: c@d.com>\r\n", list_id="a.b\r\nBcc: <c@d.com>"
    )
    head = compose(email, SENDER).as_bytes().partition(b"\r\n\r\n")[0].splitlines()
    assert b"List-Unsubscribe: <https://x.y/%0D%0ABcc:%20c@d.com%3E%0D%0A>" in head
    assert b"List-Id: <a.bBcccd.com>" in head
    assert not any(line.startswith(b"Bcc") for line in head)


async def test_outbox_writes_a_readable_file(tmp_path: Path) -> None:
    outbox = tmp_path / "var" / "outbox"
    with capture_logs() as logs:
        for _ in range(2):  # a second attempt replaces the first
            await OutboxEmailSender(outbox, SENDER).send(SAMPLE_EMAIL)
    (file,) = outbox.iterdir()
    assert file.name == "email.password_reset-7.eml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert_is_the_email(read(file.read_bytes()))
    assert logs[0] == {
        "event": "email_written_to_outbox",
        "file": str(file),
        "subject": "Ein Gruß",
        "log_level": "info",
    }


async def test_unwritable_outbox_is_a_failure_not_a_refusal(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file")
    with pytest.raises(EmailFailed):
        await OutboxEmailSender(tmp_path / "outbox", SENDER).send(SAMPLE_EMAIL)


async def test_link_in_outbox_file_is_not_wrapped(tmp_path: Path) -> None:
    link = f"https://photos.test/reset-password?token={'a=b' * 40}"
    email = Email(
        key="one", to="ana@example.com", subject="A link", text=f"Grüße\n{link}\n", html=f"<p>{link}</p>"
    )
    await OutboxEmailSender(tmp_path, "photos@example.com").send(email)
    assert f"\r\n{link}\r\n" in (tmp_path / "one.eml").read_bytes().decode()
