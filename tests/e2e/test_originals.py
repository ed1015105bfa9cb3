"""`KEEP_ORIGINALS`: uploaded files are stored, never served, and deleted with their picture."""

from pathlib import Path

import pytest

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import photo_form
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_originals_are_never_served_and_are_deleted(
    stack: Stack, new_program: NewProgram, register: Register
) -> None:
    folder = stack.var_dir / "pictures"

    def originals() -> list[Path]:
        return sorted(folder.glob("*/*/original-*"))

    program = await new_program("--port=0", KEEP_ORIGINALS="true", UPLOAD_DEST=str(folder)).start()
    ana, ben = await register(program, "ana", "ben")
    post = await ana.publish(photos.small(7))
    (original,) = originals()
    assert original.read_bytes() == photos.small(7)
    await ana.request("POST", "/users/avatar", data=photo_form(photos.small(), field="avatar"))
    form = photo_form(photos.small(9), field="file")
    media = await ana.request("POST", "/media", data=form)
    assert len(originals()) == 3
    for path in originals():
        for person in (ana, ben):
            for method in ("GET", "HEAD"):
                answer = await person.call(method, f"/media/{path.relative_to(folder)}")
                assert answer.status == 404
    for answer in (post, media, await ana.request("GET", "/users/profile")):
        assert "original-" not in str(answer)

    await ana.call("DELETE", f"/posts/{post['id']}")
    await ana.call("DELETE", f"/media/unused/{media['id']}")
    await ana.call("DELETE", "/users/avatar")
    await wait_until(lambda: not originals())
