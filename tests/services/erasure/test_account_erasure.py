"""Erased accounts: nothing is left of them, others keep exact counters, and interruptions lose nothing."""

from collections.abc import Mapping
from typing import Any

import pytest
from tortoise import Tortoise

from server.errors import Conflict, Unauthenticated
from server.gateways.feed_store.cached_users import CachedUsers
from server.gateways.outbox import Outbox
from server.ids import (
    ActionId,
    AppealId,
    CaseId,
    CommentId,
    DraftId,
    NotificationId,
    PostId,
    ReportId,
    UserId,
)
from server.models.accounts.external_identities import ExternalIdentityRepository, NewExternalIdentity
from server.models.accounts.former_usernames import FormerUsernameRepository
from server.models.counters import COUNTED_TABLES, CounterRepository
from server.models.erasure.mentions import StoredMentionRepository
from server.models.erasure.user_rows import USER_COLUMNS, UserRowRepository
from server.models.moderation.report_cases import ReportCaseRepository, ReportedSubject, SubjectType
from server.models.moderation.reports import ReportReason, ReportRepository, ReportRow
from server.models.portability.import_items import ImportItemRepository
from server.paging import PageRequest
from server.services.content.comment_settings import CommentSettingsChanges
from server.services.content.drafts import DraftChanges, DraftContent
from server.services.content.pictures import Upload
from server.services.content.places import NewPlace, PlaceChange
from server.services.content.post_pictures import ChosenPicture
from server.services.erasure.leftovers import LeftoverSearch
from server.services.jobs.claims import Claim
from server.services.jobs.event_jobs import JobKind
from server.services.records import (
    AccountStatus,
    Channel,
    Client,
    Confirmation,
    NotificationType,
    Platform,
    PostStatus,
    Tag,
)
from tests.support.inputs import photos
from tests.support.jobs import claim_maintenance_job
from tests.support.second_factors import enable_second_factor
from tests.support.software_authenticator import SoftwareAuthenticator
from tools.harness.services import PASSKEY_ORIGIN, ServiceHarness

PASSWORD = "correct horse"
PAGE = PageRequest()
OTHERS = 6
# A former username is reserved for its owner; waiting jobs name ids and find nothing.
EXEMPT = {"former_usernames", "jobs"}
# Names of columns without a foreign key that have the id of a user.
PLAIN_USER_IDS = {"user_id", "actor_id", "author_id", "owner_id", "claimed_by_id"}
# The ids of users among those of other things.
MIXED_IDS = {("search_entries", "subject_id")}
# The audit log of moderators outlives what it names.
KEPT = {
    ("former_usernames", "user_id"),
    ("moderation_actions", "actor_id"),
    ("moderation_actions", "author_id"),
}
AFTER_COMMIT = (JobKind.REMOVE_POST, JobKind.REMOVE_AVATAR, JobKind.RETRACT_COMMENTS, JobKind.WITHDRAW)


async def publish(harness: ServiceHarness, author_id: UserId, caption: str) -> PostId:
    photo = harness.folder / "photo"
    photo.write_bytes(photos.small())
    return (await harness.posts.publish(author_id, caption, [Upload(photo)])).id


async def register(harness: ServiceHarness, name: str) -> UserId:
    user_id = (await harness.accounts.register(name, f"{name}@example.com", PASSWORD, "")).id
    account = await harness.password_authentication.authenticate(name, PASSWORD)
    pair = await harness.sessions.create(account.id, account.password_changed_at_ms, "", "")
    await harness.devices.register(await harness.principal(pair.access_token), f"{name} phone", Platform.IOS)
    return user_id


async def live(harness: ServiceHarness, ada: UserId, bob: UserId) -> PostId:
    """Let ada do everything that a user can do, and have others answer; return a post by bob."""
    await add_sign_in_methods(harness, ada)
    others = [await harness.user("carl"), *await harness.users(OTHERS - 1)]
    theirs = await publish(harness, bob, "With @ada and @carl")
    hers = await publish(harness, ada, "Hello @bob #light")
    (image,) = (await harness.posts.get(bob, theirs)).card.images
    place = PlaceChange(NewPlace("Home of Ada", 1, 2))
    await harness.posts.edit(ada, hers, None, None, place=place)
    tagged = [ChosenPicture(image.id, tags=[Tag(ada, 1, 2)])]
    await harness.posts.edit(bob, theirs, None, None, None, tagged)
    await harness.discovery.recent.keep(ada, "light")
    await keep(harness, ada, others[0], hers, theirs)
    await harness.commenting.settings.update(ada, CommentSettingsChanges(hidden_words=["casino"]))
    for person in others:
        await harness.likes.like(person, hers)
        await harness.likes.like(person, theirs)
        await harness.comments.add(person, hers, "Nice", None)
        await harness.follows.follow(person, ada)
        await harness.follows.follow(ada, person)
    await harness.likes.like(ada, theirs)
    question = await harness.comments.add(bob, theirs, "Who is @ada?", None)
    await harness.comments.add(ada, theirs, "Me", CommentId(question.id))
    await harness.comment_likes.like(ada, theirs, question.id)
    comment = await harness.comments.add(ada, theirs, "Lovely", None)
    await harness.comments.add(others[0], theirs, "Indeed, @ada", CommentId(comment.id))
    await harness.comments.add(ada, theirs, "Yes", CommentId(comment.id))
    await harness.follows.follow(ada, bob)
    await meet_others(harness, ada, others)
    photo = harness.folder / "photo"
    await harness.profiles.change_avatar(ada, photo)
    await protect(harness, ada)
    await harness.unused_media.add(ada, Upload(photo))
    await harness.drafts.create(ada, DraftContent("Later"), [Upload(photo)])
    published = await harness.drafts.create(ada, DraftContent("Now"), [Upload(photo)])
    post = await harness.drafts.edit(ada, DraftId(published.id), DraftChanges(status=PostStatus.PUBLISHED))
    await harness.posts.delete(ada, PostId(post.id))
    await harness.uploads.create(ada, 1000, "", "")
    for _ in range(2):
        await harness.work_off()
    await harness.digest_rows.insert_entry(ada, NotificationId(1))
    for person in (ada, bob):
        await harness.feed.page(person, PAGE)
    return theirs


async def keep(harness: ServiceHarness, ada: UserId, other: UserId, hers: PostId, theirs: PostId) -> None:
    """Save posts into a collection; another user saves the same."""
    for user_id in (ada, other):
        collection = await harness.collections.create(user_id, "Light")
        for post_id in (hers, theirs):
            await harness.collections.add_post(user_id, collection.id, post_id)


async def protect(harness: ServiceHarness, ada: UserId) -> None:
    """Enable a second factor, and begin a sign-in with it."""
    await enable_second_factor(harness, ada, PASSWORD)
    account = await harness.password_authentication.authenticate("ada", PASSWORD)
    await harness.sign_ins.open(account, Client("192.0.2.7"))


async def export(harness: ServiceHarness, user_id: UserId) -> None:
    """Create an archive that can be downloaded, request another one, and record an import."""
    await ImportItemRepository(harness.database).insert(harness.ids.next(), user_id, "a post", PostId(1))
    for _ in range(2):
        principal = await harness.open_session(user_id)
        await harness.session_rows.set_reauthenticated(user_id, principal.session_id)
        await harness.work_off(JobKind.CREATE_EXPORT)
        await harness.exports.request(principal, Confirmation())


async def meet_others(harness: ServiceHarness, ada: UserId, others: list[UserId]) -> None:
    secretive, enemy = await harness.users(2)
    await harness.profiles.edit(secretive, {"is_private": True})
    await harness.follows.follow(ada, secretive)
    await harness.profiles.edit(ada, {"is_private": True})
    await harness.follows.follow(secretive, ada)
    await harness.blocks.block(ada, enemy)
    await harness.blocks.block(await harness.user(), ada)
    await harness.close_friends.add(ada, others[0])
    await harness.discovery.suggestions.dismiss(ada, others[0])
    await harness.discovery.hashtag_follows.follow(ada, "light")
    await harness.discovery.suggestions.dismiss(others[1], ada)
    await harness.restrictions.restrict(ada, others[0])
    await harness.restrictions.restrict(others[1], ada)
    await harness.close_friends.add(others[1], ada)
    await harness.mutes.mute(ada, others[0])
    await harness.mutes.mute(others[1], ada)
    reports, cases = ReportRepository(harness.database), ReportCaseRepository(harness.database)
    for reporter, author in ((ada, enemy), (enemy, ada)):
        case_id = CaseId(harness.ids.next())
        await cases.insert(case_id, ReportedSubject(SubjectType.USER, author, None, author), "")
        report = ReportRow(ReportId(harness.ids.next()), ReportReason.SPAM, "")
        await reports.insert(case_id, reporter, report)
        await cases.claim(case_id, ada, 1)
        appeal_id = AppealId(harness.ids.next())
        await harness.appeal_rows.insert(appeal_id, ActionId(appeal_id), author, "A mistake")
        await harness.appeal_rows.claim(appeal_id, ada, 1)
    await harness.preferences.update(ada, {NotificationType.MENTION: {Channel.PUSH: False}})


async def add_sign_in_methods(harness: ServiceHarness, user_id: UserId) -> None:
    identity = NewExternalIdentity(harness.ids.next(), user_id, "acme", "a" * 64, "ada@acme.example", 1)
    await ExternalIdentityRepository(harness.database).insert(identity)
    authenticator, principal = SoftwareAuthenticator(PASSKEY_ORIGIN), await harness.open_session(user_id)
    options = await harness.passkeys.begin_registration(principal, Confirmation(PASSWORD))
    await harness.passkeys.register(principal, authenticator.create(options), "Phone")


async def delete_account(harness: ServiceHarness, user_id: UserId) -> None:
    """Delete an account whose time to cancel that has passed, and insert the job that erases it."""
    principal = await harness.open_session(user_id)
    await harness.session_rows.set_reauthenticated(user_id, principal.session_id)
    await harness.account_closures.delete(principal, Confirmation())
    await harness.work_off()
    await harness.database.execute("UPDATE users SET delete_after_ms = 1 WHERE id = ?", [user_id])
    await start_due(harness)


async def start_due(harness: ServiceHarness) -> None:
    await harness.account_erasure.start_due(await claim_maintenance_job(harness, JobKind.FIND_DUE_ERASURES))


def leftover_search(harness: ServiceHarness) -> LeftoverSearch:
    database = harness.database
    return LeftoverSearch(
        harness.user_rows,
        FormerUsernameRepository(database),
        UserRowRepository(database),
        StoredMentionRepository(database),
        CachedUsers(harness.pipelined_redis),
        Outbox(harness.folder / "outbox"),
    )


def names(user_id: UserId, row: Mapping[str, Any]) -> bool:
    return any(
        value == user_id or (isinstance(value, str) and str(user_id) in value) for value in row.values()
    )


async def tables_that_name(harness: ServiceHarness, user_id: UserId) -> set[str]:
    tables = [model._meta.db_table for model in Tortoise.apps["models"].values()]
    return {
        table
        for table in tables
        if any(names(user_id, row) for row in await harness.rows(f"SELECT * FROM {table}"))
    }


async def assert_erased(harness: ServiceHarness, ada: UserId, theirs: PostId) -> None:
    await harness.work_off(*AFTER_COMMIT)
    assert await tables_that_name(harness, ada) <= EXEMPT
    search = leftover_search(harness)
    assert await search.find_user("Ada") == ada
    assert not await search.find(ada)
    counters = CounterRepository(harness.database)
    for table in COUNTED_TABLES:
        assert [row for row in await counters.compare_batch(table, 0) if row.wrong] == []
    (post,) = await harness.rows("SELECT * FROM posts WHERE id = ?", theirs)
    assert (post["likes_count"], post["comments_count"]) == (OTHERS, 1)
    assert post["caption"] == "With @ada and @carl"
    assert "carl" in post["mentions"]
    assert await harness.rows("SELECT id FROM places") == []
    assert (await harness.posts.get(UserId(post["author_id"]), theirs)).card.images[0].tags == ()
    kept = {row["media_key"] for row in await harness.rows("SELECT media_key FROM post_images")}
    assert {entry.key.rpartition("/")[0] async for entry in harness.media.list("posts")} == kept
    assert [entry.key async for entry in harness.media.list("avatars")] == []
    assert [entry.key async for entry in harness.media.list("uploads")] == []
    assert [entry.key async for entry in harness.media.list("exports")] == []


async def test_nothing_is_left_of_an_erased_account(harness: ServiceHarness) -> None:
    ada, bob = await register(harness, "ada"), await harness.user("bob")
    theirs = await live(harness, ada, bob)
    await export(harness, ada)
    assert {column.table for column in USER_COLUMNS} <= await tables_that_name(harness, ada)
    found = await leftover_search(harness).find(ada)
    mentions = {"posts.mentions", "comments.mentions"}
    assert {f"{each.table}.{each.name}" for each in USER_COLUMNS} | mentions <= set(found.columns)
    assert f"feed:{ada}" in found.redis_keys
    await delete_account(harness, ada)
    with pytest.raises(Unauthenticated):
        await harness.password_authentication.authenticate("ada", PASSWORD)
    assert await harness.work_off(JobKind.ERASE_ACCOUNT) == 1
    await assert_erased(harness, ada, theirs)
    listed = (await harness.notifications.list_page(bob, PAGE)).items
    assert [each.others_count for each in listed if each.type is NotificationType.LIKE] == [OTHERS - 1]
    assert [post.id for post in (await harness.feed.page(bob, PAGE)).items] == [theirs]


async def test_erasure_survives_a_kill_after_each_batch(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await register(harness, "ada"), await harness.user("bob")
    theirs = await live(harness, ada, bob)
    await export(harness, ada)
    await delete_account(harness, ada)
    save = harness.jobs.save_progress

    class KilledError(Exception):
        pass

    async def save_and_die(claim: Claim, progress: Mapping[str, Any]) -> None:
        await save(claim, progress)
        raise KilledError

    (job_id,) = await harness.due(JobKind.ERASE_ACCOUNT)
    kills = 0
    with monkeypatch.context() as patched:
        patched.setattr(harness.jobs, "save_progress", save_and_die)
        while (claim := await harness.jobs.claim(job_id)) is not None:
            try:
                await harness.account_erasure.erase(claim)
            except KilledError:
                kills += 1
                await harness.jobs.return_to_queue([claim])
            assert kills < 100
    assert kills > 20
    await assert_erased(harness, ada, theirs)


async def test_job_of_an_erased_account_is_inserted_once(harness: ServiceHarness) -> None:
    ada = await register(harness, "ada")
    await delete_account(harness, ada)
    await start_due(harness)
    assert len(await harness.due(JobKind.ERASE_ACCOUNT)) == 1
    # A job that failed for good is inserted again later.
    await harness.database.execute("UPDATE users SET delete_after_ms = 1 WHERE id = ?", [ada])
    await start_due(harness)
    assert await harness.work_off(JobKind.ERASE_ACCOUNT) == 2
    assert await harness.value("SELECT COUNT(*) AS n FROM users") == 0
    assert await harness.value("SELECT COUNT(*) AS n FROM former_usernames") == 1


async def test_cancelled_deletion_is_not_carried_out(harness: ServiceHarness) -> None:
    ada = await register(harness, "ada")
    await harness.account_closures.delete(await harness.open_session(ada), Confirmation(PASSWORD))
    account = await harness.password_authentication.authenticate("ada", PASSWORD)
    await harness.sessions.create(account.id, account.password_changed_at_ms, "", "")
    await start_due(harness)
    assert await harness.due(JobKind.ERASE_ACCOUNT) == []
    assert (await harness.profiles.get_own(ada)).username == "ada"


async def test_suspended_account_is_erased_nevertheless(harness: ServiceHarness) -> None:
    ada = await register(harness, "ada")
    await harness.account_closures.delete(await harness.open_session(ada), Confirmation(PASSWORD))
    await harness.set_status(ada, AccountStatus.SUSPENDED)
    await harness.database.execute("UPDATE users SET delete_after_ms = 1 WHERE delete_after_ms > 1")
    await start_due(harness)
    assert await harness.work_off(JobKind.ERASE_ACCOUNT) == 1
    assert await harness.value("SELECT COUNT(*) AS n FROM users") == 0


async def test_name_of_an_erased_account_is_free_after_30_days(harness: ServiceHarness) -> None:
    await delete_account(harness, await register(harness, "ada"))
    await harness.work_off(JobKind.ERASE_ACCOUNT)
    with pytest.raises(Conflict):
        await register(harness, "ada")
    await harness.database.execute("UPDATE former_usernames SET reserved_until_ms = 1")
    await register(harness, "ada")


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
@pytest.mark.usefixtures("database")
async def test_every_column_that_names_a_user_is_erased() -> None:
    """A new column with a foreign key to users, or with the id of a user, has to be added to `USER_COLUMNS`."""
    models = Tortoise.apps["models"]
    found = {
        (model._meta.db_table, field.source_field or field.model_field_name)
        for model in models.values()
        for field in model._meta.fields_map.values()
        if getattr(field, "related_model", None) is models["UserTable"]
        or field.model_field_name in PLAIN_USER_IDS
    }
    assert (found - KEPT) | MIXED_IDS == {(column.table, column.name) for column in USER_COLUMNS}
