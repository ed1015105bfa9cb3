"""Public posts and profiles, for readers without an account; none on a server without public reads."""

from server.errors import NotFound
from server.ids import NO_USER, PostId, UserId
from server.paging import Page, PageRequest
from server.services.accounts.usernames import USERNAME_PATTERN
from server.services.content.posts import Posts
from server.services.content.share_links import ShareLinks
from server.services.people.profiles import Profiles
from server.services.records import Post, Profile


class SharedContent:
    """Every read is one of NO_USER, and raises the same NotFound for what is hidden or missing."""

    def __init__(self, posts: Posts, profiles: Profiles, links: ShareLinks, *, enabled: bool) -> None:
        self._posts = posts
        self._profiles = profiles
        self._enabled = enabled
        self.links = links

    async def get_post(self, post_id: PostId) -> tuple[Post, Profile]:
        """Return a post with its author's profile."""
        self._require_enabled()
        post = await self._posts.get(NO_USER, post_id)
        return post, await self._profiles.get(NO_USER, post.author.id)

    async def get_profile(self, username: str) -> Profile:
        self._require_enabled()
        if not USERNAME_PATTERN.fullmatch(username):
            raise NotFound("User not found.")
        return await self._profiles.get(NO_USER, username)

    async def list_posts(self, author_id: UserId, request: PageRequest) -> Page[Post]:
        self._require_enabled()
        return await self._posts.list_by_author(NO_USER, author_id, request)

    def _require_enabled(self) -> None:
        if not self._enabled:
            raise NotFound("This page is not available.")
