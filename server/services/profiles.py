"""Profiles: what a person shows of themselves, and what they may change."""

from typing import Any

from server.errors import Conflict, NotFound
from server.events import PersonChanged
from server.gateways.touches import Subject
from server.ids import UserId
from server.models.database import Database, DuplicateKey
from server.models.users import User
from server.services.cards import Cards
from server.services.markup import normalised
from server.services.records import Profile, Role
from server.services.unit_of_work import UnitOfWork, Work

EDITABLE = frozenset({"full_name", "bio", "website", "username", "email"})


class Profiles:
    def __init__(self, database: Database, unit_of_work: UnitOfWork, cards: Cards) -> None:
        self._database = database
        self._unit_of_work = unit_of_work
        self._cards = cards

    async def own(self, user_id: UserId) -> Profile:
        """The person's own profile, with the e-mail. Raises NotFound."""
        user = await User.filter(id=user_id).first()
        if user is None:
            raise _nobody()
        return self._profile(user, email=user.email)

    async def of(self, viewer_id: UserId, user: UserId | str) -> Profile:
        """Somebody's public profile, by id or by user name, with how the two stand to each other. Raises NotFound."""
        query = User.filter(username_key=normalised(user)) if isinstance(user, str) else User.filter(id=user)
        row = await query.first()
        if row is None:
            raise _nobody()
        related = await self._database.rows(
            "SELECT follower_id FROM follows WHERE (follower_id = ? AND followee_id = ?)"
            " OR (follower_id = ? AND followee_id = ?)",
            [viewer_id, row.id, row.id, viewer_id],
        )
        followers = {relation["follower_id"] for relation in related}
        return self._profile(row, is_following=viewer_id in followers, follows_you=row.id in followers)

    async def edit(self, user_id: UserId, changes: dict[str, str]) -> Profile:
        """Change any of EDITABLE. Raises Conflict (`username_taken`, `email_taken`), NotFound."""
        columns: dict[str, Any] = {name: value for name, value in changes.items() if name in EDITABLE}
        if "username" in columns:
            columns["username_key"] = normalised(columns["username"])
        if "email" in columns:
            columns["email_key"] = normalised(columns["email"])

        async def body(work: Work) -> None:
            revision = await self._next_revision(user_id)
            await User.filter(id=user_id).update(**columns, revision=revision)
            work.emit(PersonChanged(user_id, revision))

        if columns:
            try:
                await self._unit_of_work.run(body, changes=(Subject("person", user_id),))
            except DuplicateKey as error:
                # MySQL's message quotes the value before the key, and a value may read like a key.
                key = str(error).rpartition(" for key ")[2]
                taken = "email" if "email_key" in key else "username"
                detail = (
                    "This user name is taken." if taken == "username" else "Another account has this e-mail."
                )
                raise Conflict(detail, code=f"{taken}_taken", fields={taken: [detail]}) from error
        return await self.own(user_id)

    async def _next_revision(self, user_id: UserId) -> int:
        rows = await self._database.rows(
            f"SELECT revision FROM users WHERE id = ?{self._database.for_update}", [user_id]
        )
        if not rows:
            raise _nobody()
        return rows[0]["revision"] + 1

    def _profile(self, user: User, email: str | None = None, **relations: bool) -> Profile:
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


def _nobody() -> NotFound:
    return NotFound("There is no such user.")
