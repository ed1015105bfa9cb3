"""The outbox folder: which messages belong to a user who is erased."""

from pathlib import Path

from server.gateways.email.email import Email, OutboxEmailSender
from server.gateways.outbox import Outbox
from server.gateways.push.message import PushMessage
from server.gateways.push.senders import OutboxPushSender

ADA, BEN = 7, 77


def initials(folder: Path) -> str:
    return "".join(sorted(file.name[0] for file in folder.iterdir()))


async def test_messages_to_and_about_an_erased_user_are_deleted(tmp_path: Path) -> None:
    emails = OutboxEmailSender(tmp_path, "photofeed <no-reply@photos.test>")
    for key, to in (("1", "Ada@Example.com"), ("2", "ben@example.com"), ("3", "ada@example.com.test")):
        await emails.send(
            Email(key=key, to=to, subject="About ada@example.com", text="Hello", html="<p>Hello")
        )
    pushes = OutboxPushSender(tmp_path)
    for key, recipient, actor in (("4", ADA, BEN), ("5", BEN, ADA), ("6", BEN, BEN)):
        data = {"recipientId": str(recipient), "actorId": str(actor)}
        await pushes.send(PushMessage(key=key, title="", body="", data=data), ["token"])
    (tmp_path / "broken.push.json").write_text("{")
    outbox = Outbox(tmp_path)
    assert sorted(name[0] for name in await outbox.find_pushes(ADA)) == ["4", "5"]

    assert await outbox.erase(ADA, ["ada@example.com", "old@example.com"]) == 3
    assert initials(tmp_path) == "236b"
    assert await outbox.find_pushes(ADA) == []
    assert await outbox.erase(ADA, ["ada@example.com"]) == 0


async def test_missing_outbox_is_empty(tmp_path: Path) -> None:
    assert await Outbox(tmp_path / "outbox").erase(ADA, ["ada@example.com"]) == 0
