"""Install a lock file into a virtual environment: `python3 tools/install.py LOCK --stamp NAME...`.

The Makefile decides when. The script uses the standard library alone, because it runs before anything is installed.
It leaves an empty file NAME in the environment once the installation is complete, and recreates an environment whose
creation was interrupted. uv installs the packages, in a third of pip's time: the uv on the PATH, or else the one that
requirements-dev.lock pins. Where uv cannot reach the index, pip, which reads this machine's configuration, takes over.
"""

import argparse
import ast
import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEV_LOCK = ROOT / "requirements-dev.lock"
UNFINISHED = ".unfinished"
STAMPS = ".installed-*"
TICK_S = 0.1


class StepFailed(Exception):
    """An installation command failed; the message is its output."""


def main() -> None:
    arguments = _arguments()
    venv: Path = arguments.venv.absolute()
    stamps = [venv / name for name in arguments.stamp]
    try:
        with _exclusive():
            if not (stamps and all(stamp.exists() for stamp in stamps) and (venv / "bin/python").exists()):
                install(venv, arguments.lock, stamps)
    except StepFailed as error:
        sys.exit(f"\n{error}\n\nThe installation failed for the reason above. The next run starts it again.")
    except KeyboardInterrupt:
        print("\nInterrupted. The next run starts the installation again.", file=sys.stderr)
        sys.exit(130)


def install(venv: Path, lock: Path, stamps: Sequence[Path], maker: str = sys.executable) -> None:
    """Install what `lock` pins into `venv`, created with the Python `maker`, then create `stamps`.

    Raises StepFailed and leaves no stamp if a command fails.
    """
    python = venv / "bin" / "python"
    unfinished = venv / UNFINISHED
    complete = venv.exists() and not unfinished.exists() and _runs([str(python), "-c", "import pip"])
    if venv.exists() and not complete:
        shutil.rmtree(venv)
    venv.mkdir(parents=True, exist_ok=True)
    unfinished.touch()
    for stamp in venv.glob(STAMPS):
        stamp.unlink()
    if not complete:
        _step(f"Creating {venv.name} with {maker}", [maker, "-m", "venv", str(venv)])
    _install_packages(python, lock)
    for stamp in stamps:
        stamp.touch()
    unfinished.unlink()


def _install_packages(python: Path, lock: Path) -> None:
    packages = sum("==" in line and not line.startswith((" ", "#")) for line in lock.read_text().splitlines())
    name = f"Installing {packages} packages from {lock.name}"
    pip = [
        str(python),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "install",
        "--require-hashes",
    ]
    try:
        uv = [_uv(python, pip), "pip", "install", "--python", str(python), "--require-hashes"]
        _step(name, [*uv, "--compile-bytecode", "-r", str(lock)], _uv_environment(python))
    except StepFailed as error:
        reason = (str(error).splitlines() or ["no reason given"])[-1].strip()
        print(f"uv cannot install here ({reason}). Using pip, which takes about a minute.")
        _step(name, [*pip, "--no-deps", "--no-compile", "-r", str(lock)])
        library = next((python.parent.parent / "lib").glob("python3.*/site-packages"))
        _step("Compiling", [str(python), "-m", "compileall", "-q", "-j", "0", str(library)])


def _uv(python: Path, pip: Sequence[str]) -> str:
    """Return the path of a uv that runs; install the pinned one where there is none. Raises StepFailed."""
    for found in (shutil.which("uv"), str(python.parent / "uv")):
        if found and _runs([found, "--version"]):
            return found
    _, start, rest = DEV_LOCK.read_text().partition("\nuv==")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pin:
        pin.write(f"{start}{rest.partition('    # via')[0]}\n")
        pin.flush()
        _step("Installing uv", [*pip, "-r", pin.name])
    return str(python.parent / "uv")


def _uv_environment(python: Path) -> dict[str, str]:
    """Return the environment for uv with the index, proxy and certificate of pip's configuration, which it ignores."""
    listed = subprocess.run(
        [python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    found = dict(line.split("=", 1) for line in listed.stdout.splitlines() if "=" in line)
    pip = {key.rsplit(".", 1)[-1]: str(ast.literal_eval(value)) for key, value in found.items()}
    settings = {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "UV_HTTP_RETRIES": "1"}
    if "index-url" in pip:
        settings["UV_DEFAULT_INDEX"] = pip["index-url"]
    more = [url for url in pip.get("extra-index-url", "").split() if url.startswith("http")]
    if more:
        settings["UV_INDEX"] = " ".join(more)
    if "proxy" in pip:
        settings["ALL_PROXY"] = pip["proxy"]
    if "cert" in pip:
        settings["SSL_CERT_FILE"] = pip["cert"]
    return {**settings, **os.environ}


def _step(name: str, command: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
    """Run `command`, showing `name` and the elapsed time. Raises StepFailed with the output."""
    started = time.monotonic()
    live = sys.stdout.isatty()
    if not live:
        print(f"{name} ...", flush=True)
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        child = subprocess.Popen(
            command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while True:
                seconds = time.monotonic() - started
                if live:
                    print(f"\r{name} ... {seconds:.0f} s", end="", flush=True)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(TICK_S)
                    break
        except BaseException:
            child.terminate()
            child.wait()
            raise
        if live:
            print(f"\r{name} ... {'failed' if child.returncode else f'done in {seconds:.0f} s'}")
        if child.returncode:
            output.seek(0)
            raise StepFailed(output.read().strip()[-4000:] or f"{command[0]} exited with {child.returncode}")


@contextlib.contextmanager
def _exclusive() -> Iterator[None]:
    """Hold a lock on the project folder, so that a second installation waits and then finds the work done."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _runs(command: Sequence[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Install a lock file into a virtual environment.")
    parser.add_argument("lock", type=Path)
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    parser.add_argument("--stamp", action="append", default=[], metavar="NAME")
    return parser.parse_args()


if __name__ == "__main__":
    main()
