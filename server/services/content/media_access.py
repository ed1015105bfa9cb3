"""Access to stored pictures: plain addresses of what everybody may see, and signed ones for one viewer."""

from collections.abc import Mapping

from server.errors import NotFound
from server.models.content.media_keys import MediaKeyRepository
from server.services.content.media_addresses import MediaAddresses
from server.services.content.pictures import is_private, is_public_folder
from server.services.content.visibility import Visibility


class MediaAccess:
    """Decides from the database for each request, so that a change takes effect on the next request."""

    def __init__(
        self, media_keys: MediaKeyRepository, visibility: Visibility, addresses: MediaAddresses
    ) -> None:
        self._media_keys = media_keys
        self._visibility = visibility
        self._addresses = addresses

    async def check(self, key: str, query: Mapping[str, str]) -> int | None:
        """Return when the address expires, in seconds of Unix time; None for one that everybody may use.

        Raises NotFound if this address does not lead to the picture, and Forbidden if it has expired.
        """
        if is_private(key):
            raise _missing()
        if is_public_folder(key):
            return None
        media_key = key.rpartition("/")[0]
        signed = self._addresses.verify(media_key, query)
        if signed is None:
            if not await self._media_keys.is_shown(media_key, self._visibility.public_posts()):
                raise _missing()
            return None
        visible = self._visibility.posts(signed.viewer_id)
        if not await self._media_keys.is_visible(media_key, signed.viewer_id, visible):
            raise _missing()
        return signed.expires_at_s


def _missing() -> NotFound:
    return NotFound("Image not found.")
