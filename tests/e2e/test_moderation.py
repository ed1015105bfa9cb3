"""Reports and moderation, as clients see them."""

from typing import Any

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Person, Program
from tools.harness.waiting import wait_until


async def notifications(person: Person, type_: str, count: int) -> list[dict[str, Any]]:
    """Return a person's notifications of a type, as soon as there are so many."""
    found: list[dict[str, Any]] = []

    async def enough() -> bool:
        found[:] = await person.list_all(f"/notifications?types={type_}")
        return len(found) == count

    await wait_until(enough)
    return found


async def test_reported_post_is_taken_down_and_its_author_suspended(
    program: Program, register: Register, new_program: NewProgram
) -> None:
    ana, ben, mod = await register(program, "ana", "ben", "mod1")
    assert (await new_program("role", "mod1", "moderator").spawn().end()).code == 0
    await ben.follow(ana)
    post_id = (await ana.publish(photos.small(), caption="Cheap watches"))["id"]
    assert [post["id"] for post in await ben.list_all("/feed")] == [post_id]
    report = {"subjectType": "post", "subjectId": post_id, "reason": "spam", "comment": "Again"}
    assert (await ben.call("POST", "/reports", json=report)).status == 201
    assert (await ben.call("POST", "/reports", json=report)).status == 200
    assert (await ben.call("GET", "/moderation/reports")).status == 403

    (case,) = await mod.list_all("/moderation/reports")
    assert (case["subjectId"], case["excerpt"], case["reportsCount"]) == (post_id, "Cheap watches", 1)
    assert case["images"]
    path = f"/moderation/reports/{case['id']}"
    assert (await mod.request("POST", f"{path}/claim"))["claimedById"] == mod.id
    await mod.request("POST", f"{path}/resolve", json={"action": "take_down", "note": "Spam"})
    assert (await mod.call("POST", f"{path}/resolve", json={"action": "dismiss"})).status == 409
    assert await ben.list_all("/feed") == []
    (told,) = await notifications(ana, "moderation", 1)
    decision = await ana.request("GET", f"/moderation/decisions/{told['decision']['id']}")
    assert (decision["action"], decision["reason"], decision["excerpt"]) == (
        "take_down", "spam", "Cheap watches",
    )  # fmt: skip
    assert told["actor"]["id"] == ana.id
    await notifications(ben, "report_handled", 1)
    assert (await ana.call("GET", f"/posts/{post_id}")).status == 404

    about_ana = {"subjectType": "user", "subjectId": ana.id, "reason": "spam"}
    await ben.request("POST", "/reports", json=about_ana)
    (case,) = await mod.list_all("/moderation/reports")
    path = f"/moderation/reports/{case['id']}/resolve"
    assert (await mod.call("POST", path, json={"action": "suspend"})).status == 422
    await mod.request("POST", path, json={"action": "suspend", "days": 3})
    assert (await ana.call("GET", "/feed")).status == 401
    credentials = {"username": "ana", "password": ana.password}
    refused = await ben.call("POST", "/auth/login", json=credentials)
    assert (refused.status, refused.json["code"]) == (403, "account_suspended")
    assert refused.json["until"]
    assert refused.json["appealToken"]
    wrong = await ben.call("POST", "/auth/login", json={"username": "ana", "password": "not the password"})
    assert (wrong.status, wrong.json["code"]) == (401, "wrong_credentials")
    assert not {"until", "appealToken"} & wrong.json.keys()
    log = await mod.list_all(f"/moderation/audit?userId={ana.id}")
    assert [entry["action"] for entry in log] == ["suspend", "take_down", "claim"]
