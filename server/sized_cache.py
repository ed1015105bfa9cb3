"""Cache in memory that is bounded by bytes, for values of different sizes."""

from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SizedCache(Generic[Key, Value]):
    """Cache of the newest entries whose sizes add up to at most `max_bytes`.

    FIFO rather than LRU: a hot entry that is evicted is added again immediately. Callers estimate the sizes.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: dict[Key, tuple[Value, int]] = {}
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Value | None:
        entry = self._entries.get(key)
        return None if entry is None else entry[0]

    def put(self, key: Key, value: Value, size_bytes: int) -> None:
        """Store an entry, unless it is larger than the cache."""
        replaced = self._entries.pop(key, None)
        if replaced is not None:
            self.size_bytes -= replaced[1]
        if size_bytes > self._max_bytes:
            return
        self._entries[key] = value, size_bytes
        self.size_bytes += size_bytes
        while self.size_bytes > self._max_bytes:
            oldest = next(iter(self._entries))
            self.size_bytes -= self._entries.pop(oldest)[1]

    def clear(self) -> None:
        self._entries.clear()
        self.size_bytes = 0
