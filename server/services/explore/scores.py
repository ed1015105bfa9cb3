"""Scores of posts, and the order of posts by different authors."""

import heapq
import math
from collections import deque
from collections.abc import Sequence

from server.ids import UserId
from server.models.explore.explore_candidates import ScoredPost

COMMENT_WEIGHT = 2
# Twelve and a half hours: the `hot` order of Reddit's published source (r2/lib/db/_sorts.pyx).
TENFOLD_S = 45_000
UNIT = 1_000_000_000  # scores are stored in billionths, which tell milliseconds apart
AUTHOR_GAP = 4


def engagement(post: ScoredPost) -> int:
    """Return the number of likes, and twice the number of comments."""
    return post.likes_count + COMMENT_WEIGHT * post.comments_count


def score(post: ScoredPost) -> int:
    """Return log10(engagement) + publication time in units of 45,000 s, in billionths.

    A post that is 12.5 hours older needs ten times the engagement. The scores of two posts differ by the same at all
    times, so a score has to be computed again only when its engagement changes.
    """
    return round(UNIT * (math.log10(max(1, engagement(post))) + post.created_at_ms / 1000 / TENFOLD_S))


def spread(posts: Sequence[ScoredPost], limit: int, gap: int = AUTHOR_GAP) -> list[ScoredPost]:
    """Return up to `limit` of the posts, which come with the best first, so that authors alternate.

    Between two posts of an author there are at least `gap` by others, as long as there are posts of enough authors.
    Otherwise the order is kept.
    """
    remaining: dict[UserId, deque[tuple[int, ScoredPost]]] = {}
    for rank, post in enumerate(posts):
        remaining.setdefault(post.author_id, deque()).append((rank, post))
    ready = [(each[0][0], author_id) for author_id, each in remaining.items()]
    heapq.heapify(ready)
    waiting: deque[UserId] = deque()
    chosen: list[ScoredPost] = []
    while len(chosen) < limit and (ready or waiting):
        if not ready:
            author_id = waiting.popleft()
            if not remaining[author_id]:
                continue
        else:
            _, author_id = heapq.heappop(ready)
        chosen.append(remaining[author_id].popleft()[1])
        waiting.append(author_id)
        if len(waiting) > gap:
            rested = waiting.popleft()
            if remaining[rested]:
                heapq.heappush(ready, (remaining[rested][0][0], rested))
    return chosen
