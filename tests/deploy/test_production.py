"""The production section of `docs/operations.md`, carried out from nothing: install, use, restart, lose, restore."""

import asyncio
import os
import shutil
import signal
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout, TCPConnector

from tests.support.inputs import photos
from tests.support.production import Installation
from tests.support.program import Person, print_figures
from tests.support.programs import required_program
from tools.harness.waiting import wait_until

# Installs the dependencies as well, which needs the package index, and restarts every process.
FULL = os.environ.get("CHAOS") == "full"
PAUSE_S = 0.2
COMMENT_EVERY = 10  # requests; more would exceed the limits of new accounts on a slow machine

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600 if FULL else 240)]


@pytest.fixture
async def installation(scratch: Path, mariadb_stack_runs: None) -> AsyncIterator[Installation]:
    required_program("nginx")
    folder = scratch / "production"
    folder.mkdir()
    with ExitStack() as closing:
        closing.callback(shutil.rmtree, folder)
        installation = Installation(folder, closing, fresh=FULL)
        yield installation
        await installation.lose_processes()
        for program in (*installation.apis, *installation.workers):
            with suppress(FileNotFoundError):  # pytest shows it when the test failed
                print_figures("\n".join([program.err, *program.out.splitlines()[-40:]]))


@pytest.fixture
async def browser(installation: Installation) -> AsyncIterator[ClientSession]:
    """A client that trusts the certificate of nginx."""
    tls: ssl.SSLContext = installation.nginx.tls
    async with ClientSession(connector=TCPConnector(ssl=tls), timeout=ClientTimeout(total=30)) as session:
        yield session


async def test_documented_installation_survives_total_loss(
    installation: Installation, browser: ClientSession
) -> None:
    installation.create_database()
    installation.migrate()
    await start(installation)
    ana, ben = [await Person(installation.apis[0], browser, name).register() for name in ("ana", "ben")]
    post = await tour(installation, ana, ben)
    await restart(installation, ana, ben, post["id"])
    assert installation.nginx.statuses() <= {200, 201, 404, 499}, installation.nginx.log

    installation.backup()
    before = await everything(ana, ben, post)
    await installation.lose_processes()
    installation.destroy_data()
    installation.create_database()
    installation.restore()
    await start(installation)
    assert await everything(ana, ben, post) == before
    await ben.on_another_device()
    installation.check_caches()


async def start(installation: Installation) -> None:
    """Start two API processes and two workers, each with a separate data folder."""
    for program in (*installation.apis, *installation.workers):
        program.spawn()
    for program in (*installation.apis, *installation.workers):
        await program.ready()


async def tour(installation: Installation, ana: Person, ben: Person) -> dict[str, Any]:
    """Publish, follow, like and comment through nginx; return the post. The metrics are not reachable there."""
    await ben.follow(ana)
    async with ana.stream() as stream:
        post = await ana.publish(photos.blots(), caption="by the sea")
        await wait_until(lambda: shows(ben, post["id"]))
        await ben.like(post["id"])
        assert (await stream.event()).event in ("follow", "like")
        await ben.comment(post["id"], "Where was that?")
        while (event := await stream.event()).event != "comment":
            pass
        assert "Where was that?" in event.data
    await wait_until(lambda: len(installation.smtp.taken) >= 2)  # to verify the addresses
    assert set(installation.smtp.signed_in) == {b"photofeed@example.com"}
    token = {"Authorization": f"Bearer {installation.metrics_token}"}
    for api in installation.apis:
        async with ana.session.get(f"{api.own_url}/metrics", headers=token) as response:
            assert response.status == 200
        async with ana.session.get(f"{api.own_url}/metrics") as response:
            assert response.status == 401
    assert (await ana.call("GET", "/metrics", headers=token)).status == 404
    return post


async def restart(installation: Installation, ana: Person, ben: Person, post_id: str) -> None:
    """Restart one API process, or all processes in the full run, while two users go on: each request must succeed."""
    stopping = asyncio.Event()
    using = [asyncio.create_task(use(person, post_id, stopping)) for person in (ana, ben)]
    for api in installation.apis if FULL else installation.apis[:1]:
        api.signal(signal.SIGTERM)
        assert (await api.end()).code == 0
        await api.start()
        async with ana.session.get(f"{api.own_url}/readyz") as response:
            assert response.status == 200
    for worker in installation.workers if FULL else ():
        worker.signal(signal.SIGTERM)
        assert (await worker.end()).code == 0
        await worker.start()
    stopping.set()
    answers = sum(await asyncio.gather(*using), Counter[int]())
    assert set(answers) == {200, 201}, answers
    print_figures(f"{answers.total()} requests during the restart")


async def use(person: Person, post_id: str, stopping: asyncio.Event) -> Counter[int]:
    """Read the feed, and comment now and then; return the statuses."""
    statuses = Counter[int]()
    while not stopping.is_set():
        if statuses.total() % COMMENT_EVERY:
            answer = await person.call("GET", "/feed")
        else:
            answer = await person.call("POST", f"/posts/{post_id}/comments", json={"content": "Still here."})
        statuses[answer.status] += 1
        await asyncio.sleep(PAUSE_S)
    return statuses


async def shows(person: Person, post_id: str) -> bool:
    return post_id in [post["id"] for post in await person.feed()]


async def everything(ana: Person, ben: Person, post: dict[str, Any]) -> dict[str, Any]:
    """Return what must survive, as the users see it with the access tokens that they have."""
    (shown,) = await ben.feed()
    picture = await ben.call("GET", post["images"][0]["url"])
    assert (picture.status, picture.headers["Content-Type"]) == (200, "image/jpeg")
    likers = await ana.list_all(f"/posts/{post['id']}/likes")
    return {
        "post": {name: shown[name] for name in ("id", "caption", "likesCount", "commentsCount", "liked")},
        "picture": picture.content,
        "likers": [user["username"] for user in likers],
        "comments": [each["content"] for each in await ben.list_all(f"/posts/{post['id']}/comments")],
        "notifications": [each["type"] for each in await ana.notifications()],
    }
