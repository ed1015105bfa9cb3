"""Imports of archives that were checked: posts under their original dates, and empty parts of the profile."""

import asyncio
import hashlib
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.errors import InvalidInput, StorageFull, TooLarge, Unavailable
from server.gateways.images.processor import Shape
from server.ids import PostId, UserId, past_ids
from server.models.portability.import_items import ImportItemRepository
from server.services.content.imported_posts import ImportedPosts, PostFromElsewhere
from server.services.content.pictures import Pictures, StoredPicture
from server.services.content.post_pictures import PostPicture
from server.services.jobs.unit_of_work import WorkContext
from server.services.people.profiles import Profiles
from server.services.portability.archive_reader import ArchiveReader, BadEntry
from server.services.portability.imported_account import ArchivedAccount, ArchivedPicture, ArchivedPost
from server.user_text import FORBIDDEN, clean_line, clean_lines
from server.websites import normalize_website

MAX_FULL_NAME, MAX_BIO, MAX_WEBSITE = 100, 500, 200


@dataclass(frozen=True, slots=True)
class PlannedPost:
    """A post with the digest of its source, and the id that it gets unless another row has it."""

    post: ArchivedPost
    digest: str
    first_id: PostId


class Imports:
    """`work_dir` holds one picture at a time."""

    def __init__(
        self,
        items: ImportItemRepository,
        posts: ImportedPosts,
        profiles: Profiles,
        pictures: Pictures,
        work_dir: Path,
    ) -> None:
        self._items = items
        self._posts = posts
        self._profiles = profiles
        self._pictures = pictures
        self._work_dir = work_dir

    async def plan(self, user_id: UserId, account: ArchivedAccount) -> list[PlannedPost]:
        """Return the posts that were not imported before, oldest first."""
        known = await self._items.list_sources(user_id)
        return [planned for planned in _planned(user_id, account.posts) if planned.digest not in known]

    async def import_posts(
        self,
        user_id: UserId,
        archive: ArchiveReader,
        account: ArchivedAccount,
        planned: Sequence[PlannedPost],
        on_post: Callable[[], None],
    ) -> int:
        """Publish posts, and return how many. Pictures that cannot be processed are added to `account.skipped`.

        Each post is one transaction, with the record of its source: after an interruption, `plan` returns the rest.
        Raises StorageFull and Unavailable.
        """
        imported = 0
        for each in planned:
            imported += await self._import_post(user_id, archive, account, each)
            on_post()
        return imported

    async def import_profile(
        self, user_id: UserId, archive: ArchiveReader, account: ArchivedAccount
    ) -> list[str]:
        """Fill the members of the profile that are empty. Return their names."""
        own = await self._profiles.get_own(user_id)
        candidates = {
            "full_name": (own.full_name, clean_line(_allowed(account.full_name)), MAX_FULL_NAME),
            "bio": (own.bio, clean_lines(_allowed(account.bio)), MAX_BIO),
            "website": (own.website, _website(account.website), MAX_WEBSITE),
        }
        changes: dict[str, str | bool] = {}
        for name, (current, text, limit) in candidates.items():
            if current or not text:
                continue
            if len(text) > limit:
                account.skip(f"profile, {name}", f"it has more than {limit} characters")
            else:
                changes[name] = text
        if changes:
            await self._profiles.edit(user_id, changes)
        done = list(changes)
        if account.avatar and own.avatar_url is None and await self._import_avatar(user_id, archive, account):
            done.append("avatar")
        return done

    async def _import_avatar(self, user_id: UserId, archive: ArchiveReader, account: ArchivedAccount) -> bool:
        async def store(path: Path) -> None:
            await self._profiles.change_avatar(user_id, path)

        return await self._with_file(archive, account, "avatar", account.avatar, store)

    async def _import_post(
        self, user_id: UserId, archive: ArchiveReader, account: ArchivedAccount, planned: PlannedPost
    ) -> bool:
        stored: list[StoredPicture] = []
        pictures: list[PostPicture] = []
        try:
            for picture in planned.post.pictures:
                await self._store(user_id, archive, account, planned.post, picture, stored, pictures)
            if not pictures:
                account.skip(planned.post.label, "it has no picture that can be imported")
                return False
            post_id = await self._publish(user_id, planned, pictures)
        except Unavailable:  # the rows may be committed; the sweep deletes pictures without a row
            raise
        except BaseException:
            await self._pictures.discard(stored)
            raise
        if post_id is None:
            await self._pictures.discard(stored)
        return post_id is not None

    async def _publish(
        self, user_id: UserId, planned: PlannedPost, pictures: Sequence[PostPicture]
    ) -> PostId | None:
        async def record(work: WorkContext, post_id: PostId) -> bool:
            if await self._items.exists(user_id, planned.digest):
                return False
            await self._items.insert(work.new_id(), user_id, planned.digest, post_id)
            return True

        post = planned.post
        elsewhere = PostFromElsewhere(planned.first_id, post.at_ms, post.caption, post.audience, pictures)
        return await self._posts.publish(user_id, elsewhere, record)

    async def _store(
        self,
        user_id: UserId,
        archive: ArchiveReader,
        account: ArchivedAccount,
        post: ArchivedPost,
        picture: ArchivedPicture,
        stored: list[StoredPicture],
        pictures: list[PostPicture],
    ) -> None:
        """Process a picture, and add it to both lists, or to `account.skipped`."""

        async def store(path: Path) -> None:
            stored.append(await self._pictures.store(path, user_id, Shape.PHOTO))

        if await self._with_file(archive, account, f"{post.label}, {picture.entry}", picture.entry, store):
            pictures.append(PostPicture(stored[-1].as_media(), picture.alt_text))

    async def _with_file(
        self,
        archive: ArchiveReader,
        account: ArchivedAccount,
        label: str,
        entry: str,
        store: Callable[[Path], Awaitable[None]],
    ) -> bool:
        """Call `store` with a copy of a picture. Return False after adding it to `account.skipped`."""
        with tempfile.TemporaryDirectory(dir=self._work_dir) as folder:
            path = Path(folder, "picture")
            try:
                await asyncio.to_thread(archive.copy, entry, path)
                await store(path)
            except BadEntry:
                account.skip(label, "it is damaged")
            except (InvalidInput, TooLarge) as error:
                account.skip(label, error.detail)
            except OSError as error:
                raise StorageFull(
                    f"The picture cannot be copied to {self._work_dir}: {error.strerror}."
                ) from error
            else:
                return True
        return False


def _planned(user_id: UserId, posts: Sequence[ArchivedPost]) -> Iterator[PlannedPost]:
    """Yield the posts with their ids, in the order of their dates, the same at each call.

    The id is chosen by a digest among those of its time, so that imports of several users hardly meet.
    """
    last_id = 0
    for post in sorted(posts, key=lambda post: post.at_ms):
        digest = hashlib.sha256(f"{user_id}:{post.source}".encode(errors="replace")).hexdigest()
        ids = past_ids(post.at_ms)
        last_id = max(last_id + 1, ids[int(digest[:8], 16) % len(ids)])
        yield PlannedPost(post, digest, PostId(last_id))


def _allowed(text: str) -> str:
    return FORBIDDEN.sub("", text)


def _website(text: str) -> str:
    """Return the normalized address, or an empty text for one that is none."""
    try:
        return normalize_website(text.strip()) if text.strip() else ""
    except ValueError:
        return ""
