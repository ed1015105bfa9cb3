"""Records as JSON: camelCase members, ids as decimal strings, times in UTC."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson
from aiohttp import hdrs, web

from server.clock import isoformat
from server.handlers.user_cards import avatar_sources_of, related_card, relationship, source_of_image
from server.ids import UserId, id_timestamp_ms
from server.paging import Page
from server.services.content.limits import POSITION_SCALE
from server.services.content.sources import (
    ANIMATED,
    image_sources,
    named_urls,
    thumbnail,
)
from server.services.records import (
    NO_RELATIONSHIP,
    Comment,
    Draft,
    Image,
    LoginSession,
    Place,
    Profile,
    Tag,
    UnusedMedia,
)

Item = TypeVar("Item")


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=orjson.dumps(body), status=status, content_type="application/json", headers=headers
    )


def json_bytes_response(body: bytes) -> web.Response:
    """Return a body that is JSON already."""
    return web.Response(body=body, content_type="application/json")


def page_response(request: web.Request, page: Page[Item], render: Callable[[Item], Any]) -> web.Response:
    """Return a page, with the URL of the next one in a Link header."""
    return json_response(page_body(page, render), 200, _next_link(request, page.next_cursor))


def rendered_page_response(
    request: web.Request, body: bytes, next_cursor: str | None, etag: str
) -> web.Response:
    """Return a page that is JSON already."""
    headers = _next_link(request, next_cursor)
    headers[hdrs.ETAG] = etag
    return web.Response(body=body, content_type="application/json", headers=headers)


def _next_link(request: web.Request, next_cursor: str | None) -> dict[str, str]:
    if next_cursor is None:
        return {}
    query = f"cursor={next_cursor}"
    if request.query_string:
        query = urlencode({**request.query, "cursor": next_cursor})
    return {"Link": f'<{request.path}?{query}>; rel="next"'}


def page_body(page: Page[Item], render: Callable[[Item], Any]) -> dict[str, Any]:
    return {"items": [render(item) for item in page.items], "nextCursor": page.next_cursor}


def profile(record: Profile) -> dict[str, Any]:
    """Serialize a profile; e-mail, role and relationship only if the record has them."""
    body: dict[str, Any] = {
        "id": str(record.id),
        "username": record.username,
        "fullName": record.full_name,
        "bio": record.bio,
        "website": record.website,
        "avatarUrl": record.avatar_url,
        "avatarSources": avatar_sources_of(record.avatar_url),
        "isCelebrity": record.is_celebrity,
        "postsCount": record.posts_count,
        "followersCount": record.followers_count,
        "followingCount": record.following_count,
        "isPrivate": record.is_private,
        "shareUrl": record.share_url,
        "createdAt": isoformat(record.created_at_ms),
    }
    if record.address is not None:
        body |= {
            "email": record.address.email,
            "emailVerified": record.address.verified,
            "pendingEmail": record.address.pending,
            "role": record.role,
            "searchEngines": record.search_engines,
        }
    if record.relationship is not None:
        body |= {
            "isFollowing": record.relationship.following,
            "followsYou": record.relationship.followed_by,
            "relationship": relationship(record.relationship),
        }
    return body


def login_session(record: LoginSession) -> dict[str, Any]:
    return {
        "id": str(record.id),
        "device": record.user_agent,
        "address": record.address,
        "createdAt": isoformat(record.created_at_ms),
        "lastUsedAt": isoformat(record.last_used_at_ms),
        "current": record.current,
        "method": record.method,
        "secondFactor": record.second_factor,
    }


def image(record: Image) -> dict[str, Any]:
    sources, square = image_sources(record), thumbnail(record)
    return {
        "id": str(record.id),
        "url": sources[-1].url,
        "width": record.width,
        "height": record.height,
        "blurhash": record.blurhash,
        "altText": record.alt_text,
        "animated": ANIMATED in record.variants,
        "sources": [source_of_image(each) for each in sources],
        "thumbnail": None if square is None else source_of_image(square),
        "variants": named_urls(sources),
        "tags": [tag(each) for each in record.tags],
    }


def place(record: Place) -> dict[str, Any]:
    return {"id": str(record.id), "name": record.name, "lat": record.lat, "lng": record.lng}


def tag(record: Tag) -> dict[str, Any]:
    return {
        "userId": str(record.user_id),
        "x": record.x / POSITION_SCALE,
        "y": record.y / POSITION_SCALE,
    }


def unused_media(record: UnusedMedia, image: dict[str, Any] | None) -> dict[str, Any]:
    """Serialize media with their rendered picture."""
    problem = record.problem
    return {
        "id": str(record.id),
        "status": record.status,
        "altText": record.alt_text,
        "image": image,
        "problem": None if problem is None else {"code": problem.code, "detail": problem.detail},
        "expiresAt": isoformat(record.expires_at_ms),
    }


def draft(record: Draft, images: Sequence[Image]) -> dict[str, Any]:
    """Serialize a draft with its pictures as a post."""
    problem = record.problem
    return {
        "id": str(record.id),
        "caption": record.caption,
        **mentions({}),
        "hashtags": record.hashtags,
        "audience": record.audience,
        "pinned": False,
        "commentsEnabled": record.options.comments_enabled,
        "hideLikeCount": record.options.like_count_hidden,
        "place": None,
        "images": [image(each) for each in images],
        "createdAt": isoformat(id_timestamp_ms(record.id)),
        "editedAt": None if record.edited_at_ms is None else isoformat(record.edited_at_ms),
        "status": record.status,
        "publishAt": None if record.publish_at_ms is None else isoformat(record.publish_at_ms),
        "problem": None if problem is None else {"code": problem.code, "detail": problem.detail},
        "author": related_card(record.author, NO_RELATIONSHIP),
        "likesCount": 0,
        "commentsCount": 0,
        "liked": False,
        "saved": False,
        "shareUrl": None,
    }


def comment(record: Comment) -> dict[str, Any]:
    return {
        "id": str(record.id),
        "postId": str(record.post_id),
        "parentId": None if record.parent_id is None else str(record.parent_id),
        "author": related_card(record.author, record.relationship),
        "content": record.content,
        **mentions(record.mentions),
        "repliesCount": record.replies_count,
        "likesCount": record.likes_count,
        "liked": record.liked,
        "pinned": record.pinned,
        "pending": record.pending,
        "createdAt": isoformat(record.created_at_ms),
        "editedAt": None if record.edited_at_ms is None else isoformat(record.edited_at_ms),
    }


def mentions(written: Mapping[str, UserId]) -> dict[str, Any]:
    return {
        "mentions": list(written),
        "mentionedUsers": [{"id": str(user_id), "writtenAs": name} for name, user_id in written.items()],
    }
