"""What a letter looks like on its way, and the folder that takes letters where there is no server."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from server.gateways.email.email import Email, EmailFailed, OutboxEmailSender, compose
from tests.support.sample_email import LETTER, SENDER, assert_is_the_letter, read


def test_a_header_cannot_be_added_through_the_subject() -> None:
    with pytest.raises(ValueError):
        compose(Email("key", "a@b.com", "Hello\r\nBcc: c@d.com", "text", "html"), SENDER)


@pytest.mark.parametrize("code", ["q?=0D=0ABcc:_c@d.com", "b?DQpCY2M6IGNAZC5jb20="])
def test_nor_through_an_encoded_word_in_the_subject(code: str) -> None:
    subject = f"Hello =?utf-8?{code}?="
    message = compose(Email("key", "a@b.com", subject, "text", "html"), SENDER)
    for sent in (message, read(message.as_bytes())):
        assert sent["Bcc"] is None
        assert sent["Subject"].replace("\u2060", "") == subject


def test_nor_through_what_names_a_list() -> None:
    letter = replace(
        LETTER, unsubscribe_url="https://x.y/\r\nBcc: c@d.com>\r\n", list_id="a.b\r\nBcc: <c@d.com>"
    )
    head = compose(letter, SENDER).as_bytes().partition(b"\r\n\r\n")[0].splitlines()
    assert b"List-Unsubscribe: <https://x.y/%0D%0ABcc:%20c@d.com%3E%0D%0A>" in head
    assert b"List-Id: <a.bBcccd.com>" in head
    assert not any(line.startswith(b"Bcc") for line in head)


async def test_without_a_server_a_letter_is_a_file_that_a_person_can_open(tmp_path: Path) -> None:
    outbox = tmp_path / "var" / "outbox"
    with capture_logs() as logs:
        for _ in range(2):  # a second attempt replaces the first
            await OutboxEmailSender(outbox, SENDER).send(LETTER)
    (file,) = outbox.iterdir()
    assert file.name == "email.password_reset-7.eml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert_is_the_letter(read(file.read_bytes()))
    assert logs[0] == {
        "event": "email_written_to_outbox",
        "file": str(file),
        "subject": "Ein Gruß",
        "log_level": "info",
    }


async def test_a_folder_that_cannot_be_written_is_no_refusal(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file")
    with pytest.raises(EmailFailed):
        await OutboxEmailSender(tmp_path / "outbox", SENDER).send(LETTER)


async def test_a_link_in_the_outbox_can_be_copied_out_of_the_file(tmp_path: Path) -> None:
    link = f"https://photos.test/reset-password?token={'a=b' * 40}"
    letter = Email(
        key="one", to="ana@example.com", subject="A link", text=f"Grüße\n{link}\n", html=f"<p>{link}</p>"
    )
    await OutboxEmailSender(tmp_path, "photos@example.com").send(letter)
    assert f"\r\n{link}\r\n" in (tmp_path / "one.eml").read_bytes().decode()
