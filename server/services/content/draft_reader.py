"""Reads of drafts, which only their author sees."""

from collections.abc import Sequence

from server.errors import NotFound
from server.ids import DraftId, UserId
from server.models.content.drafts import DraftRepository, DraftRow
from server.models.content.media import MediaRepository, MediaRow
from server.paging import Page, PageRequest, cut
from server.services.content.cards import Cards
from server.services.content.mentions import hashtags_in
from server.services.content.posts import Posts
from server.services.records import Draft, DraftProblem, Post, UserCard


class DraftReader:
    def __init__(self, drafts: DraftRepository, media: MediaRepository, posts: Posts, cards: Cards) -> None:
        self._drafts = drafts
        self._media = media
        self._posts = posts
        self._cards = cards

    async def get(self, author_id: UserId, draft_id: DraftId) -> Draft | Post:
        """Return the author's draft, or the post that it became. Raises NotFound."""
        row = await self._drafts.get(draft_id)
        if row is None or row.author_id != author_id:
            raise NotFound("Post not found.")
        if row.post_id is not None:
            return await self._posts.get(author_id, row.post_id)
        (draft,) = await self._records(author_id, [row])
        return draft

    async def list_own(self, author_id: UserId, request: PageRequest, *, scheduled: bool) -> Page[Draft]:
        """Return the author's scheduled posts, or the other drafts, newest first."""
        rows = await self._drafts.list_by_author(
            author_id, request.before_id, request.limit + 1, scheduled=scheduled
        )
        page = cut(rows, request.limit, lambda row: row.id)
        return Page(await self._records(author_id, page.items), page.next_cursor)

    async def _records(self, author_id: UserId, rows: Sequence[DraftRow]) -> list[Draft]:
        if not rows:
            return []
        media = await self._media.list_by_drafts([row.id for row in rows])
        author = (await self._cards.get_users([author_id]))[author_id]
        return [self._record(row, author, media.get(row.id, [])) for row in rows]

    def _record(self, row: DraftRow, author: UserCard, media: Sequence[MediaRow]) -> Draft:
        images = [
            self._cards.image(each.id, each.picture, each.alt_text)
            for each in media
            if each.picture is not None
        ]
        return Draft(
            id=row.id,
            author=author,
            caption=row.caption,
            hashtags=hashtags_in(row.caption),
            audience=row.audience,
            options=row.options,
            images=tuple(images),
            publish_at_ms=row.publish_at_ms,
            problem=DraftProblem(row.problem_code, row.problem_detail) if row.problem_code else None,
            edited_at_ms=row.edited_at_ms,
        )
