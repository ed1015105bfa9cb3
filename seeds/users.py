"""The people: accounts with profile, avatar and role, made as a person would make them."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from seeds.activities import Act
from seeds.existing_rows import Place, Resident
from seeds.photographs.portraits import portrait
from seeds.sample_users import Character
from seeds.timeline import Story
from server.control import SeedContext
from server.services.records import Role

STEP = "users"
MOMENT = 1e-9  # one after the other, at what is the same time


def missing(story: Story, place: Place, password: str) -> Iterator[Act]:
    """Who is not there, and what those who are there lack: a run may have been broken off between the two."""
    for arrival in story.arrivals:
        who, at = arrival.character, arrival.at
        there = place.residents.get(who.username)
        if there is None:
            yield Act(at, STEP, partial(_register, who, password))
        if there is None or not there.bio:
            yield Act(at + MOMENT, STEP, partial(_describe, who))
        if who.role is not Role.USER and (there is None or there.role == Role.USER):
            yield Act(at + 2 * MOMENT, STEP, partial(_grant, who))
        if there is None or not there.avatar_key:
            yield Act(at + 3 * MOMENT, STEP, partial(_show_face, who))


async def _register(who: Character, password: str, workshop: SeedContext, place: Place) -> None:
    email = f"{who.username}@example.com"
    account = await workshop.services.accounts.register(who.username, email, password, who.full_name)
    place.residents[who.username] = Resident(account.id, account.role, "", "")


async def _describe(who: Character, workshop: SeedContext, place: Place) -> None:
    changes = {"bio": who.bio, "website": who.website}
    await workshop.services.profiles.edit(place.user_id(who.username), changes)


async def _grant(who: Character, workshop: SeedContext, place: Place) -> None:
    place.user_id(who.username)
    await workshop.roles.grant(who.username, who.role)


async def _show_face(who: Character, workshop: SeedContext, place: Place) -> None:
    with tempfile.TemporaryDirectory(dir=workshop.work_dir) as folder:
        file = Path(folder) / "painted.jpg"
        portrait(who.username).save(file, "JPEG", quality=90)
        await workshop.services.profiles.change_avatar(place.user_id(who.username), file)
