"""Recent searches: kept once each, newest first, and cleared."""

from server.paging import PageRequest
from server.services.discovery.recent_searches import MAX_KEPT
from tools.harness.services import ServiceHarness


async def test_text_is_kept_once_and_moves_to_the_top(harness: ServiceHarness) -> None:
    recent = harness.discovery.recent
    ada, bob = await harness.users(2)
    for text in ("sunset", "ana", "Ana", "sunset"):
        await recent.keep(ada, text)
    await recent.keep(bob, "secret")
    page = await recent.list_page(ada, PageRequest())
    assert [each.text for each in page.items] == ["sunset", "Ana", "ana"]
    await recent.remove(bob, page.items[0].id)  # not theirs
    await recent.remove(ada, page.items[1].id)
    await recent.remove(ada, page.items[1].id)
    first = await recent.list_page(ada, PageRequest(1))
    second = await recent.list_page(ada, PageRequest(1, first.items[0].id))
    assert [each.text for each in (*first.items, *second.items)] == ["sunset", "ana"]
    assert second.next_cursor is None
    await recent.clear(ada)
    assert (await recent.list_page(ada, PageRequest())).items == []
    assert [each.text for each in (await recent.list_page(bob, PageRequest())).items] == ["secret"]


async def test_old_searches_are_dropped(harness: ServiceHarness) -> None:
    ada = await harness.user("ada")
    for n in range(MAX_KEPT + 3):
        await harness.discovery.recent.keep(ada, f"search {n}")
    page = await harness.discovery.recent.list_page(ada, PageRequest(100))
    assert [each.text for each in page.items] == [f"search {n}" for n in range(MAX_KEPT + 2, 2, -1)]
