"""Pictures of posts that moderators took down: uploads of them are refused."""

from server.errors import InvalidInput
from server.ids import ActionId, PostId
from server.models.content.post_images import PostImageRepository
from server.models.moderation.refused_pictures import BANDS, RefusedPictureRepository
from server.services.jobs.unit_of_work import WorkContext


class RefusedPictures:
    def __init__(self, refused: RefusedPictureRepository, images: PostImageRepository) -> None:
        self._refused = refused
        self._images = images

    async def require_allowed(self, picture_hash: str | None) -> None:
        """Raise InvalidInput for a picture that is similar to a refused one; one without a hash is like no other."""
        if picture_hash is not None and await self._refused.has_similar(picture_hash):
            raise InvalidInput("This image is not allowed. Choose another one.", code="picture_refused")

    async def refuse_pictures_of(self, post_id: PostId, action_id: ActionId, work: WorkContext) -> int:
        """Refuse the pictures of a post from the commit on, until the action is undone. Return how many have a hash."""
        hashes = await self._images.list_hashes(post_id)
        for each in hashes:
            await self._refused.insert([work.new_id() for _ in range(BANDS)], action_id, each)
        return len(hashes)

    async def allow_again(self, action_id: ActionId) -> None:
        """Allow what an action refuses, unless another action refuses it as well."""
        await self._refused.delete(action_id)
