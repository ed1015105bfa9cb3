"""Clients generated from the document compile, and work on a running server; linters find nothing in the document.

The folder tests/client holds the pinned generators and a tour for each: it signs in, publishes, likes, reads the feed
page by page, and reads an error code. Node and npm come from the system, and so does Java for openapi-generator.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import orjson
import pytest

from server.handlers.openapi.document import Readers, build
from tests.contract.routes import app_routes
from tests.e2e.conftest import Register
from tests.support.inputs import photos
from tests.support.npm import installed_modules, npm
from tests.support.program import Person, Program, print_figures
from tools.harness.backends import ROOT

CLIENT = ROOT / "tests" / "client"
PYTHON_TOOLS = CLIENT / "python" / "requirements.lock"
POSTS = 5
ON_EMBEDDED = pytest.mark.parametrize("stack", ["embedded"], indirect=True)
TYPESCRIPT = {
    "openapi-fetch": ("npm", "run", "generate"),
    "hey-api": ("npm", "run", "generate-hey-api"),
    "orval": ("npm", "run", "generate-orval"),
}
JAVA = shutil.which("java") is not None
UV = (str(Path(sys.executable).with_name("uv")),)


OPENAPI_GENERATOR = (
    "generate", "-i", "openapi.json", "-g", "typescript-fetch", "-o", "openapi-generator",
    "--additional-properties=enumUnknownDefaultCase=true", "--global-property=skipFormModel=false",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the folder with the installed tools and the document for apps."""
    modules = installed_modules(CLIENT, tmp_path_factory)
    copy = tmp_path / "client"
    shutil.copytree(CLIENT, copy)
    (copy / "node_modules").symlink_to(modules)
    (copy / "openapi.json").write_bytes(document(Readers.APPS))
    return copy


def document(readers: Readers) -> bytes:
    return orjson.dumps(build(app_routes(), readers, "https://photos.test"))


@pytest.mark.timeout(600)
def test_typed_client_compiles_and_rejects_unknown_members(folder: Path) -> None:
    generated = npm(folder, "run", "generate")
    assert generated.returncode == 0, generated.stdout
    (folder / "mistake.ts").write_text(
        'import type { components } from "./schema";\n'
        'export const secret = (post: components["schemas"]["Post"]) => post.passwordHash;\n'
    )
    ended = npm(folder, "run", "check")  # checks both programs at once, because it is slow
    (error,) = [line for line in ended.stdout.splitlines() if ": error " in line]
    assert error.startswith("mistake.ts(2,"), ended.stdout
    assert "passwordHash" in error
    assert ended.returncode != 0


@pytest.mark.timeout(600)
@pytest.mark.parametrize("readers", list(Readers), ids=lambda readers: readers.value)
async def test_linters_find_nothing(folder: Path, readers: Readers) -> None:
    (folder / "linted.json").write_bytes(document(readers))
    spectral, redocly = await asyncio.gather(
        run(folder, "npm", "run", "lint-spectral", "linted.json"),
        run(folder, "npm", "--silent", "run", "lint-redocly", "linted.json"),
    )
    assert "No results with a severity of" in spectral, spectral
    found = orjson.loads(redocly[redocly.index("{") : redocly.rindex("}") + 1])
    assert found["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}, found["problems"]


@ON_EMBEDDED
@pytest.mark.timeout(900)
async def test_generated_clients_work(program: Program, register: Register, folder: Path) -> None:
    ana, ben = await register(program, "ana", "ben")
    await ana.follow(ben)
    posts = [await ben.publish(photos.small()) for _ in range(POSTS)]
    environ = {
        "SERVER_URL": program.url,
        "USERNAME_OF_TOUR": ana.username,
        "PASSWORD_OF_TOUR": ana.password,
        "PHOTO_URL": posts[0]["images"][0]["url"],
    }
    await install_python_tools(folder)
    await asyncio.gather(generate_typescript(folder, environ), generate_python(folder))
    tours = {name: ("node", f"built/tour-{name}.js") for name in typescript_tours()}
    tours["openapi-python-client"] = (str(python_tool(folder, "python")), "python/tour.py")
    seen = {post["id"] for post in posts}
    for name, command in tours.items():
        printed = orjson.loads(await run(folder, *command, environ=environ))
        assert seen <= set(printed.pop("ids")), name
        expected = {"caption": "From a generated client", "liked": True, "code": "not_found"}
        assert printed == expected, name
    await check_own_posts(ana, len(tours))


async def check_own_posts(ana: Person, count: int) -> None:
    assert len(await ana.list_all("/posts")) == count


def typescript_tours() -> list[str]:
    return [*TYPESCRIPT, *(["openapi-generator"] if JAVA else [])]


async def generate_typescript(folder: Path, environ: Mapping[str, str]) -> None:
    """Generate the clients at the same time, check all of them at once, and build the tours."""
    commands = [*TYPESCRIPT.values()]
    tours = [f"tour-{name}.ts" for name in typescript_tours()]
    if JAVA:
        generator = str(python_tool(folder, "openapi-generator-cli"))
        commands.append((generator, *OPENAPI_GENERATOR))
    else:  # the others are tested nevertheless
        print_figures("openapi-generator is not tested: install Java, such as default-jre-headless")
        configuration = orjson.loads((folder / "tsconfig.tours.json").read_bytes())
        (folder / "tsconfig.tours.json").write_bytes(orjson.dumps({**configuration, "files": tours}))
    await asyncio.gather(*(run(folder, *command, environ=environ) for command in commands))
    await asyncio.gather(
        run(folder, "npm", "run", "check-tours"),
        run(
            folder, "node_modules/.bin/esbuild", *tours, "--bundle", "--platform=node", "--format=esm",
            "--outdir=built", "--log-level=warning",
        ),
    )  # fmt: skip


async def generate_python(folder: Path) -> None:
    """Generate the client of openapi-python-client, and check it and its tour with mypy."""
    await run(
        folder, str(python_tool(folder, "openapi-python-client")), "generate", "--path", "openapi.json",
        "--config", "python/config.yaml", "--meta", "none", "--output-path", "python/photofeed_client",
    )  # fmt: skip
    await run(
        folder / "python",
        str(python_tool(folder, "mypy")),
        "--strict-equality",
        "photofeed_client",
        "tour.py",
    )


def python_tool(folder: Path, name: str) -> Path:
    return folder / "python" / "venv" / "bin" / name


async def install_python_tools(folder: Path) -> None:
    """Install the locked tools in an environment of their own, because they would pin dependencies of the tests."""
    venv = folder / "python" / "venv"
    await run(folder, *UV, "venv", "--quiet", "--python", sys.executable, str(venv))
    await run(
        folder, *UV, "pip", "install", "--quiet", "--python", str(python_tool(folder, "python")),
        "--require-hashes", "--requirements", str(PYTHON_TOOLS),
    )  # fmt: skip


async def run(folder: Path, *command: str, environ: Mapping[str, str] | None = None) -> str:
    """Return the output of a program. Fails with the output if the program does."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, **(environ or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, f"{' '.join(command)}\n{out.decode()}\n{err.decode()}"
    return out.decode()
