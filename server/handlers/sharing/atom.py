"""`/@{username}/feed.atom`: a user's public posts for feed readers (RFC 4287)."""

import re
from collections.abc import Sequence
from html import escape
from xml.etree import ElementTree as ET

from aiohttp import hdrs, web

from server.clock import isoformat
from server.errors import NotFound
from server.handlers.http.operations import Rate, RouteOptions
from server.handlers.sharing import previews
from server.handlers.sharing.html import CACHED, Pages, revalidated
from server.handlers.sharing.shared_content import SharedContent
from server.paging import PageRequest
from server.services.records import Post, Profile

NAMESPACE = "http://www.w3.org/2005/Atom"
MAX_POSTS = 20
MAX_TITLE = 100
UNDOCUMENTED = RouteOptions(public=True, rates=(Rate.READS,))
# Characters that XML 1.0 cannot contain.
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class AtomRoutes:
    def __init__(self, shared: SharedContent, pages: Pages) -> None:
        self._shared = shared
        self._pages = pages

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/@{username}/feed.atom", self.show_feed)]

    @UNDOCUMENTED
    async def show_feed(self, request: web.Request) -> web.Response:
        try:
            profile = await self._shared.get_profile(request.match_info["username"])
            posts = await self._shared.list_posts(profile.id, PageRequest(MAX_POSTS))
        except NotFound:
            return self._pages.missing(request)
        headers: dict[str, str] = {hdrs.CACHE_CONTROL: CACHED}
        if robots := previews.robots_of(profile):
            headers["X-Robots-Tag"] = robots
        body = ET.tostring(self._feed(profile, posts.items), encoding="utf-8", xml_declaration=True)
        return revalidated(
            request, web.Response(body=body, content_type="application/atom+xml", headers=headers)
        )

    def _feed(self, profile: Profile, posts: Sequence[Post]) -> ET.Element:
        url = self._shared.links.profile_page(profile.username)
        feed = ET.Element("feed", {"xmlns": NAMESPACE})
        _add(feed, "id", url)
        _add(feed, "title", previews.name_of(profile))
        _add(feed, "updated", isoformat(max([profile.created_at_ms, *(_updated_ms(post) for post in posts)])))
        ET.SubElement(
            feed, "link", {"rel": "self", "type": "application/atom+xml", "href": f"{url}/feed.atom"}
        )
        ET.SubElement(feed, "link", {"rel": "alternate", "type": "text/html", "href": url})
        author = ET.SubElement(feed, "author")
        _add(author, "name", profile.full_name or profile.username)
        _add(author, "uri", url)
        if profile.bio:
            _add(feed, "subtitle", profile.bio)
        if profile.avatar_url:
            _add(feed, "logo", profile.avatar_url)
        for post in posts:
            feed.append(self._entry(post))
        return feed

    def _entry(self, post: Post) -> ET.Element:
        url = self._shared.links.post_page(post.id)
        entry = ET.Element("entry")
        _add(entry, "id", url)
        title = previews.shortened(post.card.caption, MAX_TITLE)
        _add(entry, "title", title or f"{previews.NO_TEXT} by @{post.author.username}")
        _add(entry, "published", isoformat(post.card.created_at_ms))
        _add(entry, "updated", isoformat(_updated_ms(post)))
        ET.SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": url})
        for image in post.card.images:
            source = previews.preview_source(image)
            ET.SubElement(entry, "link", {"rel": "enclosure", "type": source.type, "href": source.url})
        for tag in post.card.hashtags:
            ET.SubElement(entry, "category", {"term": NOT_XML.sub("", tag)})
        _add(entry, "content", _content(post)).set("type", "html")
        return entry


def _content(post: Post) -> str:
    """Return the content as HTML, in which texts are escaped; Atom escapes it once more."""
    pictures = [
        f'<p><img src="{escape(source.url)}" width="{source.width}" height="{source.height}"'
        f' alt="{escape(previews.alt_of(image, post.author))}"></p>'
        for image in post.card.images
        for source in [previews.preview_source(image)]
    ]
    caption = escape(post.card.caption).replace("\n", "<br>")
    return "".join(pictures) + (f"<p>{caption}</p>" if caption else "")


def _updated_ms(post: Post) -> int:
    return post.card.edited_at_ms or post.card.created_at_ms


def _add(parent: ET.Element, name: str, text: str) -> ET.Element:
    child = ET.SubElement(parent, name)
    child.text = NOT_XML.sub("", text)
    return child
