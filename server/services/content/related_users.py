"""Interface of reads of users by id, each with the viewer's relationship."""

from collections.abc import Sequence
from typing import Protocol

from server.ids import UserId
from server.services.records import RelatedUser


class RelatedUsers(Protocol):
    """Reads users as one viewer may see them."""

    async def list_visible(self, viewer_id: UserId, user_ids: Sequence[UserId]) -> list[RelatedUser]:
        """Return the users that the viewer may see, in the given order, with the relationship to each."""
        ...
