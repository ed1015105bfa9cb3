"""Creates what discovery shows: a hashtag that several users used today, indexed so that it trends at once."""

from collections.abc import Iterator, Sequence
from functools import partial

from seeds.activities import Activity
from seeds.existing_rows import ExistingRows
from seeds.posts import publish_painted
from seeds.protection import MODERATOR
from seeds.safety import PRIVATE
from seeds.timeline import NOW, SamplePost, Timeline
from server.control import SeedContext
from server.models.database import Database
from server.services.records import Role

STEP = "discovery"
TAG = "firstsnow"
READER = "ana"
MOMENT = 1e-9
LATEST = NOW + 1e-6  # after the step `safety`
CAPTIONS = (
    ("The whole street is quiet. #{tag}", "night"),
    ("Not one footprint yet. #{tag} #light", "mountains"),
    ("It will be gone by noon. #{tag}", "city"),
    ("Cold hands, good light. #{tag}", "mountains"),
)


def trend_posts(timeline: Timeline) -> Sequence[SamplePost]:
    """Return the posts with the trending hashtag, by different users."""
    authors = [
        each.user.username
        for each in timeline.registrations
        if each.user.role is Role.USER and each.user.username not in (PRIVATE, MODERATOR)
    ]
    return [
        SamplePost(LATEST, author, caption.format(tag=TAG), scene, 1)
        for author, (caption, scene) in zip(authors, CAPTIONS, strict=False)
    ]


def missing(timeline: Timeline, existing: ExistingRows) -> Iterator[Activity]:
    """Yield an activity per missing post, and the follow of a hashtag."""
    if "hashtag follow" not in existing.safety and READER in {
        each.user.username for each in timeline.registrations
    }:
        yield Activity(LATEST, STEP, _follow_hashtag)
    for number, post in enumerate(trend_posts(timeline)):
        if post.key not in existing.posts:
            yield Activity(post.at + number * MOMENT, STEP, partial(_publish, post))


async def rank(context: SeedContext, timeline: Timeline, existing: ExistingRows) -> None:
    """Rank posts for explore, and find trends, as the jobs of a running server do later."""
    posts = [existing.posts[post.key] for post in trend_posts(timeline) if post.key in existing.posts]
    await context.services.discovery.jobs.index(posts)
    await context.services.discovery.trend_jobs.find()
    await context.services.explore_ranking.rank(anew=True)


async def survey_discovery(database: Database) -> set[str]:
    """Return the parts that exist, besides posts."""
    found = await database.rows("SELECT 1 FROM hashtag_follows LIMIT 1")
    return {"hashtag follow"} if found else set()


async def _follow_hashtag(context: SeedContext, existing: ExistingRows) -> None:
    await context.services.discovery.hashtag_follows.follow(existing.user_id(READER), TAG)


async def _publish(post: SamplePost, context: SeedContext, existing: ExistingRows) -> None:
    existing.posts[post.key] = await publish_painted(post, existing.user_id(post.author), context)
