"""Profiles: what a person shows of themselves, and what they may change."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from server.errors import AppError, Conflict
from server.events import AvatarReplaced, CacheKey, EmailChanged, PersonChanged
from server.gateways.images.processor import Shape
from server.ids import UserId
from server.models.accounts.password_resets import PasswordResetTable
from server.models.accounts.users import UserTable
from server.models.database import Database, DuplicateKey
from server.services.accounts.usernames import normalize
from server.services.content.cards import Cards
from server.services.content.pictures import Pictures
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.people.user_lookup import resolve_user_id, user_not_found
from server.services.records import Profile, Role

EDITABLE = frozenset({"full_name", "bio", "website", "username", "email"})
FOLDER = "avatars"


class Profiles:
    def __init__(
        self, database: Database, unit_of_work: UnitOfWork, cards: Cards, pictures: Pictures
    ) -> None:
        self._database = database
        self._unit_of_work = unit_of_work
        self._cards = cards
        self._pictures = pictures

    async def own(self, user_id: UserId) -> Profile:
        """The person's own profile, with the e-mail. Raises NotFound."""
        user = await UserTable.filter(id=user_id).first()
        if user is None:
            raise user_not_found()
        return self._profile(user, email=user.email)

    async def of(self, viewer_id: UserId, user: UserId | str) -> Profile:
        """Somebody's public profile, by id or by user name, with how the two stand to each other. Raises NotFound."""
        row = await UserTable.filter(id=await resolve_user_id(self._database, user)).first()
        if row is None:
            raise user_not_found()
        related = await self._database.rows(
            "SELECT follower_id FROM follows WHERE (follower_id = ? AND followee_id = ?)"
            " OR (follower_id = ? AND followee_id = ?)",
            [viewer_id, row.id, row.id, viewer_id],
        )
        followers = {relation["follower_id"] for relation in related}
        return self._profile(row, is_following=viewer_id in followers, follows_you=row.id in followers)

    async def edit(self, user_id: UserId, changes: dict[str, str]) -> Profile:
        """Change any of EDITABLE; no changes are fine. Who had the e-mail address before is told of another one.

        Raises Conflict (`username_taken`, `email_taken`), NotFound.
        """
        columns: dict[str, Any] = {name: value for name, value in changes.items() if name in EDITABLE}
        if "username" in columns:
            columns["username_key"] = normalize(columns["username"])
        if "email" in columns:
            columns["email_key"] = normalize(columns["email"])

        async def body(work: WorkContext) -> None:
            before = await self._lock(user_id)
            revision = before["revision"] + 1
            await UserTable.filter(id=user_id).update(**columns, revision=revision)
            work.emit(PersonChanged(user_id, revision))
            if "email" in columns:  # what was mailed to the address before opens nothing any more
                await PasswordResetTable.filter(user_id=user_id).delete()
                if columns["email"] != before["email"]:
                    work.emit(EmailChanged(user_id, before["email"], columns["email"]))

        if columns:
            try:
                await self._unit_of_work.run(body, changes=(CacheKey("person", user_id),))
            except DuplicateKey as error:
                # MySQL's message quotes the value before the key, and a value may read like a key.
                key = str(error).rpartition(" for key ")[2]
                taken = "email" if "email_key" in key else "username"
                detail = (
                    "This user name is taken." if taken == "username" else "Another account has this e-mail."
                )
                raise Conflict(detail, code=f"{taken}_taken", fields={taken: [detail]}) from error
        return await self.own(user_id)

    async def change_avatar(self, user_id: UserId, upload: Path) -> Profile:
        """Show another picture of oneself; the one before is deleted by a job.

        Raises NotFound, and what `Pictures.store` raises. A picture without a row is the sweep's.
        """
        try:
            picture = await self._pictures.store(upload, FOLDER, Shape.AVATAR)
        except AppError as error:
            error.fields.setdefault("avatar", [error.detail])
            raise

        async def body(work: WorkContext) -> None:
            user = await self._lock(user_id)
            revision = user["revision"] + 1
            await UserTable.filter(id=user_id).update(avatar_key=picture.media_key, revision=revision)
            work.emit(PersonChanged(user_id, revision))
            if user["avatar_key"]:
                work.emit(AvatarReplaced(user_id, user["avatar_key"]))

        await self._unit_of_work.run(body, changes=(CacheKey("person", user_id),))
        return await self.own(user_id)

    async def _lock(self, user_id: UserId) -> Mapping[str, Any]:
        """Somebody's row is ours until the commit. Raises NotFound."""
        rows = await self._database.rows(
            f"SELECT revision, avatar_key, email FROM users WHERE id = ?{self._database.for_update}",
            [user_id],
        )
        if not rows:
            raise user_not_found()
        return rows[0]

    def _profile(self, user: UserTable, email: str | None = None, **relations: bool) -> Profile:
        return Profile(
            id=UserId(user.id),
            username=user.username,
            email=email,
            full_name=user.full_name,
            bio=user.bio,
            website=user.website,
            avatar_url=self._cards.avatar_url(user.avatar_key),
            role=Role(user.role),
            posts_count=user.posts_count,
            followers_count=user.followers_count,
            following_count=user.following_count,
            created_at_ms=user.created_at_ms,
            **relations,
        )
