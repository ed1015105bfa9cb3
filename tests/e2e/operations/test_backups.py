"""Backup while writes run, loss of everything, restore; and the move from the embedded database to MariaDB."""

import asyncio
import contextlib
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.e2e.conftest import NewProgram, Register
from tests.support.fakes.s3_server import running_s3_server
from tests.support.inputs import photos
from tests.support.program import Exit, Person
from tools.harness.backends import Stack
from tools.harness.servers import DB_PASSWORD, DB_USERNAME, MariaDB
from tools.harness.waiting import wait_until

CREDENTIALS = {
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "someone",
    "AWS_SECRET_ACCESS_KEY": "something",
}


async def run(new_program: NewProgram, *arguments: object, **environ: Any) -> Exit:
    return await new_program(*map(str, arguments), **environ).spawn().end()


async def refused(new_program: NewProgram, *arguments: object, **environ: Any) -> str:
    """Run a command that must fail with one sentence, and return that."""
    ended = await run(new_program, *arguments, **environ)
    assert ended.code == 2
    assert len(ended.err.splitlines()) == 1, ended.err
    return ended.err


async def write_on(ana: Person, post_id: str) -> list[str]:
    """Comment until the task is cancelled; the list has what was acknowledged."""
    written: list[str] = []
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            await ana.comment(post_id, f"comment {len(written)}")
            written.append(f"comment {len(written)}")
    return written


def destroy(stack: Stack) -> None:
    """Delete the database and the pictures, and what Redis knows."""
    for path in stack.var_dir.glob("photofeed.sqlite3*"):
        path.unlink()
    shutil.rmtree(stack.var_dir / "media")
    if stack.mariadb is not None:
        name = stack.database["DB_NAME"]
        stack.mariadb.query(f"DROP DATABASE {name}; CREATE DATABASE {name}")


async def test_restored_backup_has_everything_acknowledged_before_it(
    migrated_stack: Stack, new_program: NewProgram, register: Register
) -> None:
    program = await new_program("--port=0").start()
    ana, ben = await register(program, "ana", "ben")
    await ben.follow(ana)
    post = await ana.publish(photos.small(), caption="kept")
    before = [f"before {number}" for number in range(5)]
    for content in before:
        await ben.comment(post["id"], content)
    writing = asyncio.create_task(write_on(ana, post["id"]))
    folder = migrated_stack.var_dir / "backup"
    backed_up = await run(new_program, "backup", folder)
    assert backed_up.code == 0, backed_up.err
    writing.cancel()
    await writing
    late = await ana.publish(photos.small(9), caption="after the backup")
    assert await program.interrupt() == 0
    assert (await run(new_program, "backup", folder, "--verify")).code == 0
    assert "is not empty" in await refused(new_program, "restore", folder)
    destroy(migrated_stack)
    restored = await run(new_program, "restore", folder)
    assert restored.code == 0, restored.err
    ana.program = ben.program = await program.start()
    (shown,) = await ben.feed()
    assert (shown["id"], shown["caption"]) == (post["id"], "kept")
    comments = [each["content"] for each in await ben.list_all(f"/posts/{post['id']}/comments")]
    assert set(before) <= set(comments)
    assert shown["commentsCount"] == len(comments)
    picture = await ben.call("GET", shown["images"][0]["url"])
    assert (picture.status, picture.headers["Content-Type"]) == (200, "image/jpeg")
    assert (await ben.call("GET", f"/posts/{late['id']}")).status == 404


async def test_bad_backups_are_refused_before_anything_changes(
    migrated_stack: Stack, new_program: NewProgram, register: Register, tmp_path: Path
) -> None:
    program = await new_program("--port=0").start()
    (ana,) = await register(program, "ana")
    await ana.publish(photos.small())
    folder = migrated_stack.var_dir / "backup"
    assert (await run(new_program, "backup", folder)).code == 0
    assert "exists" in await refused(new_program, "backup", folder)
    assert await program.interrupt() == 0
    if migrated_stack.mariadb is None:
        empty: dict[str, Any] = {"VAR_DIR": str(tmp_path / "var")}
    else:
        migrated_stack.mariadb.query(f"CREATE DATABASE {migrated_stack.database['DB_NAME']}_empty")
        empty = {"VAR_DIR": str(tmp_path / "var"), "DB_NAME": f"{migrated_stack.database['DB_NAME']}_empty"}
    try:
        assert "is not a backup" in await refused(new_program, "restore", tmp_path, **empty)
        manifest = orjson.loads((folder / "manifest.json").read_bytes())
        newer = {**manifest, "schema": 9999, "version": "9.0"}
        (folder / "manifest.json").write_bytes(orjson.dumps(newer))
        assert "newer version (9.0" in await refused(new_program, "restore", folder, **empty)
        (folder / "manifest.json").write_bytes(orjson.dumps(manifest))
        users = folder / "tables" / "users.jsonl"
        content = users.read_bytes()
        users.write_bytes(content.replace(b'"ana"', b'"eve"'))
        assert "users.jsonl has another checksum" in await refused(new_program, "restore", folder, **empty)
        assert "broken" in await refused(new_program, "backup", folder, "--verify")
        users.write_bytes(content)
        media = tmp_path / "var" / "media"
        media.mkdir(parents=True, exist_ok=True)
        (media / ".photofeed-store").write_text("another\n")
        assert "another installation" in await refused(new_program, "restore", folder, **empty)
        (media / ".photofeed-store").unlink()
        copied = await run(new_program, "restore", folder, "--as-copy", **empty)
        assert copied.code == 0, copied.err
        store_id = (media / ".photofeed-store").read_text().strip()
        assert store_id != manifest["installation"]
        started = await new_program("--port=0", **empty).start()
        assert await started.interrupt() == 0
    finally:
        if migrated_stack.mariadb is not None:
            migrated_stack.mariadb.query(f"DROP DATABASE {migrated_stack.database['DB_NAME']}_empty")


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_move_to_mariadb_keeps_tokens_feed_and_pictures(
    migrated_stack: Stack, new_program: NewProgram, register: Register, mariadb_server: MariaDB
) -> None:
    secretless: dict[str, Any] = {"JWT_SECRET": None, "JWT_REFRESH_SECRET": None}
    program = await new_program("--port=0", **secretless).start()
    ana, ben = await register(program, "ana", "ben")
    await ben.follow(ana)
    post = await ana.publish(photos.small(), caption="moved")
    url = f"mysql://{DB_USERNAME}:{DB_PASSWORD.replace(' ', '%20')}@127.0.0.1:{mariadb_server.port}/moved"
    assert "already runs" in await refused(new_program, "move", f"--to-database={url}", **secretless)
    assert await program.interrupt() == 0
    assert "mysql://user" in await refused(new_program, "move", "--to-database=x://y", **secretless)
    mariadb_server.query("CREATE DATABASE moved")
    try:
        moved = await run(new_program, "move", f"--to-database={url}", **secretless)
        assert moved.code == 0, moved.err
        lines = (migrated_stack.var_dir / "moved.env").read_text().splitlines()
        environ: dict[str, Any] = {**dict(line.split("=", 1) for line in lines)}
        program = await new_program("--port=0", **environ).start()
        ana.program = ben.program = program
        (shown,) = await ben.feed()
        assert (shown["id"], shown["caption"]) == (post["id"], "moved")
        assert (await ben.call("GET", shown["images"][0]["url"])).status == 200
        assert (await (await ana.on_another_device(program)).call("GET", "/feed")).status == 200
        assert await program.interrupt() == 0
        assert "is not empty" in await refused(new_program, "move", f"--to-database={url}", **secretless)
    finally:
        mariadb_server.query("DROP DATABASE moved")


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_move_to_a_bucket_keeps_pictures_and_can_be_repeated(
    migrated_stack: Stack, new_program: NewProgram, register: Register, s3_server: str
) -> None:
    bucket: dict[str, Any] = {"AWS_ENDPOINT_URL": s3_server, **CREDENTIALS}
    program = await new_program("--port=0").start()
    (ana,) = await register(program, "ana")
    post = await ana.publish(photos.small())
    assert await program.interrupt() == 0
    url = f"s3://pictures/{migrated_stack.var_dir.name}-{ana.id}"
    moved = await run(new_program, "move", f"--to-media={url}", **bucket)
    assert moved.code == 0, moved.err
    picture = next((migrated_stack.var_dir / "media" / "posts").rglob("*.jpg"))
    original = picture.read_bytes()
    picture.write_bytes(b"x" * len(original))  # what the bucket has differs from it, at the same size
    assert "1 picture(s) differed" in await refused(new_program, "move", f"--to-media={url}", **bucket)
    picture.write_bytes(original)
    moved = await run(new_program, "move", f"--to-media={url}", **bucket)
    assert moved.code == 0, moved.err
    shutil.rmtree(migrated_stack.var_dir / "media")
    ana.program = await new_program("--port=0", MEDIA_URL=url, **bucket).start()
    shown = await ana.request("GET", f"/posts/{post['id']}")
    assert (await ana.call("GET", shown["images"][0]["url"])).status == 200
    (migrated_stack.var_dir / "media").mkdir()
    (migrated_stack.var_dir / "media" / ".photofeed-store").write_text("another\n")
    assert await ana.program.interrupt() == 0
    assert "another installation" in await refused(new_program, "move", f"--to-media={url}", **bucket)


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_bucket_without_rights_is_refused(migrated_stack: Stack, new_program: NewProgram) -> None:
    program = await new_program("--port=0").start()
    assert await program.interrupt() == 0
    folder = migrated_stack.var_dir / "backup"
    assert (await run(new_program, "backup", folder)).code == 0
    with running_s3_server(refusing=True) as url:
        bucket: dict[str, Any] = {"AWS_ENDPOINT_URL": url, **CREDENTIALS}
        for arguments in (["move", "--to-media=s3://pictures/moved"], ["restore", folder], ["--port=0"]):
            elsewhere = {**bucket, "MEDIA_URL": "s3://pictures/moved"} if arguments[0] != "move" else bucket
            assert "permissions" in await refused(new_program, *arguments, **elsewhere)


async def test_killed_restore_can_be_run_again(
    migrated_stack: Stack, new_program: NewProgram, register: Register
) -> None:
    program = await new_program("--port=0").start()
    (ana,) = await register(program, "ana")
    post = await ana.publish(photos.small(), caption="kept")
    folder = migrated_stack.var_dir / "backup"
    assert (await run(new_program, "backup", folder)).code == 0
    assert await program.interrupt() == 0
    destroy(migrated_stack)
    restoring = new_program("restore", str(folder)).spawn()
    await wait_until(lambda: is_restoring(migrated_stack))
    await restoring.kill()
    if migrated_stack.mariadb is not None:
        assert "A restore was interrupted" in await refused(new_program, "--port=0")
    restored = await run(new_program, "restore", folder)
    assert restored.code == 0, restored.err
    ana.program = await program.start()
    assert (await ana.request("GET", f"/posts/{post['id']}"))["caption"] == "kept"


async def is_restoring(stack: Stack) -> bool:
    """Return whether the tables are being filled."""
    if stack.mariadb is None:
        return (stack.var_dir / "photofeed.sqlite3.restoring").exists()
    with contextlib.suppress(RuntimeError):  # the table does not exist yet
        state = stack.mariadb.query("SELECT migration FROM schema_state", stack.database["DB_NAME"])
        return state.startswith("restore")
    return False
