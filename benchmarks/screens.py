"""Screen benchmark: what a client's screens cost, in requests, bytes and milliseconds.

Replays each screen as a client that accepts Brotli: once cold, then again with the ETags that it got. The last column
has the bytes of the second time, where a 304 has none.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import ClientSession
from rich.console import Console
from rich.table import Table

from benchmarks.dataset import Dataset, embedded_stack, opened
from benchmarks.processes import server
from server import logs
from server.models.database import Database
from tools.harness.access_tokens import access_tokens
from tools.harness.backends import Stack
from tools.harness.servers import make_scratch

USERS, POSTS, NOTIFICATIONS, COMMENTS = 60, 600, 30, 30
ROUNDS = 15


@dataclass
class Figures:
    """Costs of the requests of one screen; times of all rounds."""

    requests: int = 0
    plain: int = 0
    compressed: int = 0
    again: int = 0
    ms: list[float] = field(default_factory=list[float])


def screens(me: int, other: int, post: int) -> dict[str, list[str]]:
    """Return the requests of each screen of a photo app that this API has."""
    return {
        "feed": ["/feed"],
        "own profile": ["/users/profile?include=posts"],
        "profile": [f"/users/{other}?include=posts"],
        "post": [f"/posts/{post}?include=comments"],
        "activity": ["/notifications"],
        "badge": ["/notifications/unread-count"],
        "followers": [f"/users/{me}/followers"],
        "likes of a post": [f"/posts/{post}/likes"],
        "search": ["/search?q=user1"],
        "completion of a name": ["/users?prefix=user"],
        "explore": ["/explore"],
        "trending hashtags": ["/hashtags/trending"],
        "hashtag": ["/hashtags/sunset", "/hashtags/sunset/posts"],
        "suggestions": ["/users/suggestions"],
        "saved": ["/saved", "/collections"],
        "my activity": ["/users/profile/likes", "/users/profile/comments"],
        "photos of a user": [f"/users/{other}/tagged"],
        "requests to follow": ["/follow-requests"],
        "blocked and muted": ["/blocks", "/mutes"],
        "login activity": ["/auth/sessions", "/auth/methods"],
        "notification settings": ["/notifications/preferences"],
        "app start": ["/config", "/users/profile", "/notifications/unread-count"],
    }


async def measure(console: Console) -> None:
    """Print the table, measured on SQLite and Valkey."""
    logs.configure("error", "console")
    with embedded_stack(make_scratch()) as stack:
        async with opened(stack) as (database, _):
            token, wanted = await _prepare(stack, database)
        environ = {**os.environ, **stack.environ, "LOG_FORMAT": "json", "THROTTLE_ENABLED": "false"}
        with server([sys.executable, "run.py", "--port=0"], environ) as (_, ready):
            url = json.loads(ready)["listening"]
            headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "br"}
            async with ClientSession(url, headers=headers, auto_decompress=False) as session:
                comments = f"{wanted['post'][0].partition('?')[0]}/comments"
                for number in range(COMMENTS):
                    await _comment(session, comments, number)
                found = {name: await _replay(session, paths) for name, paths in wanted.items()}
    _print(console, found)


async def _prepare(stack: Stack, database: Database) -> tuple[str, dict[str, list[str]]]:
    """Insert users who follow one of them and each other, with posts; return the one's token and screens."""
    dataset = Dataset(database)
    users = await dataset.users(USERS)
    me, *others = users
    await dataset.follow([me], others)
    await dataset.follow(others, [me])
    posts = await dataset.posts(users, POSTS, pictures=1)
    for sequence in range(1, NOTIFICATIONS + 1):
        await dataset.notifications(users, posts, sequence)
    sessions = await dataset.sessions(users)
    (token, *_) = access_tokens(stack, zip(users, sessions, strict=True))
    return token, screens(me, others[0], posts[-1])


async def _comment(session: ClientSession, path: str, number: int) -> None:
    async with session.post(path, json={"content": f"Where was that? {number}"}) as response:
        assert response.status == 201, await response.text()


async def _replay(session: ClientSession, paths: Sequence[str]) -> Figures:
    figures, etags = Figures(requests=len(paths)), dict[str, str]()
    for number in range(ROUNDS):
        began_s = time.perf_counter()
        for path in paths:
            async with session.get(path) as response:
                body = await response.read()
            assert response.status == 200, f"GET {path} -> {response.status}"
            etags[path] = response.headers.get("ETag", "")
            figures.compressed += len(body) if number == 0 else 0
        figures.ms.append((time.perf_counter() - began_s) * 1000)
    for path in paths:
        async with session.get(path, headers={"Accept-Encoding": "identity"}) as response:
            figures.plain += len(await response.read())
        async with session.get(path, headers={"If-None-Match": etags[path] or '"none"'}) as response:
            figures.again += len(await response.read())
    return figures


def _print(console: Console, found: dict[str, Figures]) -> None:
    table = Table(title="Screens")
    table.add_column("Screen")
    for column in ("Requests", "Bytes", "With Brotli", "Again", "Median ms"):
        table.add_column(column, justify="right")
    for name, figures in found.items():
        table.add_row(
            name,
            str(figures.requests),
            f"{figures.plain:,}",
            f"{figures.compressed:,}",
            f"{figures.again:,}",
            f"{statistics.median(figures.ms):.1f}",
        )
    console.print(table)
