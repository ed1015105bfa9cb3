"""Creates what shows the safety of people: privacy, blocks, close friends, choices about comments, and decisions.

It also creates posts that only their author sees.

All of it comes after the timeline, which it would change otherwise: a private account gets requests, not followers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from seeds import comment_choices, own_posts, protection
from seeds.activities import Activity
from seeds.existing_rows import ExistingRows
from seeds.posts import publish_painted
from seeds.protection import (
    MODERATOR,
    SPAMMER,
    Part,
    find_restricted_post,
    id_of,
    list_parts,
    register,
    survey_protection,
)
from seeds.timeline import NOW, SamplePost, Timeline
from server.control import SeedContext
from server.ids import CaseId, CommentId, UserId
from server.models.audience import Audience
from server.models.database import Database
from server.models.notifications.digests import EmailFrequency
from server.services.moderation.decisions import Decision, ModerationAction
from server.services.moderation.reports import ReportReason, SubjectType
from server.services.records import Role

STEP = "safety"
MOMENT = 1e-8
PRIVATE = "diego"
MAX_REQUESTS, MAX_FRIENDS = 3, 3
FRIENDS_POST = SamplePost(NOW, "ana", "Only for the people I would call at night.", "night", 1)
SPAM_POST = SamplePost(NOW, SPAMMER, "1,000 followers for 9.99! Write to @deals", "colours", 1)


@dataclass(frozen=True, slots=True)
class SafetyPlan:
    """Users of the timeline by what they do. `blocking` do not follow each other, because a block ends follows."""

    requesters: Sequence[str]
    blocking: tuple[str, str] | None
    muting: tuple[str, str] | None
    friends: Sequence[str]
    reporters: Sequence[str]


def build_plan(timeline: Timeline) -> SafetyPlan:
    """Return the plan for a timeline, the same for each call."""
    names = [each.user.username for each in timeline.registrations if each.user.role is not Role.ADMIN]
    follows = {(follow.follower, follow.followee) for follow in timeline.follows}
    strangers = [
        (one, other)
        for one in names
        for other in names
        if one < other and not {(one, other), (other, one)} & follows and PRIVATE not in (one, other)
    ]
    requesters = [name for name in names if name != PRIVATE and (name, PRIVATE) not in follows]
    return SafetyPlan(
        requesters=requesters[:MAX_REQUESTS],
        blocking=strangers[0] if strangers else None,
        muting=min(follows, default=None),
        friends=[name for name in names if (name, FRIENDS_POST.author) in follows][:MAX_FRIENDS],
        reporters=[name for name in names if name != FRIENDS_POST.author][:2],
    )


def missing(timeline: Timeline, existing: ExistingRows, password: str) -> Iterator[Activity]:
    """Yield an activity per missing part, in the order in which they happen."""
    plan, done = build_plan(timeline), existing.safety
    parts: list[Part] = [
        ("private", _make_private),
        *((f"request {name}", partial(_request, name)) for name in plan.requesters),
        *((f"friend {name}", partial(_befriend, name)) for name in plan.friends),
        ("friends post", _publish_for_friends),
        ("emails", _choose_emails),
        (MODERATOR, partial(register, MODERATOR, "Sam Keeper", Role.MODERATOR, password)),
        (SPAMMER, partial(register, SPAMMER, "Best Deals", Role.USER, password)),
        ("spam post", _publish_spam),
        *((f"report {name}", partial(_report, name, timeline)) for name in plan.reporters),
        ("taken down", partial(_take_down, plan)),
        *comment_choices.parts(_choices(timeline)),
    ]
    if plan.blocking:
        parts.append(("block", partial(_block, *plan.blocking)))
    if plan.muting:
        parts.append(("mute", partial(_mute, *plan.muting)))
    parts += list_parts(FRIENDS_POST.author, find_restricted_post(timeline, FRIENDS_POST.author), password)
    parts += own_posts.list_parts(timeline)
    for number, (key, do) in enumerate(parts):
        if key not in done:
            yield Activity(NOW + number * MOMENT, STEP, do)


async def survey_safety(database: Database, timeline: Timeline, existing: ExistingRows) -> set[str]:
    """Return the parts that exist."""
    plan, done = build_plan(timeline), set[str]()
    ids = {name: user.id for name, user in existing.users.items()}
    for key, table, columns, pair in _pairs(plan):
        if not all(name in ids for name in pair):
            continue
        condition = " AND ".join(f"{column} = ?" for column in columns)
        found = f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1"
        if await database.rows(found, [ids[name] for name in pair]):
            done.add(key)
    if FRIENDS_POST.key in existing.posts:
        done.add("friends post")
    done |= await survey_protection(database, FRIENDS_POST.author)
    done |= await comment_choices.survey_choices(database, _choices(timeline), existing)
    done |= await own_posts.survey_own_posts(database)
    return done | await _survey_moderation(database)


def _pairs(plan: SafetyPlan) -> Iterator[tuple[str, str, Sequence[str], Sequence[str]]]:
    """Yield each part that is one row: its key, the table, the columns with users, and the users."""
    yield "private", "users", ("is_private = 1 AND id",), (PRIVATE,)
    for name in plan.requesters:
        yield f"request {name}", "follow_requests", ("requester_id", "target_id"), (name, PRIVATE)
    for name in plan.friends:
        yield f"friend {name}", "close_friends", ("owner_id", "friend_id"), (FRIENDS_POST.author, name)
    for name in plan.reporters:
        yield f"report {name}", "reports", ("reporter_id",), (name,)
    yield "emails", "inboxes", ("email_frequency IS NOT NULL AND user_id",), (FRIENDS_POST.author,)
    if plan.blocking:
        yield "block", "blocks", ("blocker_id", "blocked_id"), plan.blocking
    if plan.muting:
        yield "mute", "mutes", ("muter_id", "muted_id"), plan.muting


async def _survey_moderation(database: Database) -> set[str]:
    done = {
        row["username_key"]
        for row in await database.rows(
            "SELECT username_key FROM users WHERE username_key = ? OR username_key = ? AND role = ?",
            [SPAMMER, MODERATOR, Role.MODERATOR],
        )
    }
    # The post that was taken down keeps its row.
    posts = await database.rows(
        "SELECT p.deleted_at_ms FROM posts p JOIN users u ON u.id = p.author_id WHERE u.username_key = ?",
        [SPAMMER],
    )
    if posts:
        done.add("spam post")
    if any(row["deleted_at_ms"] for row in posts):
        done.add("taken down")
    return done


def describe(timeline: Timeline, existing: ExistingRows) -> list[tuple[str, str]]:
    """Return what there is to look at: the user to sign in as, and what that user finds."""
    plan = build_plan(timeline)
    lines = [
        (PRIVATE, f"a private account; {len(plan.requesters)} requests in GET /follow-requests"),
        (
            MODERATOR,
            "a moderator; reports wait in GET /moderation/reports, decisions are in /moderation/audit",
        ),
        (SPAMMER, "whose post was taken down; the reason is in GET /moderation/decisions"),
    ]
    if plan.friends:
        lines.append((FRIENDS_POST.author, "has close friends, and a post for them that others do not see"))
    if plan.blocking:
        lines.append((plan.blocking[0], f"has blocked {plan.blocking[1]}; GET /blocks"))
    if plan.muting:
        lines.append((plan.muting[0], f"has muted {plan.muting[1]}; GET /mutes"))
    return [
        *lines,
        *comment_choices.describe_choices(_choices(timeline)),
        *protection.describe(FRIENDS_POST.author, existing),
        *own_posts.describe(),
    ]


def _choices(timeline: Timeline) -> comment_choices.CommentChoices:
    return comment_choices.build_choices(timeline, FRIENDS_POST.author, PRIVATE)


async def _make_private(context: SeedContext, existing: ExistingRows) -> None:
    await context.services.profiles.edit(existing.user_id(PRIVATE), {"is_private": True})


async def _request(name: str, context: SeedContext, existing: ExistingRows) -> None:
    await context.services.follows.follow(existing.user_id(name), existing.user_id(PRIVATE))


async def _befriend(name: str, context: SeedContext, existing: ExistingRows) -> None:
    owner_id = existing.user_id(FRIENDS_POST.author)
    await context.services.close_friends.add(owner_id, existing.user_id(name))


async def _block(blocker: str, blocked: str, context: SeedContext, existing: ExistingRows) -> None:
    await context.services.blocks.block(existing.user_id(blocker), existing.user_id(blocked))


async def _mute(muter: str, muted: str, context: SeedContext, existing: ExistingRows) -> None:
    await context.services.mutes.mute(existing.user_id(muter), existing.user_id(muted))


async def _choose_emails(context: SeedContext, existing: ExistingRows) -> None:
    """Let one user get an e-mail per notification, which the outbox of a development server then shows."""
    user_id = existing.user_id(FRIENDS_POST.author)
    await context.services.preferences.update(user_id, {}, EmailFrequency.IMMEDIATELY)


async def _publish_for_friends(context: SeedContext, existing: ExistingRows) -> None:
    author_id = existing.user_id(FRIENDS_POST.author)
    await publish_painted(FRIENDS_POST, author_id, context, Audience.CLOSE_FRIENDS)


async def _publish_spam(context: SeedContext, _: ExistingRows) -> None:
    await publish_painted(SPAM_POST, await id_of(SPAMMER, context), context, Audience.PUBLIC)


async def _report(name: str, timeline: Timeline, context: SeedContext, existing: ExistingRows) -> None:
    """Report the spam; what stays in the queue is a comment, and the account of the spammer."""
    reporter_id, spammer_id = existing.user_id(name), await id_of(SPAMMER, context)
    reports = context.services.reports
    await reports.report(reporter_id, SubjectType.USER, spammer_id, ReportReason.SPAM, "Writes to all of us.")
    for comment in timeline.comments:
        comment_id = existing.comment_id(comment)
        if (
            comment_id is not None
            and name not in (comment.author, PRIVATE)
            and comment.post.author != PRIVATE
        ):
            await _report_comment(reporter_id, comment_id, context)
            return


async def _report_comment(reporter_id: UserId, comment_id: CommentId, context: SeedContext) -> None:
    await context.services.reports.report(
        reporter_id, SubjectType.COMMENT, comment_id, ReportReason.HARASSMENT, "Not nice."
    )


async def _take_down(plan: SafetyPlan, context: SeedContext, existing: ExistingRows) -> None:
    moderator_id, spammer_id = await id_of(MODERATOR, context), await id_of(SPAMMER, context)
    (row,) = await context.database.rows("SELECT id FROM posts WHERE author_id = ?", [spammer_id])
    await context.services.reports.report(
        existing.user_id(plan.reporters[0]),
        SubjectType.POST,
        row["id"],
        ReportReason.SPAM,
        "An advertisement.",
    )
    cases = await context.database.rows(
        "SELECT id FROM report_cases WHERE subject_type = ? AND subject_id = ? AND open_key IS NOT NULL",
        [SubjectType.POST, row["id"]],
    )
    await context.services.report_queue.claim(moderator_id, CaseId(cases[0]["id"]))
    decision = Decision(ModerationAction.TAKE_DOWN, "The third time", message="Do not sell followers here.")
    await context.services.decisions.resolve(moderator_id, CaseId(cases[0]["id"]), decision)
