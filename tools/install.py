"""Makes the virtual environment hold what a lock file says; the Makefile decides when.

`python3 tools/install.py requirements.lock --stamp NAME...` leaves an empty file NAME in the environment once all is
in. It runs before anything is installed, so it uses the standard library alone. An environment whose making was
interrupted is made anew. Packages come through uv, itself installed by pip from requirements-uv.lock: it takes a
quarter of pip's time. Where uv cannot reach the index, pip, which knows this machine's configuration, does it all.
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
UV_LOCK = ROOT / "requirements-uv.lock"
UNFINISHED = ".unfinished"
STAMPS = ".installed-*"
TICK_S = 0.1


class StepFailed(Exception):
    """A command of a step failed; its output is the message."""


def main() -> None:
    arguments = _arguments()
    venv: Path = arguments.venv.absolute()
    stamps = [venv / name for name in arguments.stamp]
    try:
        with _alone():
            if not (stamps and all(stamp.exists() for stamp in stamps) and (venv / "bin/python").exists()):
                install(venv, arguments.lock, stamps)
    except StepFailed as error:
        sys.exit(f"\n{error}\n\nThe installation failed; the reason is above. The next run starts it again.")
    except KeyboardInterrupt:
        print("\nInterrupted. The next run starts the installation again.", file=sys.stderr)
        sys.exit(130)


def install(venv: Path, lock: Path, stamps: Sequence[Path], maker: str = sys.executable) -> None:
    """Have `venv`, made with the Python `maker`, hold what `lock` pins. Raises StepFailed, and leaves no stamp then."""
    python = venv / "bin" / "python"
    unfinished = venv / UNFINISHED
    whole = venv.exists() and not unfinished.exists() and _works(python)
    if venv.exists() and not whole:
        shutil.rmtree(venv)
    venv.mkdir(parents=True, exist_ok=True)
    unfinished.touch()
    for stamp in venv.glob(STAMPS):
        stamp.unlink()
    if not whole:
        _step(f"Making {venv.name} with {maker}", [maker, "-m", "venv", str(venv)])
    packages = sum(
        1 for line in lock.read_text().splitlines() if "==" in line and not line.startswith((" ", "#"))
    )
    _install_packages(python, lock, f"Installing {packages} packages from {lock.name}")
    for stamp in stamps:
        stamp.touch()
    unfinished.unlink()


def _install_packages(python: Path, lock: Path, name: str) -> None:
    pip = [
        str(python),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "install",
        "--require-hashes",
    ]
    uv = [str(python.parent / "uv"), "pip", "install", "--python", str(python), "--require-hashes"]
    try:
        _step("Installing uv", [*pip, "-r", str(UV_LOCK)])
        _step(name, [*uv, "--compile-bytecode", "-r", str(lock)], _uv_environment(python))
    except StepFailed as error:
        print(
            f"uv cannot do it here ({_last_line(str(error))}); pip takes over, which needs about half a minute."
        )
        _step(name, [*pip, "--no-deps", "--no-compile", "-r", str(lock)])
        _step("Compiling", [str(python), "-m", "compileall", "-q", "-j", "0", str(venv_library(python))])


def venv_library(python: Path) -> Path:
    """The folder that holds the packages of the environment of `python`."""
    return next((python.parent.parent / "lib").glob("python3.*/site-packages"))


def _uv_environment(python: Path) -> dict[str, str]:
    """uv does not read pip's configuration: tell it of the index, proxy and certificate set there."""
    listed = subprocess.run(
        [python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    found = dict(line.split("=", 1) for line in listed.stdout.splitlines() if "=" in line)
    pip = {key.rsplit(".", 1)[-1]: str(ast.literal_eval(value)) for key, value in found.items()}
    wanted = {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "UV_HTTP_RETRIES": "1"}
    if "index-url" in pip:
        wanted["UV_DEFAULT_INDEX"] = pip["index-url"]
    more = [url for url in pip.get("extra-index-url", "").split() if url.startswith("http")]
    if more:
        wanted["UV_INDEX"] = " ".join(more)
    if "proxy" in pip:
        wanted["ALL_PROXY"] = pip["proxy"]
    if "cert" in pip:
        wanted["SSL_CERT_FILE"] = pip["cert"]
    return {**wanted, **os.environ}


def _step(name: str, command: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
    """Run `command`, showing `name` and how long it takes. Raises StepFailed with its output."""
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
def _alone() -> Iterator[None]:
    """Two makes at once in one folder take turns; the second then finds the work done."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _works(python: Path) -> bool:
    try:
        done = subprocess.run([python, "-c", "import pip"], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def _last_line(text: str) -> str:
    return (text.splitlines() or ["no reason given"])[-1].strip()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make a virtual environment hold what a lock file says.")
    parser.add_argument("lock", type=Path)
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    parser.add_argument("--stamp", action="append", default=[], metavar="NAME")
    return parser.parse_args()


if __name__ == "__main__":
    main()
