"""Profiles: what users show about themselves, and what they may edit."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from server.batching import BatchingQueue
from server.errors import AppError, Conflict
from server.events import AccountOpened, AvatarReplaced, CacheKey, PersonChanged
from server.gateways.images.processor import Shape
from server.ids import UserId
from server.models.accounts.former_usernames import FormerUsernameRepository
from server.models.conditions import Column
from server.models.database import DuplicateKey
from server.models.people.profiles import LockedProfile, ProfileRepository, ProfileRow, SeenProfile
from server.models.people.relationships import RelationshipRow
from server.models.people.visibility import unblocked_users
from server.services.accounts.reserved_usernames import check_not_reserved
from server.services.accounts.usernames import FORMER_USERNAME_MS, normalize
from server.services.content.cards import Cards, to_relationship
from server.services.content.pictures import Pictures
from server.services.content.share_links import ShareLinks
from server.services.filters.text_filters import TextFilters
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.people.user_lookup import UserLookup, user_not_found
from server.services.records import OwnAddress, Profile, RelatedUser, Relationship, Role, SearchEngines

# The fields of a profile that filters apply to, by column.
TEXTS = {"full_name": "fullName", "bio": "bio", "website": "website", "username": "username"}
PAIRS_PER_QUERY = 50
EDITABLE = frozenset({"full_name", "bio", "website", "username", "is_private", "search_engines"})


class Profiles:
    def __init__(
        self,
        profiles: ProfileRepository,
        lookup: UserLookup,
        unit_of_work: UnitOfWork,
        cards: Cards,
        pictures: Pictures,
        former_usernames: FormerUsernameRepository,
        filters: TextFilters,
        share_links: ShareLinks,
    ) -> None:
        self._profiles = profiles
        self._lookup = lookup
        self._unit_of_work = unit_of_work
        self._cards = cards
        self._pictures = pictures
        self._former_usernames = former_usernames
        self._filters = filters
        self._share_links = share_links
        self._rows: BatchingQueue[UserId, ProfileRow | None] = BatchingQueue(self._read_rows)
        self._seen: BatchingQueue[tuple[UserId, UserId], SeenProfile | None] = BatchingQueue(
            self._read_seen, PAIRS_PER_QUERY
        )

    async def get_own(self, user_id: UserId) -> Profile:
        """Return the user's own profile, with the e-mail address and the role. Raises NotFound."""
        user = await self._get(user_id)
        address = OwnAddress(
            email=user.email or user.pending_email,
            verified=bool(user.email),
            pending=user.pending_email if user.email and user.pending_email else None,
        )
        return self._profile(user, address, Role(user.role))

    async def get(self, viewer_id: UserId, user: UserId | str) -> Profile:
        """Return what a profile shows to others, by id or username, and how the viewer relates to it.

        Raises NotFound, also for a user who has blocked the viewer.
        """
        user_id = await self._lookup.resolve(viewer_id, user) if isinstance(user, str) else user
        found = await self._seen.submit((viewer_id, user_id))
        if found is None:
            raise user_not_found()
        shown = found.profile if user_id == viewer_id else _shown_to(found.relationship, found.profile)
        return self._profile(shown, relationship=to_relationship(found.relationship))

    async def list_users(self, viewer_id: UserId, user_ids: Sequence[UserId]) -> list[RelatedUser]:
        """Return the users among the ids whose profiles the viewer may get, in the given order."""
        visible = unblocked_users(viewer_id, Column("u.id"))
        return await self._cards.list_related(viewer_id, list(dict.fromkeys(user_ids)), visible)

    async def edit(self, user_id: UserId, changes: Mapping[str, str | bool]) -> Profile:
        """Change any of EDITABLE; `changes` may be empty.

        Raises Conflict (`username_taken`), InvalidInput (`username_reserved`) and NotFound.
        """
        columns = {name: value for name, value in changes.items() if name in EDITABLE}
        if "username" in columns:
            columns["username_key"] = normalize(str(columns["username"]))
        if columns:
            try:
                await self._unit_of_work.run(
                    partial(self._edit, user_id, columns), changes=(CacheKey("person", user_id),)
                )
            except DuplicateKey as error:
                raise _username_taken() from error
        return await self.get_own(user_id)

    async def change_avatar(self, user_id: UserId, upload: Path) -> Profile:
        """Replace the avatar; a job deletes the previous one.

        Raises NotFound, and what `Pictures.store` raises. The sweep removes a picture without a row.
        """
        try:
            picture = await self._pictures.store(upload, user_id, Shape.AVATAR)
        except AppError as error:
            error.fields.setdefault("avatar", [error.detail])
            raise

        async def change(work: WorkContext) -> None:
            await self._pictures.require_allowed(picture.as_media())
            await self._set_avatar(user_id, picture.media_key, work)

        await self._unit_of_work.run(change, changes=(CacheKey("person", user_id),))
        return await self.get_own(user_id)

    async def remove_avatar(self, user_id: UserId) -> Profile:
        """Remove the avatar, if there is one; a job deletes its files. Raises NotFound."""
        await self._unit_of_work.run(
            partial(self._set_avatar, user_id, ""), changes=(CacheKey("person", user_id),)
        )
        return await self.get_own(user_id)

    async def _edit(self, user_id: UserId, columns: Mapping[str, str | bool], work: WorkContext) -> None:
        previous = await self._lock(user_id)
        revision = previous.revision + 1
        texts = {field: str(columns.get(column, "")) for column, field in TEXTS.items()}
        await self._filters.apply(work, ("user", user_id), user_id, texts)
        await self._profiles.update(user_id, columns, revision)
        if columns.get("username_key", previous.username_key) != previous.username_key:
            await self._give_up(previous.username_key, str(columns["username_key"]), user_id, work)
        work.emit(PersonChanged(user_id, revision))
        if previous.is_private and columns.get("is_private") is False:
            work.emit(AccountOpened(user_id))

    async def _give_up(self, previous_key: str, key: str, user_id: UserId, work: WorkContext) -> None:
        """Reserve the previous name of a user who was renamed.

        Raises InvalidInput if no user may take the new one, and Conflict if only its former owner may.

        Call it after the update, which waits for a transaction that gives up the new name.
        """
        check_not_reserved(key)
        if await self._former_usernames.find_owner(key) not in (None, user_id):
            raise _username_taken()
        await self._former_usernames.release(key)
        await self._former_usernames.reserve(work.new_id(), previous_key, user_id, FORMER_USERNAME_MS)

    async def _set_avatar(self, user_id: UserId, media_key: str, work: WorkContext) -> None:
        previous = await self._lock(user_id)
        if previous.avatar_key == media_key:  # removed already
            return
        revision = previous.revision + 1
        await self._profiles.update(user_id, {"avatar_key": media_key}, revision)
        work.emit(PersonChanged(user_id, revision))
        if previous.avatar_key:
            work.emit(AvatarReplaced(user_id, previous.avatar_key))

    async def _get(self, user_id: UserId) -> ProfileRow:
        row = await self._rows.submit(user_id)
        if row is None:
            raise user_not_found()
        return row

    async def _read_rows(self, user_ids: Sequence[UserId]) -> list[ProfileRow | None]:
        found = await self._profiles.list_by_ids(list(set(user_ids)))
        return [found.get(user_id) for user_id in user_ids]

    async def _read_seen(self, pairs: Sequence[tuple[UserId, UserId]]) -> list[SeenProfile | None]:
        found = await self._profiles.list_seen(list(set(pairs)))
        return [found.get(pair) for pair in pairs]

    async def _lock(self, user_id: UserId) -> LockedProfile:
        """Lock the user until the commit. Raises NotFound."""
        row = await self._profiles.lock(user_id)
        if row is None:
            raise user_not_found()
        return row

    def _profile(
        self,
        row: ProfileRow,
        address: OwnAddress | None = None,
        role: Role | None = None,
        relationship: Relationship | None = None,
    ) -> Profile:
        return Profile(
            id=row.id,
            username=row.username,
            address=address,
            full_name=row.full_name,
            bio=row.bio,
            website=row.website,
            avatar_url=self._cards.avatar_url(row.avatar_key),
            role=role,
            is_celebrity=row.role == Role.CELEBRITY,
            posts_count=row.posts_count,
            followers_count=row.followers_count,
            following_count=row.following_count,
            created_at_ms=row.created_at_ms,
            is_private=row.is_private,
            search_engines=SearchEngines(row.search_engines),
            share_url=self._share_links.profile(row.username, is_private=row.is_private),
            relationship=relationship,
        )


def _shown_to(viewer: RelationshipRow, row: ProfileRow) -> ProfileRow:
    """Return the profile without posts for an audience that the viewer does not belong to in the counter."""
    hidden = 0 if viewer.following else row.follower_posts_count
    hidden += 0 if viewer.close_friend_of else row.close_friend_posts_count
    return replace(row, posts_count=row.posts_count - hidden)


def _username_taken() -> Conflict:
    detail = "This username is taken."
    return Conflict(detail, code="username_taken", fields={"username": [detail]})
