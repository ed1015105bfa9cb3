"""The JavaScript SDK and the web client compile against the document, and the SDK works on a running server."""

import shutil
from pathlib import Path

import orjson
import pytest

from server.handlers.openapi.document import build
from tests.contract.routes import app_routes
from tests.contract.test_client import ON_EMBEDDED, folder, run
from tests.e2e.conftest import Register
from tests.support.cutting_proxy import CuttingProxy
from tests.support.inputs import photos
from tests.support.npm import npm
from tests.support.program import Program
from tools.harness.backends import ROOT

__all__ = ["folder"]

WEB = ROOT / "server" / "web"
CUTS = [120_000, 500_000, 900_000]
MISTAKES = """\
import { Photofeed } from "./index.js";
const api = new Photofeed();
await api.get("/postz");
await api.get("/posts/{postId}");
await api.post("/posts/{postId}/comments", { path: { postId: "1" }, body: { contents: "x" } });
(await api.get("/posts/{postId}", { path: { postId: "1" } })).passwordHash;
for await (const post of api.list("/feed")) post.author.username;
"""


@pytest.fixture
def web(folder: Path) -> Path:
    """Return a copy of `server/web` in the folder."""
    return Path(shutil.copytree(WEB, folder / "web"))


@pytest.mark.timeout(600)
async def test_code_compiles_and_mistakes_do_not(folder: Path, web: Path) -> None:
    # With the routes for staff, which the console uses.
    (folder / "openapi.json").write_bytes(orjson.dumps(build(app_routes())))
    await run(folder, "npm", "run", "generate")
    shutil.move(folder / "schema.d.ts", web / "sdk" / "schema.d.ts")
    (web / "sdk" / "mistakes.js").write_text(MISTAKES)
    ended = npm(folder, "run", "check-web")
    errors = [line for line in ended.stdout.splitlines() if ": error " in line]
    assert [error.partition(":")[0].replace(" ", "") for error in errors] == [
        "web/sdk/mistakes.js(3,11)",
        "web/sdk/mistakes.js(4,11)",
        "web/sdk/mistakes.js(5,77)",
        "web/sdk/mistakes.js(6,63)",
    ], ended.stdout


@pytest.mark.timeout(600)
async def test_code_is_formatted(folder: Path, web: Path) -> None:
    shutil.copyfile(ROOT / ".editorconfig", folder / ".editorconfig")
    # The section of the editor's configuration names the folder in the project.
    configuration = (folder / ".editorconfig").read_text().replace("[server/web/**]", "[web/**]")
    (folder / ".editorconfig").write_text(configuration)
    await run(folder, "npm", "run", "check-format")


@ON_EMBEDDED
@pytest.mark.timeout(600)
async def test_sdk_works(program: Program, register: Register, folder: Path, web: Path) -> None:
    ana, ben = await register(program, "ana", "ben")
    await ben.follow(ana)
    for number in range(3):
        await ana.publish(photos.small(), caption=str(number))
    (folder / "hills.jpg").write_bytes(photos.noise(1500, 1000))

    async def nothing(_: int) -> None: ...

    proxy = CuttingProxy(lambda: program.port, CUTS, nothing)
    async with proxy.running() as cut_url:
        environ = {
            "SERVER_URL": program.url, "CUT_URL": cut_url, "PHOTO": "hills.jpg", "PASSWORD": ana.password,
        }  # fmt: skip
        printed = orjson.loads(await run(folder, "node", "tour-sdk.mjs", environ=environ))
    assert proxy.cuts == len(CUTS)
    assert printed == {
        "altText": "Hügel",
        "uploaded": True,
        "captions": ["From the SDK", "2", "1", "0"],
        "like": ["like", "ben"],
        "problem": [422, "invalid_input", ["content"]],
        "renewed": ["ana", "ana", "ana"],
        "signedOut": True,
    }
