"""The epoch of the database, as this process knows it.

Everything that is cached outside the database belongs to one epoch. A new epoch begins when the database is restored,
or when a failover lost its newest transactions; what was cached before is then ignored.
"""

from collections.abc import Callable


class DatabaseEpoch:
    """The current epoch, empty before it is read from the database."""

    def __init__(self, value: str = "") -> None:
        self._value = value
        self._listeners: list[Callable[[], None]] = []

    @property
    def value(self) -> str:
        return self._value

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever one epoch is replaced by another."""
        self._listeners.append(listener)

    def set(self, value: str) -> bool:
        """Set the current epoch; return whether it replaced another one."""
        replaced = self._value not in ("", value)
        self._value = value
        if replaced:
            for listener in self._listeners:
                listener()
        return replaced
