"""Creates what shows how people are protected: an appeal, a restricted user, a word filter, and a second factor.

It comes after the reports and the decision of `safety`.
"""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from pyotp.totp import TOTP

from seeds.existing_rows import ExistingRows
from seeds.timeline import SamplePost, Timeline
from server.control import SeedContext
from server.ids import ActionId, UserId
from server.models.database import Database
from server.models.moderation.content_filters import FilterAction, FilterKind
from server.services.moderation.decisions import ModerationAction
from server.services.records import Confirmation, Role

MODERATOR, SPAMMER, SECURED = "mod", "deals", "iris"
PHRASE = "followers for"
Part = tuple[str, Callable[[SeedContext, ExistingRows], Awaitable[None]]]


def find_restricted_post(timeline: Timeline, author: str) -> SamplePost | None:
    """Return the post of the author on which the restricted user comments."""
    return max(
        (post for post in timeline.posts if post.author == author), key=lambda post: post.at, default=None
    )


def list_parts(restricting: str, post: SamplePost | None, password: str) -> Iterator[Part]:
    """Yield the parts in the order in which they happen; `restricting` is the author of `post`."""
    yield "appeal", _appeal
    if post is not None:
        yield "restriction", partial(_restrict, restricting)
        yield "pending comment", partial(_comment, post)
    yield "filter", _add_filter
    yield SECURED, partial(register, SECURED, "Iris Lock", Role.USER, password)
    yield "second factor", partial(_set_up_second_factor, password)


async def survey_protection(database: Database, restricting: str) -> set[str]:
    """Return the parts that exist."""
    of_user = "(SELECT id FROM users WHERE username_key = ?)"
    parts = (
        ("appeal", f"appeals WHERE user_id = {of_user}", [SPAMMER]),
        (
            "restriction",
            f"restrictions WHERE owner_id = {of_user} AND restricted_id = {of_user}",
            [restricting, SPAMMER],
        ),
        ("pending comment", f"comments WHERE author_id = {of_user}", [SPAMMER]),
        ("filter", "content_filters WHERE pattern = ?", [PHRASE]),
        (SECURED, "users WHERE username_key = ? AND email <> ''", [SECURED]),
        (
            "second factor",
            f"second_factors WHERE user_id = {of_user} AND enabled_at_ms IS NOT NULL",
            [SECURED],
        ),
    )
    return {
        key for key, found, names in parts if await database.rows(f"SELECT 1 FROM {found} LIMIT 1", names)
    }


def describe(restricting: str, existing: ExistingRows) -> list[tuple[str, str]]:
    """Return what there is to look at, as `safety.describe`."""
    secret = existing.second_factor_secret or "known to the run that set it up: run.py remove-second-factor"
    return [
        (SPAMMER, f"has appealed; {MODERATOR} answers in GET /moderation/appeals"),
        (restricting, f"has restricted {SPAMMER}, whose comment on the newest post waits for approval"),
        (MODERATOR, f'a filter reports texts with "{PHRASE}"; GET /moderation/filters'),
        (SECURED, f"has a second factor: codes of the secret {secret}"),
    ]


async def register(
    username: str, full_name: str, role: Role, password: str, context: SeedContext, _: ExistingRows
) -> None:
    """Create a user who is not in the timeline, if there is none."""
    if not await _find_ids(username, context):
        email = f"{username}@example.com"
        registered = await context.services.accounts.register(username, email, password, full_name)
        await context.services.email_verification.mark_verified(registered.id)
    if role is not Role.USER:
        await context.roles.grant(username, role)


async def id_of(username: str, context: SeedContext) -> UserId:
    """Return the id of a user who exists."""
    (user_id,) = await _find_ids(username, context)
    return user_id


async def _appeal(context: SeedContext, _: ExistingRows) -> None:
    spammer_id = await id_of(SPAMMER, context)
    (row,) = await context.database.rows(
        "SELECT id FROM moderation_actions WHERE author_id = ? AND action = ?",
        [spammer_id, ModerationAction.TAKE_DOWN],
    )
    await context.services.appeals.appeal(spammer_id, ActionId(row["id"]), "All my followers are real.")


async def _restrict(owner: str, context: SeedContext, existing: ExistingRows) -> None:
    await context.services.restrictions.restrict(existing.user_id(owner), await id_of(SPAMMER, context))


async def _comment(post: SamplePost, context: SeedContext, existing: ExistingRows) -> None:
    spammer_id, post_id = await id_of(SPAMMER, context), existing.post_id(post)
    await context.services.comments.add(spammer_id, post_id, "Nice! Do you want more likes?", None)


async def _add_filter(context: SeedContext, _: ExistingRows) -> None:
    moderator_id = await id_of(MODERATOR, context)
    await context.services.filter_administration.add(
        moderator_id, FilterKind.PHRASE, PHRASE, FilterAction.REPORT
    )


async def _set_up_second_factor(password: str, context: SeedContext, existing: ExistingRows) -> None:
    """Set up an authenticator app as its owner does, in a session that ends afterwards."""
    services, user_id = context.services, await id_of(SECURED, context)
    (row,) = await context.database.rows(
        "SELECT password_changed_at_ms AS at FROM users WHERE id = ?", [user_id]
    )
    tokens = await services.sessions.create(user_id, row["at"], "the seeder", "127.0.0.1")
    principal, _ = await services.request_authenticator.authenticate(tokens.access_token)
    setup = await services.second_factors.set_up(principal, Confirmation(password))
    await services.second_factors.enable(principal, TOTP(setup.secret).now())
    await services.sessions.end(user_id, principal.session_id)
    existing.second_factor_secret = setup.secret


async def _find_ids(username: str, context: SeedContext) -> list[UserId]:
    rows = await context.database.rows("SELECT id FROM users WHERE username_key = ?", [username])
    return [UserId(row["id"]) for row in rows]
