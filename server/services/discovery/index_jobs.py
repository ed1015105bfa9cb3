"""Jobs that keep the search index equal to the database. Each is idempotent, because it compares before it writes."""

from collections.abc import Sequence
from functools import partial

import structlog

from server.ids import PostId, UserId
from server.models.discovery.hashtags import HashtagPostRepository
from server.models.discovery.place_posts import PlacePostRepository
from server.models.discovery.search_subjects import SearchSubjectRepository
from server.models.discovery.search_terms import SearchKind
from server.services.discovery.search_index import SearchIndex
from server.services.discovery.search_rebuild import KINDS, SearchRebuild
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork

log = structlog.get_logger(__name__)

POSTS_PER_STEP = 100
USERS_PER_QUERY = 100


class IndexJobs:
    def __init__(
        self,
        index: SearchIndex,
        rebuild: SearchRebuild,
        subjects: SearchSubjectRepository,
        hashtag_posts: HashtagPostRepository,
        place_posts: PlacePostRepository,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
    ) -> None:
        self._index = index
        self._rebuild = rebuild
        self._subjects = subjects
        self._counted_posts = (hashtag_posts, place_posts)
        self._unit_of_work = unit_of_work
        self._jobs = jobs

    async def index(self, post_ids: Sequence[PostId]) -> None:
        """Index posts without waiting for their jobs, which find nothing left to do."""
        if post_ids:
            await self._unit_of_work.run(partial(self._index.index_posts, post_ids))

    async def index_post(self, claim: Claim) -> None:
        """Index a post that was published, edited, deleted or taken down."""
        post_id = PostId(claim.payload["post_id"])
        await self._unit_of_work.run(partial(self._index.index_post, post_id), completes=claim)

    async def index_user(self, claim: Claim) -> None:
        """Index a user whose name, privacy or status may have changed, then count the user's posts accordingly."""
        user_id = UserId(claim.payload["user_id"])
        is_public = await self._unit_of_work.run(partial(self._index.index_user, user_id))
        for counted_posts in self._counted_posts:
            after_id = PostId(0)
            while post_ids := await counted_posts.list_by_author(
                user_id, after_id, counted=not is_public, limit=POSTS_PER_STEP
            ):
                await self._unit_of_work.run(partial(self._index.index_posts, post_ids))
                after_id = post_ids[-1]
                await self._jobs.save_progress(claim, {"counted": after_id})
        await self._jobs.finish(claim)

    async def refresh(self, claim: Claim) -> None:
        """Index what is missing, such as rows from before the index existed, and what became more or less popular."""
        found = 0
        for kind in KINDS:
            done = 0
            async for step in self._rebuild.fill(kind):
                await self._jobs.save_progress(claim, {"missing": kind.name})
                done = step.done
            found += done
        after_id = 0
        while ids := await self._subjects.list_moved(SearchKind.USER, after_id, USERS_PER_QUERY):
            await self._rebuild.index(SearchKind.USER, ids)
            found, after_id = found + len(ids), ids[-1]
            await self._jobs.save_progress(claim, {"moved": after_id})
        if found:
            log.info("search_refreshed", subjects=found)
        await self._jobs.complete(claim)
