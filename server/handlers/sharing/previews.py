"""Titles, descriptions and images of shared posts and profiles, as pages, feeds and link previews show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from server.clock import moment
from server.services.content.sources import AVIF, JPEG, avatar_sources, image_sources, thumbnail_url
from server.services.emails.text import shortened
from server.services.records import Image, Post, Profile, SearchEngines, Source, UserCard

MAX_TITLE, MAX_DESCRIPTION, MAX_ALT = 70, 200, 200
PREVIEW_WIDTH = 1440  # sites that show previews refuse very large files
NOT_INDEXED = "noindex, noarchive, noimageindex"
NO_TEXT = "A photo"


@dataclass(frozen=True, slots=True)
class Preview:
    """The preview of a link to a page. `robots` is empty if search engines may index the page."""

    url: str
    title: str
    description: str
    type: str
    twitter_card: str
    image: Source | None
    image_alt: str
    robots: str


def robots_of(profile: Profile) -> str:
    return "" if profile.search_engines is SearchEngines.ALLOW else NOT_INDEXED


def name_of(user: UserCard | Profile) -> str:
    return f"{user.full_name} (@{user.username})" if user.full_name else f"@{user.username}"


def post_preview(post: Post, url: str, robots: str) -> Preview:
    image = post.card.images[0] if post.card.images else None
    caption = shortened(post.card.caption, MAX_DESCRIPTION)
    return Preview(
        url,
        title=f"{name_of(post.author)}: {shortened(post.card.caption, MAX_TITLE) or NO_TEXT}",
        description=caption or f"{NO_TEXT} by {name_of(post.author)}",
        type="article",
        twitter_card="summary_large_image",
        image=None if image is None else preview_source(image),
        image_alt="" if image is None else alt_of(image, post.author),
        robots=robots,
    )


def profile_preview(profile: Profile, url: str) -> Preview:
    sources = avatar_sources(profile.avatar_url) if profile.avatar_url else []
    return Preview(
        url,
        title=name_of(profile),
        description=shortened(profile.bio, MAX_DESCRIPTION) or counts_of(profile),
        type="profile",
        twitter_card="summary",
        image=sources[-1] if sources else None,
        image_alt=f"The avatar of {name_of(profile)}",
        robots=robots_of(profile),
    )


def preview_source(image: Image, max_width: int = PREVIEW_WIDTH, max_height: int | None = None) -> Source:
    """Return the largest JPEG rendition within the limits, or the smallest one."""
    jpegs = [source for source in image_sources(image) if source.type == JPEG]
    fitting = [
        source
        for source in jpegs
        if source.width <= max_width and (max_height is None or source.height <= max_height)
    ]
    return fitting[-1] if fitting else jpegs[0]


def alt_of(image: Image, author: UserCard) -> str:
    return shortened(image.alt_text, MAX_ALT) or f"{NO_TEXT} by {name_of(author)}"


def counts_of(profile: Profile) -> str:
    counts = (
        (profile.posts_count, "post"),
        (profile.followers_count, "follower"),
        (profile.following_count, "following"),
    )
    return " · ".join(counted(number, noun) for number, noun in counts)


def post_counts(post: Post) -> str:
    """Return the numbers of likes and comments, without those that the author hides."""
    likes = post.shown_likes_count
    shown = [] if likes is None else [counted(likes, "like")]
    if post.card.options.comments_enabled:
        shown.append(counted(post.shown_comments_count, "comment"))
    return " · ".join(shown)


def counted(number: int, noun: str) -> str:
    plural = "" if number == 1 or noun == "following" else "s"
    return f"{number:,} {noun}{plural}"


def day_of(at_ms: int) -> str:
    at = moment(at_ms)
    return f"{at.day} {at:%B %Y}"


def picture_values(image: Image, author: UserCard) -> dict[str, Any]:
    """Return what the template of a page needs for `<picture>`."""
    sources = image_sources(image)
    largest = preview_source(image)
    return {
        "url": largest.url,
        "width": image.width,
        "height": image.height,
        "alt": alt_of(image, author),
        "jpeg": srcset(sources, JPEG),
        "avif": srcset(sources, AVIF),
    }


def srcset(sources: Sequence[Source], media_type: str) -> str:
    return ", ".join(f"{each.url} {each.width}w" for each in sources if each.type == media_type)


def tile_values(post: Post, url: str) -> dict[str, Any]:
    """Return what the template of a profile needs for a post."""
    image = post.card.images[0]
    return {"url": url, "thumbnail": thumbnail_url(image), "alt": alt_of(image, post.author)}
