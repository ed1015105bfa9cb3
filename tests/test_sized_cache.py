"""Tests of the cache that is bounded by bytes."""

from server.sized_cache import SizedCache


def test_oldest_entries_leave_a_full_cache() -> None:
    cache: SizedCache[str, int] = SizedCache(100)
    cache.put("a", 1, 40)
    cache.put("b", 2, 40)
    cache.put("c", 3, 60)
    assert [cache.get(key) for key in "abc"] == [None, 2, 3]
    assert (len(cache), cache.size_bytes) == (2, 100)


def test_replaced_entry_is_counted_once() -> None:
    cache: SizedCache[str, int] = SizedCache(100)
    cache.put("a", 1, 90)
    cache.put("a", 2, 30)
    cache.put("b", 3, 70)
    assert (cache.get("a"), cache.get("b"), cache.size_bytes) == (2, 3, 100)


def test_entry_above_the_bound_is_not_stored() -> None:
    cache: SizedCache[str, int] = SizedCache(100)
    cache.put("a", 1, 50)
    cache.put("b", 2, 101)
    assert (cache.get("a"), cache.get("b"), cache.size_bytes) == (1, None, 50)
    cache.put("a", 3, 101)  # in place of the smaller one
    assert (cache.get("a"), cache.size_bytes) == (None, 0)


def test_cleared_cache_is_empty() -> None:
    cache: SizedCache[str, int] = SizedCache(100)
    cache.put("a", 1, 50)
    cache.clear()
    assert (cache.get("a"), len(cache), cache.size_bytes) == (None, 0, 0)
