"""Creates the sample saves, and collections of them named after scenes."""

from collections.abc import Iterator
from functools import partial

from seeds.activities import Activity
from seeds.existing_rows import ExistingRows
from seeds.timeline import SampleSave, Timeline
from server.control import SeedContext
from server.ids import CollectionId, UserId
from server.paging import MAX_LIMIT, PageRequest

STEP = "saves"


def missing(timeline: Timeline, existing: ExistingRows) -> Iterator[Activity]:
    """Yield an activity per missing save."""
    for save in timeline.saves:
        user, post_id = existing.users.get(save.username), existing.posts.get(save.post.key)
        if user is None or post_id is None or (user.id, post_id) not in existing.saves:
            yield Activity(save.at, STEP, partial(_save, save))


async def _save(save: SampleSave, context: SeedContext, existing: ExistingRows) -> None:
    user_id, post_id = existing.user_id(save.username), existing.post_id(save.post)
    if save.collection is None:
        await context.services.saves.save(user_id, post_id)
    else:
        collection_id = await _collection(context, user_id, save.collection)
        await context.services.collections.add_post(user_id, collection_id, post_id)


async def _collection(context: SeedContext, user_id: UserId, name: str) -> CollectionId:
    """Return the user's collection with this name, which is created with its first post."""
    collections = context.services.collections
    found = (await collections.list_page(user_id, PageRequest(MAX_LIMIT))).items
    ids = {each.name: each.id for each in found}
    return ids[name] if name in ids else (await collections.create(user_id, name)).id
