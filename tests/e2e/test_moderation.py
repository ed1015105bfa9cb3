"""Reports and moderation, as clients see them."""

from typing import Any

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Person, Program, photo_form
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


async def test_post_returns_after_an_appeal(
    program: Program, register: Register, new_program: NewProgram
) -> None:
    ana, ben, mod1, mod2 = await register(program, "ana", "ben", "mod1", "mod2")
    for name in ("mod1", "mod2"):
        assert (await new_program("role", name, "moderator").spawn().end()).code == 0
    await ben.follow(ana)
    post_id = (await ana.publish(photos.small(), caption="My own watches"))["id"]
    await ben.like(post_id)
    await ben.comment(post_id, "Nice")
    report = {"subjectType": "post", "subjectId": post_id, "reason": "spam"}
    await ben.request("POST", "/reports", json=report)
    (case,) = await mod1.list_all("/moderation/reports")
    await mod1.request("POST", f"/moderation/reports/{case['id']}/claim")
    decision = {"action": "take_down", "message": "No advertising"}
    taken_down = await mod1.request("POST", f"/moderation/reports/{case['id']}/resolve", json=decision)
    assert await ben.list_all("/feed") == []
    (told,) = await notifications(ana, "moderation", 1)
    assert told["decision"]["id"] == taken_down["id"]

    body = {"decisionId": taken_down["id"], "comment": "I made them"}
    assert (await ben.call("POST", "/moderation/appeals", json=body)).status == 404
    assert (await ana.request("POST", "/moderation/appeals", json=body))["status"] == "open"
    assert (await ana.call("POST", "/moderation/appeals", json=body)).json["code"] == "already_appealed"
    (appeal,) = await mod2.list_all("/moderation/appeals")
    assert (appeal["comment"], appeal["decision"]["id"]) == ("I made them", taken_down["id"])
    path = f"/moderation/appeals/{appeal['id']}"
    assert (await mod1.call("POST", f"{path}/claim")).json["code"] == "own_decision"
    await mod2.request("POST", f"{path}/claim")
    await mod2.request("POST", f"{path}/resolve", json={"outcome": "reverse", "message": "Sorry"})

    for person in (ana, ben, mod1):
        post = await person.request("GET", f"/posts/{post_id}")
        assert (post["likesCount"], post["commentsCount"]) == (1, 1)
    await wait_until(lambda: in_feed(ben, post_id))
    await notifications(ana, "moderation", 2)
    own = await ana.request("GET", f"/moderation/decisions/{taken_down['id']}")
    assert (own["withdrawn"], own["appeal"]["status"]) == (True, "reversed")
    standing = await mod1.request("GET", "/moderation/users/@ana")
    assert (standing["takeDowns"], standing["reversedAppeals"], standing["status"]) == (0, 1, "active")
    verified = await new_program("doctor", "audit").spawn().end()
    assert verified.code == 0


async def in_feed(person: Person, post_id: str) -> bool:
    return [post["id"] for post in await person.list_all("/feed")] == [post_id]


async def test_banned_person_appeals_without_a_session(
    program: Program, register: Register, new_program: NewProgram
) -> None:
    ana, ben, mod1, mod2 = await register(program, "ana", "ben", "mod1", "mod2")
    for name in ("mod1", "mod2"):
        assert (await new_program("role", name, "moderator").spawn().end()).code == 0
    await ben.request("POST", "/reports", json={"subjectType": "user", "subjectId": ana.id, "reason": "spam"})
    (case,) = await mod1.list_all("/moderation/reports")
    await mod1.request("POST", f"/moderation/reports/{case['id']}/resolve", json={"action": "ban"})
    credentials = {"username": "ana", "password": ana.password}
    refused = (await ben.call("POST", "/auth/login", json=credentials)).json
    assert refused["until"] is None
    anonymous = {"Authorization": ""}
    body = {"token": refused["appealToken"], "comment": "It was not me"}
    path = "/moderation/appeals/by-token"
    assert (await ana.call("POST", path, json=body, headers=anonymous)).status == 201
    forged = body | {"token": "no token"}
    assert (await ana.call("POST", path, json=forged, headers=anonymous)).json[
        "code"
    ] == "invalid_appeal_token"
    (appeal,) = await mod2.list_all("/moderation/appeals")
    await mod2.request("POST", f"/moderation/appeals/{appeal['id']}/resolve", json={"outcome": "reverse"})
    await ana.sign_in()
    assert (await ben.call("GET", "/users/@ana")).status == 200


async def test_picture_that_was_taken_down_cannot_be_uploaded_again(
    program: Program, register: Register, new_program: NewProgram
) -> None:
    ana, ben, mod = await register(program, "ana", "ben", "mod1")
    assert (await new_program("role", "mod1", "moderator").spawn().end()).code == 0
    post_id = (await ana.publish(photos.blots()))["id"]
    await ben.request(
        "POST", "/reports", json={"subjectType": "post", "subjectId": post_id, "reason": "hate"}
    )
    (case,) = await mod.list_all("/moderation/reports")
    body = {"action": "take_down", "blockPictures": "yes"}
    path = f"/moderation/reports/{case['id']}/resolve"
    assert (await mod.call("POST", path, json=body)).status == 422
    decision = await mod.request("POST", path, json={"action": "take_down"})
    assert decision["detail"] == "pictures_refused"

    copy = photos.blots(width=320, quality=50)
    for upload, field in (("/posts", "images"), ("/media", "file"), ("/users/avatar", "avatar")):
        refused = await ben.call("POST", upload, data=photo_form(copy, field=field))
        assert (refused.status, refused.json["code"], list(refused.json["errors"])) == (
            422, "picture_refused", [field],
        )  # fmt: skip
    await ben.publish(photos.blots(2))
    await mod.request("POST", f"/moderation/decisions/{decision['id']}/restore", json={})
    await ben.publish(copy)
