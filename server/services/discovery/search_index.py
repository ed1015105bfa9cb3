"""The search index: makes the entries and the terms of subjects agree with their rows.

Every method joins a transaction and may run any number of times: it compares what is stored with what should be. The
subjects are locked first, so that of two concurrent jobs the second one sees the newer state.
"""

from collections.abc import Collection, Mapping, Sequence

from server.events import PostTagsChanged
from server.ids import HashtagId, PlaceId, PostId, UserId
from server.models.content.places import PlaceRepository, PlaceRow
from server.models.discovery.hashtags import HashtagRepository, HashtagRow
from server.models.discovery.search_entries import SearchEntry, SearchEntryRepository
from server.models.discovery.search_subjects import SearchedPost, SearchedUser, SearchSubjectRepository
from server.models.discovery.search_terms import SearchKind, SearchTermRepository, TermRow, tier_of
from server.services.content.mentions import hashtags_in
from server.services.discovery.hashtag_counts import HashtagCounts
from server.services.discovery.place_counts import PlaceCounts
from server.services.discovery.terms import caption_terms, caption_text, name_terms, name_text
from server.services.jobs.unit_of_work import WorkContext


class SearchIndex:
    def __init__(
        self,
        subjects: SearchSubjectRepository,
        entries: SearchEntryRepository,
        terms: SearchTermRepository,
        hashtags: HashtagRepository,
        hashtag_counts: HashtagCounts,
        places: PlaceRepository,
        place_counts: PlaceCounts,
    ) -> None:
        self._subjects = subjects
        self._entries = entries
        self._terms = terms
        self._hashtags = hashtags
        self._hashtag_counts = hashtag_counts
        self._places = places
        self._place_counts = place_counts

    async def index_user(self, user_id: UserId, work: WorkContext) -> bool:
        """Index a user. Return whether everyone may see the user's posts."""
        users = await self.index_users([user_id], work)
        return user_id in users and users[user_id].is_public

    async def index_users(self, user_ids: Sequence[UserId], _: WorkContext) -> dict[UserId, SearchedUser]:
        """Index users who are active, and forget the others. Return those that exist."""
        users = await self._subjects.lock_users(user_ids)
        wanted = {user_id: user_entry(user_id, user) for user_id, user in users.items() if user.is_active}
        await self._put(list(wanted.values()))
        await self._remove([user_id for user_id in user_ids if user_id not in wanted])
        return users

    async def index_post(self, post_id: PostId, work: WorkContext) -> None:
        """Index the caption, the hashtags and the place of a post."""
        await self.index_posts([post_id], work)

    async def index_posts(self, post_ids: Sequence[PostId], work: WorkContext) -> None:
        """Index captions, hashtags and places of posts, and forget those that were deleted or taken down."""
        posts = await self._subjects.lock_posts(post_ids)
        # Locked, so that an account that turns private at the same time counts its posts again.
        await self._subjects.lock_users(sorted({post.author_id for post in posts.values()}))
        public = await self._subjects.list_public(list(posts))
        captions = {post_id: post.caption for post_id, post in posts.items() if post.caption}
        await self._put([post_entry(post_id, caption) for post_id, caption in captions.items()])
        await self._remove([post_id for post_id in post_ids if post_id not in captions])
        changed: dict[HashtagId, HashtagRow] = {}
        stored = await self._hashtag_counts.list_by_posts(post_ids)
        for post_id in sorted(post_ids):
            post, current = posts.get(post_id), stored.get(post_id, {})
            if post is None:
                rows = await self._hashtag_counts.remove(post_id, current)
            else:
                rows = await self._hashtag_counts.set(
                    post_id,
                    post.author_id,
                    hashtags_in(post.caption),
                    current,
                    work,
                    counted=post_id in public,
                )
            if followed := [str(row.id) for row in rows.values() if row.is_followed]:
                work.emit(PostTagsChanged(post_id, ",".join(followed)))
            changed |= rows
        await self._put_hashtags(list(changed.values()))
        await self._count_places(post_ids, posts, public)

    async def index_place(self, place_id: PlaceId, _: WorkContext) -> None:
        """Index a place that has posts everyone may see, and forget another one."""
        await self._places.lock(place_id)
        await self._put_places([place_id])

    async def index_hashtag(self, hashtag_id: HashtagId, _: WorkContext) -> None:
        """Index a hashtag that has posts everyone may see, and forget another one."""
        hashtag = await self._hashtags.lock(hashtag_id)
        if hashtag is None:
            await self._remove([hashtag_id])
        else:
            await self._put_hashtags([hashtag])

    async def remove(self, subject_id: int, _: WorkContext) -> None:
        """Forget a subject."""
        await self._remove([subject_id])

    async def _count_places(
        self, post_ids: Sequence[PostId], posts: Mapping[PostId, SearchedPost], public: Collection[PostId]
    ) -> None:
        stored = await self._place_counts.list_by_posts(post_ids)
        changed: set[PlaceId] = set()
        for post_id in sorted(post_ids):
            post = posts.get(post_id)
            author_id, place_id = (None, None) if post is None else (post.author_id, post.place_id)
            changed |= await self._place_counts.set(
                post_id, author_id, place_id, stored.get(post_id), counted=post_id in public
            )
        await self._put_places(sorted(changed))

    async def _put_places(self, place_ids: Sequence[PlaceId]) -> None:
        shown = {row.id: row for row in await self._places.list_by_ids(place_ids, shown=True)}
        await self._put([place_entry(row) for row in shown.values()])
        await self._remove([each for each in place_ids if each not in shown])

    async def _put_hashtags(self, hashtags: Sequence[HashtagRow]) -> None:
        shown = [hashtag_entry(each) for each in hashtags if each.posts_count > 0]
        await self._put(shown)
        await self._remove([each.id for each in hashtags if each.posts_count <= 0])

    async def _put(self, entries: Sequence[SearchEntry]) -> None:
        """Store entries of one kind, and the difference of their terms."""
        if not entries:
            return
        previous = await self._entries.lock([entry.subject_id for entry in entries])
        changed = [entry for entry in entries if previous.get(entry.subject_id) != entry]
        wanted = {row for entry in changed for row in term_rows(entry)}
        replaced = [previous[entry.subject_id] for entry in changed if entry.subject_id in previous]
        stored = {row for entry in replaced for row in term_rows(entry)}
        await self._terms.delete(stored - wanted)
        await self._terms.insert(wanted - stored)
        for entry in changed:
            if entry.subject_id in previous:
                await self._entries.update(entry)
        if new := [entry for entry in changed if entry.subject_id not in previous]:
            await self._entries.insert(new)

    async def _remove(self, subject_ids: Sequence[int]) -> None:
        """Delete the entries of subjects and their terms."""
        if not subject_ids:
            return
        entries = await self._entries.lock(subject_ids)
        if entries:
            await self._terms.delete(row for entry in entries.values() for row in term_rows(entry))
            await self._entries.delete(list(entries))


def term_rows(entry: SearchEntry) -> set[TermRow]:
    """Return the terms that the index has of an entry. Those without a tier need not move when it changes."""
    terms = caption_terms(entry.text) if entry.kind is SearchKind.POST else name_terms(entry.text)
    return {
        TermRow(entry.kind, term.form, entry.tier if term.form.has_tier else 0, term.text, entry.subject_id)
        for term in terms
    }


def user_entry(user_id: UserId, user: SearchedUser) -> SearchEntry:
    text = name_text(user.username, user.full_name)
    return SearchEntry(user_id, SearchKind.USER, tier_of(user.followers_count), text)


def post_entry(post_id: PostId, caption: str) -> SearchEntry:
    return SearchEntry(post_id, SearchKind.POST, 0, caption_text(caption))


def place_entry(place: PlaceRow) -> SearchEntry:
    return SearchEntry(place.id, SearchKind.PLACE, tier_of(place.posts_count), name_text(place.name))


def hashtag_entry(hashtag: HashtagRow) -> SearchEntry:
    return SearchEntry(hashtag.id, SearchKind.HASHTAG, tier_of(hashtag.posts_count), name_text(hashtag.tag))
