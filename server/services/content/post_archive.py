"""The archive: posts that their author hid from everybody else, with their likes and comments."""

from dataclasses import replace

from server.events import PeopleMentioned, PeopleTagged, PostArchived, PostRestored
from server.models.accounts.users import UserRepository
from server.models.content.posts import PostRepository, PostRow
from server.services.content.picture_changes import state_of, unpin
from server.services.jobs.unit_of_work import WorkContext


class PostArchive:
    """An archived post keeps its id, and with it its place in lists."""

    def __init__(self, users: UserRepository, posts: PostRepository) -> None:
        self._users = users
        self._posts = posts

    async def set_archived(self, post: PostRow, work: WorkContext, *, archived: bool) -> PostRow:
        """Archive a locked post or restore it, and return its row; it may be so already.

        It is hidden as soon as its counters are cached, as a deleted one. The caller names it and the author's feed
        among the changes of its unit of work.
        """
        if post.archived is archived:
            return post
        if archived:
            post = await unpin(self._posts, post, work)
        changed = replace(post, archived=archived, revision=post.revision + 1)
        await self._posts.set_archived(post.id, work.now_ms() if archived else None, changed.revision)
        await self._users.change_posts_count(post.author_id, -1 if archived else +1, post.audience)
        if archived:
            work.emit(PostArchived(post.id, post.author_id))
        else:
            work.emit(PostRestored(post.id, post.author_id))
            # Some users may have been mentioned or tagged just before they did not see it any more.
            work.emit(PeopleTagged(post.id, post.author_id))
            if await self._posts.get_mentions(post.id):
                work.emit(PeopleMentioned(post.id, post.author_id))
        work.emit(state_of(changed))
        return changed
