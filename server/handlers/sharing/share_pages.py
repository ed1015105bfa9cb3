"""`/p/{postId}` and `/@{username}`: pages of public posts and profiles, for readers without an app."""

from urllib.parse import quote

from aiohttp import web

from server.clock import isoformat
from server.errors import InvalidInput, NotFound
from server.handlers.http.operations import Rate, RouteOptions
from server.handlers.http.requests import path_id
from server.handlers.sharing import previews
from server.handlers.sharing.html import Pages
from server.handlers.sharing.shared_content import SharedContent
from server.handlers.user_cards import avatar_sources_of
from server.ids import PostId
from server.paging import PageRequest, decode_cursor

POSTS_PER_PAGE = 24
UNDOCUMENTED = RouteOptions(public=True, rates=(Rate.READS,))


class SharePageRoutes:
    def __init__(self, shared: SharedContent, pages: Pages, public_url: str) -> None:
        self._shared = shared
        self._pages = pages
        self._public_url = public_url

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/p/{postId}", self.show_post), web.get("/@{username}", self.show_profile)]

    @UNDOCUMENTED
    async def show_post(self, request: web.Request) -> web.Response:
        try:
            post, author = await self._shared.get_post(PostId(path_id(request, "postId")))
        except NotFound:
            return self._pages.missing(request)
        url = self._shared.links.post_page(post.id)
        robots = previews.robots_of(author)
        return self._pages.respond(
            request,
            "post",
            robots=robots,
            page=previews.post_preview(post, url, robots),
            author=post.author,
            author_url=self._shared.links.profile_page(post.author.username),
            avatar_sources=avatar_sources_of(post.author.avatar_url),
            oembed_url=self._oembed_url(url),
            images=[previews.picture_values(image, post.author) for image in post.card.images],
            caption=post.card.caption,
            counts=previews.post_counts(post),
            published=isoformat(post.card.created_at_ms),
            date=previews.day_of(post.card.created_at_ms),
        )

    @UNDOCUMENTED
    async def show_profile(self, request: web.Request) -> web.Response:
        try:
            profile = await self._shared.get_profile(request.match_info["username"])
            position = PageRequest(POSTS_PER_PAGE, _cursor(request))
            posts = await self._shared.list_posts(profile.id, position)
        except (NotFound, InvalidInput):
            return self._pages.missing(request)
        url = self._shared.links.profile_page(profile.username)
        return self._pages.respond(
            request,
            "profile",
            robots=previews.robots_of(profile),
            page=previews.profile_preview(profile, url),
            profile=profile,
            counts=previews.counts_of(profile),
            avatar_sources=avatar_sources_of(profile.avatar_url),
            oembed_url=self._oembed_url(url),
            posts=[
                previews.tile_values(post, self._shared.links.post_page(post.id))
                for post in posts.items
                if post.card.images
            ],
            next_url=f"{url}?cursor={posts.next_cursor}" if posts.next_cursor else "",
        )

    def _oembed_url(self, url: str) -> str:
        return f"{self._public_url}/oembed?url={quote(url, safe='')}"


def _cursor(request: web.Request) -> int | None:
    text = request.query.get("cursor")
    return decode_cursor(text) if text else None
