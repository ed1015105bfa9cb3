"""Creates the sample users: accounts with profile, avatar and role."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from seeds.activities import Activity
from seeds.existing_rows import ExistingRows, ExistingUser
from seeds.photographs.portraits import portrait
from seeds.sample_users import SampleUser
from seeds.timeline import Timeline
from server.control import SeedContext
from server.services.records import Role, SearchEngines

STEP = "users"
MOMENT = 1e-9  # keeps the activities of one user in order


def missing(timeline: Timeline, existing: ExistingRows, password: str) -> Iterator[Activity]:
    """Yield activities for missing users, and for profiles that an interrupted run left incomplete."""
    for registration in timeline.registrations:
        user, at = registration.user, registration.at
        account = existing.users.get(user.username)
        if account is None:
            yield Activity(at, STEP, partial(_register, user, password))
        if account is None or not account.email:
            yield Activity(at + MOMENT / 2, STEP, partial(_verify_email, user))
        if account is None or not account.bio:
            yield Activity(at + MOMENT, STEP, partial(_describe, user))
        if user.role is not Role.USER and (account is None or account.role == Role.USER):
            yield Activity(at + 2 * MOMENT, STEP, partial(_grant, user))
        if account is None or not account.avatar_key:
            yield Activity(at + 3 * MOMENT, STEP, partial(_set_avatar, user))


async def _register(user: SampleUser, password: str, context: SeedContext, existing: ExistingRows) -> None:
    email = f"{user.username}@example.com"
    registered = await context.services.accounts.register(user.username, email, password, user.full_name)
    existing.users[user.username] = ExistingUser(registered.id, registered.role, "", "", "")


async def _verify_email(user: SampleUser, context: SeedContext, existing: ExistingRows) -> None:
    await context.services.email_verification.mark_verified(existing.user_id(user.username))


async def _describe(user: SampleUser, context: SeedContext, existing: ExistingRows) -> None:
    # Those who have a website want to be found.
    search_engines = SearchEngines.ALLOW if user.website else SearchEngines.DENY
    changes = {"bio": user.bio, "website": user.website, "search_engines": search_engines}
    await context.services.profiles.edit(existing.user_id(user.username), changes)


async def _grant(user: SampleUser, context: SeedContext, existing: ExistingRows) -> None:
    existing.user_id(user.username)
    await context.roles.grant(user.username, user.role)


async def _set_avatar(user: SampleUser, context: SeedContext, existing: ExistingRows) -> None:
    with tempfile.TemporaryDirectory(dir=context.work_dir) as folder:
        file = Path(folder) / "painted.jpg"
        portrait(user.username).save(file, "JPEG", quality=90)
        await context.services.profiles.change_avatar(existing.user_id(user.username), file)
