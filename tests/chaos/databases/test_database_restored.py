"""R21: the database is restored from a dump while Redis lives on; nothing of the lost future is shown.

On MariaDB the program keeps running, and the operator runs `restored`. On SQLite it restarts on a copy of the file.
"""

import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.chaos.conftest import Report
from tests.chaos.environment import redis_of, rounds, settled
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Person, Program
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("migrated_stack")]

RIGHT_WITHIN_S = 5.0
PLANTED = 10**15


@dataclass(frozen=True, slots=True)
class People:
    ana: Person
    ben: Person
    cleo: Person

    @property
    def feeds(self) -> tuple[Person, ...]:
        return self.ana, self.ben, self.cleo


def dump(stack: Stack) -> str:
    """Dump the database: the statements on MariaDB, the name of a copy on SQLite."""
    if stack.mariadb is not None:
        return stack.mariadb.dump(stack.database["DB_NAME"])
    copy = stack.var_dir / f"copy-{time.monotonic_ns()}.sqlite3"
    with closing(sqlite3.connect(stack.sqlite_file)) as database:
        database.execute("VACUUM INTO ?", [str(copy)])
    return str(copy)


async def restore(stack: Stack, program: Program, new_program: NewProgram, dumped: str) -> None:
    if stack.mariadb is not None:
        stack.mariadb.query(dumped, stack.database["DB_NAME"])
        ended = await new_program("restored").spawn().end()
        assert (ended.code, ended.err) == (0, "")
        return
    assert await program.interrupt() == 0
    replace_file(stack.sqlite_file, dumped)
    await program.start()
    assert program.logged("database_restore_noticed")


def replace_file(file: Path, dumped: str) -> None:
    for suffix in ("-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)
    shutil.copyfile(dumped, file)


async def shown(people: People, post_id: str) -> list[object]:
    """Return what users see: feeds, a post, profiles, notifications."""
    feeds = [
        [(post["id"], post["caption"], post["likesCount"], post["commentsCount"], post["author"]["fullName"])]
        for person in people.feeds
        for post in await person.feed()
    ]
    post = await people.ben.request("GET", f"/posts/{post_id}")
    profiles = [await people.ben.request("GET", f"/users/{each.id}") for each in people.feeds]
    counts = [(each["followersCount"], each["followingCount"], each["postsCount"]) for each in profiles]
    told = [[each["id"] for each in await person.notifications()] for person in people.feeds]
    return [feeds, post["likesCount"], post["caption"], counts, told]


async def lost_future(people: People, post_ids: list[str]) -> Person:
    """Change everything that is cached; return a person who is signed in with a lost session."""
    ana, ben, cleo = people.ana, people.ben, people.cleo
    await ana.publish(photos.small(), caption="lost")
    await ana.request("PUT", f"/posts/{post_ids[0]}", json={"caption": "changed"})
    await ana.request("PUT", "/users/profile", json={"fullName": "Lost Name"})
    assert (await ana.call("DELETE", f"/posts/{post_ids[1]}")).ok
    await cleo.follow(ana)
    await cleo.like(post_ids[0])
    await cleo.comment(post_ids[0], "lost")
    for person in people.feeds:
        await person.feed()
    return await ben.on_another_device()


async def test_restored_database_shows_nothing_of_the_lost_future(
    stack: Stack, new_program: NewProgram, register: Register, report: Report
) -> None:
    program = await new_program("--port=0").start()
    slowest_s = 0.0
    for turn in range(rounds(1, 10)):
        people = People(*await register(program, f"ana{turn}", f"ben{turn}", f"cleo{turn}"))
        await people.ben.follow(people.ana)
        posts = [(await people.ana.publish(photos.small(), caption="kept"))["id"] for _ in range(2)]
        await people.ben.like(posts[0])
        await settled(stack, 10)
        before = await shown(people, posts[0])
        dumped = dump(stack)
        lost = await lost_future(people, posts)
        await settled(stack, 10)
        async with people.ana.stream() as stream:
            assert await shown(people, posts[0]) != before
            await restore(stack, program, new_program, dumped)
            began = time.monotonic()

            async def is_right(
                people: People = people, post: str = posts[0], before: object = before
            ) -> bool:
                return await shown(people, post) == before

            await wait_until(is_right, RIGHT_WITHIN_S)
            slowest_s = max(slowest_s, time.monotonic() - began)
            positions = [block.id for block in await stream.rest() if block.id]
        assert (await lost.call("GET", "/users/profile")).status == 401
        await resumes_with_a_reset(people.ana, positions[-1])
        await works_again(people, posts)
        assert (await new_program("doctor", "feeds").spawn().end()).code == 0
    report(
        f"R21 {stack.name}: {rounds(1, 10)} restores, nothing of the lost future shown, right within {slowest_s:.1f} s"
    )


async def resumes_with_a_reset(person: Person, last_event_id: str) -> None:
    """Check that a stream that resumes after an event of the lost future starts over."""
    async with person.stream(last_event_id) as stream:
        assert (await stream.event()).event == "reset"


async def works_again(people: People, post_ids: list[str]) -> None:
    """Repeat the lost changes with other values: their revisions are those of the lost ones."""
    await people.ana.request("PUT", f"/posts/{post_ids[0]}", json={"caption": "again"})
    await people.ana.request("PUT", "/users/profile", json={"fullName": "Another Name"})
    await people.cleo.like(post_ids[0])

    async def is_told() -> bool:
        return len(await people.ana.notifications()) == 2

    await wait_until(is_told)
    newest, post = await people.ben.feed()
    assert newest["id"] == post_ids[1]
    assert (post["caption"], post["likesCount"], post["author"]["fullName"]) == ("again", 2, "Another Name")


async def test_doctor_finds_what_the_database_does_not_have(
    stack: Stack, new_program: NewProgram, register: Register
) -> None:
    program = await new_program("--port=0").start()
    people = People(*await register(program, "ana", "ben", "cleo"))
    await people.ben.follow(people.ana)
    post = (await people.ana.publish(photos.small()))["id"]
    await settled(stack, 10)
    before = await shown(people, post)
    with redis_of(stack) as redis:
        redis.hset("counts", str(PLANTED), f"3,{people.ana.id},5,0,")
        redis.hset("counts", post, f"7,{people.ana.id},5,0,")
        assert await shown(people, post) != before
        redis.zadd(f"feed:{people.ben.id}", {str(PLANTED): PLANTED})  # a read would remove it
        redis.hset("people", people.ana.id, "99")
        redis.hset("people", "1234", "1")
    found = await new_program("doctor", "feeds").spawn().end()
    assert found.code == 1
    lines = [line.split() for line in found.out.splitlines()]
    assert {tuple(line[:2]) for line in lines if line[0] in ("feed", "counters", "user")} == {
        ("feed", "ben"), ("counters", post), ("counters", str(PLANTED)), ("user", "card"),
    }  # fmt: skip
    assert (await new_program("doctor", "feeds", "--fix").spawn().end()).code == 0
    assert "No differences" in (await new_program("doctor", "feeds").spawn().end()).out
    assert await shown(people, post) == before
