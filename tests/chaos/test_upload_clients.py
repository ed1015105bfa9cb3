"""Published tus clients, unmodified, upload a large picture through many cuts and a restart of the server."""

import asyncio
import shutil
import subprocess
from pathlib import Path

import orjson
import pytest

from tests.chaos.conftest import Report
from tests.chaos.environment import configuration, rounds
from tests.e2e.conftest import NewProgram, Register
from tests.e2e.test_resumable_uploads import ready
from tests.support.cutting_proxy import CuttingProxy
from tests.support.inputs import photos
from tests.support.npm import MISSING, OFFLINE, fail_or_skip, npm
from tools.harness.backends import ROOT, Stack

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.usefixtures("migrated_stack"),
    pytest.mark.parametrize("stack", ["embedded"], indirect=True),
]

CLIENT = ROOT / "tests" / "upload_client"
CUTS = rounds(6, 20)
SIDE = rounds(1800, 3900)  # of the picture, in pixels: 6 or 30 MB


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the folder and install the clients."""
    if MISSING:
        fail_or_skip(f"install {' and '.join(MISSING)} to upload with published clients")
    folder = tmp_path_factory.mktemp("upload_client")
    shutil.copytree(CLIENT, folder, dirs_exist_ok=True)
    installed = npm(folder, "ci")
    if any(sign in installed.stdout for sign in OFFLINE):
        fail_or_skip(f"the npm registry is unavailable:\n{installed.stdout}")
    assert installed.returncode == 0, installed.stdout
    return folder


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["tus", "uppy"])
async def test_client_uploads_through_cuts_and_a_restart(
    stack: Stack, new_program: NewProgram, register: Register, client: Path, kind: str, report: Report
) -> None:
    program = await new_program("--port=0", config=configuration(stack), MAX_FILE_SIZE="50000000").start()
    (ana,) = await register(program, "ana")
    photo = photos.noise(SIDE, SIDE, quality=100)
    file = client / "noise.jpg"
    await asyncio.to_thread(file.write_bytes, photo)

    async def restart_halfway(cut: int) -> None:
        if cut == CUTS // 2:
            await program.kill()
            await program.start()

    cut_at = [len(photo) * number // (CUTS + 1) for number in range(1, CUTS + 1)]
    proxy = CuttingProxy(lambda: program.port, cut_at, restart_halfway)
    async with proxy.running() as url:
        arguments = ["node", "upload.mjs", kind, f"{url}/uploads", ana.token, file.name]
        ended = await asyncio.to_thread(
            subprocess.run, arguments, cwd=client, capture_output=True, text=True, timeout=240, check=False
        )
    assert ended.returncode == 0, ended.stderr
    done = orjson.loads(ended.stdout.splitlines()[-1])
    assert proxy.cuts == CUTS
    assert done["requests"] > CUTS
    media = await ready(ana, done["mediaId"])
    assert (media["status"], media["altText"]) == ("ready", "Noise")
    post = await ana.request("POST", "/posts", json={"mediaIds": [media["id"]]})
    assert post["images"][0]["url"] == media["image"]["url"].partition("?")[0]
    report(
        f"R28 {kind}: {len(photo) / 1e6:.1f} MB arrived whole through {CUTS} cuts and a kill,"
        f" in {done['requests']} requests"
    )
