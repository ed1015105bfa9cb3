"""Pages of public posts and profiles: complete, harmless, and the same page for everything hidden."""

import html
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
from aiohttp import ClientSession

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Answer, Person, Program, call_with_raw_headers

ON_EMBEDDED = pytest.mark.parametrize("stack", ["embedded"], indirect=True)
ATOM = "{http://www.w3.org/2005/Atom}"
PAYLOAD = "<script>alert(1)</script>\"><img src=x onerror=alert(2)> '{{7*7}}' ]]> &amp; #sunset"
VOID = {"meta", "link", "img", "source", "br", "hr", "input"}


class Elements(HTMLParser):
    """The elements of a page with their attributes. Fails for elements that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def named(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.found if name == tag]

    def meta(self, name: str) -> str:
        (value,) = [
            each["content"] for each in self.named("meta") if name in (each.get("property"), each.get("name"))
        ]
        return value

    def link(self, **wanted: str) -> str:
        (found,) = [each["href"] for each in self.named("link") if wanted.items() <= each.items()]
        return found


@pytest.fixture
def reader(program: Program, session: ClientSession) -> Person:
    return Person(program, session, username="")


async def page(reader: Person, url: str) -> tuple[Answer, Elements]:
    answer = await reader.call("GET", url)
    assert answer.status == 200, answer
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return answer, Elements(answer.content.decode())


async def test_post_page_shows_the_post_and_its_preview(
    register: Register, program: Program, reader: Person
) -> None:
    ana, ben = await register(program, "ana", "ben")
    await ana.request("PATCH", "/users/profile", json={"fullName": "Ana Lima"})
    post = await ana.publish(photos.small(), photos.small(), caption="The last light #sunset")
    await ben.like(post["id"])
    assert post["shareUrl"] == f"{origin(post)}/p/{post['id']}"
    answer, elements = await page(reader, post["shareUrl"])
    text = html.unescape(answer.content.decode())
    assert "The last light #sunset" in text
    assert "1 like · 0 comments" in text
    assert elements.link(rel="canonical") == elements.meta("og:url") == post["shareUrl"]
    assert elements.meta("og:title") == "Ana Lima (@ana): The last light #sunset"
    assert elements.meta("og:type") == "article"
    assert elements.meta("twitter:card") == "summary_large_image"
    sources = {source["url"]: source for source in post["images"][0]["sources"]}
    image = elements.meta("og:image")
    assert elements.meta("og:image:width") == str(sources[image]["width"])
    assert (await reader.call("GET", image)).status == 200
    images = [each for each in elements.named("img") if "srcset" in each]
    assert len(images) == 2
    assert all(each["alt"] == "A photo by Ana Lima (@ana)" and each["sizes"] for each in images)
    (script,) = elements.named("script")
    assert re.fullmatch(
        "/web/[0-9a-f]+/client/main.js", script["src"]
    )  # it does nothing for anonymous readers
    assert [each["href"] for each in elements.named("a")][1] == f"{origin(post)}/@ana"

    oembed = await reader.request("GET", elements.link(type="application/json+oembed"))
    assert (oembed["type"], oembed["version"]) == ("photo", "1.0")
    assert oembed["author_url"] == f"{origin(post)}/@ana"
    assert oembed["url"] in sources
    small = await reader.request("GET", "/oembed", params={"url": post["shareUrl"], "maxwidth": "40"})
    assert small["width"] <= min(source["width"] for source in sources.values())


async def test_profile_page_shows_public_posts(register: Register, program: Program, reader: Person) -> None:
    (ana,) = await register(program, "ana")
    body = {"fullName": "Ana Lima", "bio": "Light and hills", "website": "https://ana.example.com/a?b=1&c=2"}
    profile = await ana.request("PATCH", "/users/profile", json=body)
    posts = [await ana.publish(photos.small(), caption=f"Number {number}") for number in range(26)]
    hidden = await ana.publish(photos.small())
    await ana.request("PATCH", f"/posts/{hidden['id']}", json={"audience": "followers"})
    answer, elements = await page(reader, profile["shareUrl"])
    links = [each["href"] for each in elements.named("a")]
    assert [link for link in links if "/p/" in link] == [post["shareUrl"] for post in posts[:1:-1]]
    assert "https://ana.example.com/a?b=1&c=2" in links
    assert elements.meta("og:type") == "profile"
    assert elements.meta("description") == "Light and hills"
    _, older = await page(reader, elements.link(rel="next"))
    links = [each["href"] for each in older.named("a")]
    assert [link for link in links if "/p/" in link] == [post["shareUrl"] for post in posts[1::-1]]
    again = await reader.call("GET", profile["shareUrl"], headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304
    preview = await reader.request("GET", "/oembed", params={"url": profile["shareUrl"]})
    assert (preview["type"], preview["title"]) == ("link", "Ana Lima (@ana)")
    assert (await page(reader, "/@ANA"))[1].link(rel="canonical") == profile["shareUrl"]


@ON_EMBEDDED
async def test_texts_of_users_are_only_text(register: Register, program: Program, reader: Person) -> None:
    (ana,) = await register(program, "ana")
    body = {"fullName": '"><svg onload=alert(3)>', "bio": PAYLOAD}
    await ana.request("PATCH", "/users/profile", json=body)
    post = await ana.publish(photos.small(), caption=PAYLOAD)
    await ana.request("PATCH", f"/posts/{post['id']}", json={"altTexts": [PAYLOAD]})
    for url in (post["shareUrl"], f"{origin(post)}/@ana"):
        answer, elements = await page(reader, url)
        tags = {tag for tag, _ in elements.found}
        assert tags <= {
            "html", "head", "meta", "title", "link", "style", "body", "header", "main", "footer", "article", "a", "div",
            "span", "strong", "figure", "picture", "source", "img", "p", "time", "ul", "li", "h1", "script",
        }  # fmt: skip
        assert not [name for _, attributes in elements.found for name in attributes if name.startswith("on")]
        assert "49" not in re.sub(
            r"\d{5,}", "", answer.content.decode().partition("</head>")[0].partition("og:")[2]
        )
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "script-src 'self';" in policy
        assert len(elements.named("script")) == 1
        assert "unsafe" not in policy
    feed = parsed(await reader.call("GET", "/@ana/feed.atom"))
    content = feed.findtext(f"{ATOM}entry/{ATOM}content") or ""
    inner = Elements(content)
    assert {tag for tag, _ in inner.found} == {"p", "img"}
    assert inner.named("img")[0]["alt"].startswith("<script>alert(1)")
    preview = await reader.request("GET", "/oembed", params={"url": post["shareUrl"]})
    assert "html" not in preview


async def test_hidden_and_missing_pages_are_the_same(
    register: Register, program: Program, reader: Person
) -> None:
    ana, ben = await register(program, "ana", "ben")
    private, deleted, followers = [await ana.publish(photos.small()) for _ in range(3)]
    await ana.request("PATCH", f"/posts/{followers['id']}", json={"audience": "followers"})
    assert (await ana.call("DELETE", f"/posts/{deleted['id']}")).ok
    assert (await ana.request("GET", f"/posts/{followers['id']}"))["shareUrl"] is None
    await ben.publish(photos.small())
    await ben.request("PATCH", "/users/profile", json={"isPrivate": True})
    assert (await ben.request("GET", "/users/profile"))["shareUrl"] is None
    await ana.request("PATCH", f"/posts/{private['id']}", json={"audience": "close_friends"})
    paths = [f"/p/{post['id']}" for post in (private, deleted, followers)]
    paths += [
        "/p/1",
        "/p/99999999999999999",
        "/p/x",
        "/@ben",
        "/@nil",
        "/@a",
        "/@ben/feed.atom",
        "/@ana?cursor=x",
    ]
    pages = [await reader.call("GET", path) for path in paths]
    assert {answer.status for answer in pages} == {404}
    assert len({answer.content for answer in pages}) == 1
    assert all(answer.headers["X-Robots-Tag"] == "noindex" for answer in pages)
    assert b"This page is not available" in pages[0].content
    for url in (
        "https://example.com/p/1",
        f"{origin(private)}/p/{private['id']}",
        f"{origin(private)}/@ben",
        "x",
    ):
        answer = await reader.call("GET", "/oembed", params={"url": url})
        assert answer.status == 404, url


@ON_EMBEDDED
async def test_account_decides_about_search_engines(
    register: Register, program: Program, reader: Person
) -> None:
    (ana,) = await register(program, "ana")
    assert (await ana.request("GET", "/users/profile"))["searchEngines"] == "deny"
    post = await ana.publish(photos.small())
    urls = (post["shareUrl"], f"{origin(post)}/@ana")
    for url in urls:
        answer, elements = await page(reader, url)
        assert answer.headers["X-Robots-Tag"] == elements.meta("robots") == "noindex, noarchive, noimageindex"
    assert "noindex" in (await reader.call("GET", "/@ana/feed.atom")).headers["X-Robots-Tag"]
    allowed = await ana.request("PATCH", "/users/profile", json={"searchEngines": "allow"})
    assert allowed["searchEngines"] == "allow"
    for url in urls:
        answer, _ = await page(reader, url)
        assert "X-Robots-Tag" not in answer.headers
        assert b"noindex" not in answer.content
    refused = await ana.call("PATCH", "/users/profile", json={"searchEngines": "perhaps"})
    assert "searchEngines" in refused.json["errors"]
    assert "searchEngines" not in await reader.request("GET", "/users/@ana")
    robots = (await reader.call("GET", "/robots.txt")).content.decode()
    assert "Allow: /p/\n" in robots


async def test_atom_feed_is_complete(register: Register, program: Program, reader: Person) -> None:
    (ana,) = await register(program, "ana")
    await ana.request("PATCH", "/users/profile", json={"bio": "Light and hills"})
    posts = [await ana.publish(photos.small(), caption=f"Number {number} #sunset") for number in range(3)]
    answer = await reader.call("GET", "/@ana/feed.atom")
    assert answer.headers["Content-Type"] == "application/atom+xml"
    feed = parsed(answer)
    assert feed.tag == f"{ATOM}feed"
    for name in ("id", "title", "updated", "author"):
        assert feed.find(f"{ATOM}{name}") is not None
    assert {link.get("rel") for link in feed.findall(f"{ATOM}link")} == {"self", "alternate"}
    entries = feed.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}id") for entry in entries] == [
        post["shareUrl"] for post in reversed(posts)
    ]
    for entry in entries:
        for name in ("title", "updated", "published", "content"):
            assert entry.findtext(f"{ATOM}{name}")
        links = {link.get("rel"): link.get("href") for link in entry.findall(f"{ATOM}link")}
        assert (await reader.call("GET", links["enclosure"] or "")).headers["Content-Type"] == "image/jpeg"
    again = await reader.call("GET", "/@ana/feed.atom", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304


@ON_EMBEDDED
async def test_addresses_do_not_follow_the_host_header(
    register: Register, program: Program, reader: Person
) -> None:
    (ana,) = await register(program, "ana")
    post = await ana.publish(photos.small())
    for path in (urlsplit(post["shareUrl"]).path, "/@ana", "/", "/@ana/feed.atom", "/robots.txt"):
        answer = await call_with_raw_headers(program, "GET", path, {"Host": "evil.example"})
        assert answer.status == 200, path
        assert b"evil.example" not in answer.content
        assert "evil.example" not in str(answer.headers)


@ON_EMBEDDED
async def test_without_public_reads_there_are_no_pages(
    new_program: NewProgram, register: Register, session: ClientSession
) -> None:
    program = await new_program("--port=0", PUBLIC_READS="false").start()
    (ana,) = await register(program, "ana")
    post = await ana.publish(photos.small())
    assert post["shareUrl"] is None
    reader = Person(program, session, username="")
    for path in (f"/p/{post['id']}", "/@ana", "/@ana/feed.atom"):
        assert (await reader.call("GET", path)).status == 404, path
    assert (await reader.call("GET", "/robots.txt")).content == b"User-agent: *\nDisallow: /\n"


@ON_EMBEDDED
async def test_start_page_leads_on(
    program: Program, reader: Person, new_program: NewProgram, session: ClientSession
) -> None:
    await program.interrupt()
    program = await new_program("--port=0", WEB="false").start()
    reader = Person(program, session, username="")
    answer, elements = await page(reader, "/")
    assert not elements.named("script")
    links = [urlsplit(each["href"]).path for each in elements.named("a")]
    assert {"/api", "/readyz"} <= set(links)
    assert answer.headers["X-Robots-Tag"] == "noindex"
    await program.interrupt()
    with_client = await new_program("--port=0", WEB="false", CLIENT_URL="https://photos.example.com").start()
    client = Person(with_client, session, username="")
    moved = await client.call("GET", "/", allow_redirects=False)
    assert (moved.status, moved.headers["Location"]) == (302, "https://photos.example.com")


def origin(post: dict[str, Any]) -> str:
    parts = urlsplit(post["images"][0]["url"])
    return f"{parts.scheme}://{parts.netloc}"


def parsed(answer: Answer) -> ET.Element:
    assert answer.status == 200, answer
    return ET.fromstring(answer.content)  # noqa: S314 - of our own program
