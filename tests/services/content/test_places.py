"""Places of posts: one per name and neighbourhood, seen and found by those who may see a post there."""

import asyncio

import pytest

from server.assembly.discovery import build_index_administration
from server.assembly.repositories import Repositories
from server.errors import InvalidInput, NotFound
from server.ids import PlaceId, PostId, UserId
from server.models.audience import Audience
from server.models.content.places import AREA, CELL, DEGREE, square_of, squares_around
from server.models.discovery.search_terms import SearchKind
from server.paging import PageRequest
from server.services.content.pictures import Upload
from server.services.content.places import NewPlace, PlaceChange, distance_m
from server.services.content.post_pictures import ChosenPicture
from server.services.jobs.event_jobs import JobKind
from server.services.records import AccountStatus, Place, Post, PostStatus
from tests.support.inputs import photos
from tools.harness.services import ServiceHarness

HARBOUR = NewPlace("Old Harbour", 53.5436, 9.9669)
INDEXING = (JobKind.INDEX_POST, JobKind.INDEX_USER)


@pytest.fixture
async def ana(harness: ServiceHarness) -> UserId:
    return await harness.user("ana")


async def publish(
    harness: ServiceHarness,
    author_id: UserId,
    place: NewPlace | PlaceId | None,
    audience: Audience = Audience.PUBLIC,
    caption: str = "",
) -> Post:
    left = await harness.unused_media.list_unused(author_id)  # by a post that was refused
    if left:
        chosen = ChosenPicture(left[0].id)
    else:
        photo = harness.folder / "photo"
        photo.write_bytes(photos.small())
        chosen = ChosenPicture((await harness.unused_media.add(author_id, Upload(photo))).id)
    post = await harness.posts.publish_chosen(author_id, caption, [chosen], audience=audience, place=place)
    await harness.work_off(*INDEXING)
    return post


async def move(harness: ServiceHarness, post: Post, place: NewPlace | PlaceId | None) -> Post:
    edited = await harness.posts.edit(post.author.id, post.id, None, None, place=PlaceChange(place))
    await harness.work_off(*INDEXING)
    return edited


def place_of(post: Post) -> Place:
    assert post.card.place is not None
    return post.card.place


async def found(harness: ServiceHarness, text: str) -> list[tuple[str, int]]:
    page = await harness.discovery.places.search(text, 20)
    return [(each.place.name, each.posts_count) for each in page.items]


async def posts_at(harness: ServiceHarness, viewer_id: UserId, place_id: PlaceId) -> list[PostId]:
    page = await harness.discovery.places.list_posts(viewer_id, place_id, PageRequest())
    return [post.id for post in page.items]


async def test_same_name_nearby_is_the_same_place(harness: ServiceHarness, ana: UserId) -> None:
    first = place_of(await publish(harness, ana, HARBOUR))
    assert (first.name, first.lat, first.lng) == (HARBOUR.name, HARBOUR.lat, HARBOUR.lng)
    for same in (
        NewPlace("OLD  harbour", 53.5436, 9.9669),
        NewPlace("Old Harbour", 53.5470, 9.9669),  # 380 m away, in the same cell
        NewPlace("Old Harbour", 53.5401, 9.9700),
    ):
        assert place_of(await publish(harness, ana, same)).id == first.id
    assert place_of(await publish(harness, ana, first.id)).id == first.id
    for other in (NewPlace("New Harbour", 53.5436, 9.9669), NewPlace("Old Harbour", 54.0, 9.9669)):
        assert place_of(await publish(harness, ana, other)).id != first.id
    assert await found(harness, "harbour") == [("Old Harbour", 5), ("New Harbour", 1), ("Old Harbour", 1)]


async def test_concurrent_posts_share_a_new_place(harness: ServiceHarness) -> None:
    people = await harness.users(4)
    posts = [await publish(harness, each, None) for each in people]
    change = PlaceChange(HARBOUR)
    posts = await asyncio.gather(
        *(harness.posts.edit(each.author.id, each.id, None, None, place=change) for each in posts)
    )
    await harness.work_off(*INDEXING)
    assert len({place_of(post).id for post in posts}) == 1
    assert await found(harness, "old h") == [("Old Harbour", 4)]


async def test_place_is_in_cards_and_can_be_edited(harness: ServiceHarness, ana: UserId) -> None:
    post = await publish(harness, ana, None)
    feeds = (harness.feed, harness.feed_on(harness.pipelined_redis))
    assert post.card.place is None
    for place in (HARBOUR, NewPlace("大阪城", 34.6873, 135.5262), None):
        edited = await move(harness, post, place)
        for feed in feeds:
            (shown,) = (await feed.page(ana, PageRequest())).items
            assert (shown.card.place and shown.card.place.name) == (place and place.name)
        assert edited.card.edited_at_ms is not None
    # A place without posts is deleted, with its name in the index.
    assert await harness.rows("SELECT id FROM places") == []
    assert await harness.rows("SELECT subject_id FROM search_entries WHERE kind = 4") == []
    assert await found(harness, "harbour") == []
    other = await harness.posts.edit(ana, post.id, "Unchanged place", None)
    assert other.card.place is None


async def test_place_without_visible_posts_is_hidden(harness: ServiceHarness, ana: UserId) -> None:
    ben = await harness.user("ben")
    places = harness.discovery.places
    post = await publish(harness, ana, NewPlace("Home of Ana", 10, 20), Audience.CLOSE_FRIENDS)
    home = place_of(post).id
    assert await found(harness, "home") == []
    assert await places.search_near("", 10, 20, 9) == []
    assert (await places.get(ana, home)).posts_count == 0
    assert await posts_at(harness, ana, home) == [post.id]
    for hidden in (home, PlaceId(404)):
        with pytest.raises(NotFound):
            await places.get(ben, hidden)
        with pytest.raises(NotFound):
            await posts_at(harness, ben, hidden)
        with pytest.raises(InvalidInput) as refused:
            await publish(harness, ben, hidden)
        assert refused.value.code == "unknown_place"
    await harness.posts.edit(ana, post.id, None, None, Audience.PUBLIC)
    await harness.work_off(*INDEXING)
    assert await found(harness, "home") == [("Home of Ana", 1)]
    assert await posts_at(harness, ben, home) == [post.id]


async def test_counts_follow_what_everyone_may_see(harness: ServiceHarness, ana: UserId) -> None:
    ben = await harness.user("ben")
    first, second = await publish(harness, ana, HARBOUR), await publish(harness, ben, HARBOUR, caption="#sea")
    place_id = place_of(first).id
    assert await found(harness, "harbour") == [("Old Harbour", 2)]
    await harness.profiles.edit(ana, {"is_private": True})
    await harness.work_off(*INDEXING)
    assert await found(harness, "harbour") == [("Old Harbour", 1)]
    assert await posts_at(harness, ben, place_id) == [second.id]
    assert await posts_at(harness, ana, place_id) == [second.id, first.id]
    await harness.profiles.edit(ana, {"is_private": False})
    await harness.set_status(ben, AccountStatus.SUSPENDED)
    await harness.work_off(*INDEXING)
    assert await found(harness, "harbour") == [("Old Harbour", 1)]
    assert await posts_at(harness, ana, place_id) == [first.id]
    await harness.posts.edit(ana, first.id, None, None, status=PostStatus.ARCHIVED)
    await harness.work_off(*INDEXING)
    assert await found(harness, "harbour") == await posts_at(harness, ana, place_id) == []
    await harness.posts.edit(ana, first.id, None, None, status=PostStatus.PUBLISHED)
    await harness.work_off(*INDEXING)
    assert await found(harness, "harbour") == [("Old Harbour", 1)]
    await harness.posts.delete(ana, first.id)
    await harness.work_off(*INDEXING)
    assert await found(harness, "harbour") == []
    with pytest.raises(NotFound):
        await harness.discovery.places.get(ana, place_id)


@pytest.mark.parametrize("rows_first", [True, False])
async def test_nothing_is_left_of_a_place_without_posts(
    harness: ServiceHarness, ana: UserId, rows_first: bool
) -> None:
    post = await publish(harness, ana, HARBOUR)
    await harness.posts.delete(ana, post.id)
    order = (JobKind.REMOVE_POST, JobKind.INDEX_POST)
    for kind in order if rows_first else reversed(order):
        await harness.work_off(kind)
    assert await harness.rows("SELECT id FROM places") == []
    assert await harness.rows("SELECT post_id FROM place_posts") == []
    assert await harness.rows("SELECT subject_id FROM search_entries WHERE kind = 4") == []


async def test_near_places_come_first(harness: ServiceHarness, ana: UserId) -> None:
    for name, lat, lng in (
        ("Cafe Luna", 0.05, 179.99), ("Cafe Sol", 0.05, -179.99), ("Cafe Far", 40.0, 3.0), ("Pier", 0.05, 179.98),
    ):  # fmt: skip
        await publish(harness, ana, NewPlace(name, lat, lng))
    for _ in range(3):
        await publish(harness, ana, NewPlace("Cafe Far", 40.0, 3.0))
    assert (await found(harness, "cafe"))[0] == ("Cafe Far", 4)
    places = harness.discovery.places
    near = await places.search_near("cafe", 0.05, -179.995, 9)
    assert [each.place.name for each in near] == ["Cafe Sol", "Cafe Luna", "Cafe Far"]
    assert [each.place.name for each in await places.search_near("", 0.05, 179.98, 2)] == [
        "Pier",
        "Cafe Luna",
    ]
    assert [each.place.name for each in await places.search_near("cafe", 0.05, 179.98, 1)] == ["Cafe Luna"]
    assert await places.search_near("★", 0.05, 179.98, 9) == []


async def test_pages_of_a_search_have_each_place_once(harness: ServiceHarness, ana: UserId) -> None:
    for number in range(5):
        await publish(harness, ana, NewPlace(f"Bright Lake {number}", number, number))
    names: list[str] = []
    cursor: str | None = None
    while True:
        page = await harness.discovery.places.search("lake", 2, cursor)
        names += [each.place.name for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(names) == [f"Bright Lake {number}" for number in range(5)]
    assert await found(harness, "right") == await found(harness, "lake")


def test_squares_cover_the_globe() -> None:
    for side in (CELL, AREA):
        for lat, lng in ((-90, -180), (90, 180), (0, 179.9999), (0, -180), (89.99, 0)):
            lat_e6, lng_e6 = round(lat * DEGREE), round(lng * DEGREE)
            square = square_of(lat_e6, lng_e6, side)
            assert 0 <= square < 2**31
            assert square in squares_around(lat_e6, lng_e6, side)
        assert square_of(0, 180 * DEGREE, side) == square_of(0, -180 * DEGREE, side)
    one, other = Place(PlaceId(1), "", 52.52, 13.405), Place(PlaceId(2), "", 48.8566, 2.3522)
    assert 870_000 < distance_m(one, other) < 885_000


async def test_doctor_finds_and_repairs_places(harness: ServiceHarness, ana: UserId) -> None:
    first, _ = await publish(harness, ana, HARBOUR), await publish(harness, ana, NewPlace("Pier", 1, 2))
    rows = Repositories(harness.database)
    administration = build_index_administration(rows, harness.unit_of_work)

    async def differences(*, fix: bool = False) -> set[tuple[SearchKind, str]]:
        steps = [step async for step in administration.check.run(fix=fix)]
        return {(each.kind, each.problem) for step in steps for each in step.differences}

    await differences(fix=True)  # users of the harness are not indexed
    assert await differences() == set()
    await harness.database.execute("DELETE FROM place_posts WHERE post_id = ?", [first.id])
    await harness.database.execute("UPDATE places SET posts_count = 0 WHERE id = ?", [place_of(first).id])
    await harness.database.execute("DELETE FROM search_entries WHERE kind = 4 AND text = 'pier'")
    assert await differences(fix=True) >= {
        (SearchKind.POST, "place"),
        (SearchKind.PLACE, "superfluous"),
        (SearchKind.PLACE, "missing"),
    }
    assert await differences() == set()
    assert sorted(await found(harness, "harbour") + await found(harness, "pier")) == [
        ("Old Harbour", 1), ("Pier", 1),
    ]  # fmt: skip
    async for _ in administration.rebuild.rebuild():
        pass
    assert await differences() == set()
    assert await found(harness, "pier") == [("Pier", 1)]
