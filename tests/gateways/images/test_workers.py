"""Worker processes: start, limits, failures, stop."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from server.errors import AppError, InvalidInput, Unavailable
from server.gateways.images.processor import ImageProcessor
from tests.gateways.images.worker_pids import command, worker_pids
from tests.support.inputs.pictures import encoded
from tools.harness.waiting import wait_until


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph that costs little."""
    path = tmp_path_factory.mktemp("camera") / "photo.jpg"
    path.write_bytes(encoded(Image.new("RGB", (320, 240))))
    return path


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[Path]:
    """A source that a worker can open but never finish reading: a pipe without a writer."""
    path = tmp_path / "endless"
    os.mkfifo(path)
    holder = os.open(path, os.O_RDWR)
    yield path
    os.close(holder)


def being_read(fifo: Path) -> bool:
    """Return whether a worker has the pipe open."""
    return any(
        link.exists() and link.readlink() == fifo
        for pid in worker_pids()
        for link in Path(f"/proc/{pid}/fd").iterdir()
    )


async def test_picture_over_the_time_limit_kills_only_its_worker(endless: Path, tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(encoded(Image.new("RGB", (64, 48))))
    processor = ImageProcessor(timeout_s=1.0)
    try:
        with pytest.raises(InvalidInput, match="cannot be processed"):
            await processor.process(endless)
        assert worker_pids() == []
        assert await processor.process(tmp_path / "small")
    finally:
        await processor.stop()


async def test_killed_worker_fails_only_its_picture(
    processor: ImageProcessor, photo: Path, endless: Path, tmp_path: Path
) -> None:
    doomed = asyncio.create_task(processor.process(endless))
    await wait_until(lambda: being_read(endless))
    os.kill(worker_pids()[0], signal.SIGSEGV)
    with pytest.raises(InvalidInput, match="cannot be processed"):
        await doomed
    assert await processor.process(photo)


async def test_worker_killed_while_idle_is_replaced(
    processor: ImageProcessor, photo: Path, tmp_path: Path
) -> None:
    await processor.process(photo)
    (pid,) = worker_pids()
    os.kill(pid, signal.SIGKILL)
    await wait_until(lambda: not any(worker.alive for worker in processor._pool._workers))
    assert await processor.process(photo)


async def test_picture_over_the_memory_limit_fails_alone(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "wide.png").write_bytes(encoded(Image.new("RGBA", (4900, 4900)), "PNG"))
    processor = ImageProcessor(memory_bytes=200 * 1024**2)
    try:
        with pytest.raises(InvalidInput):
            await processor.process(tmp_path / "wide.png")
        assert await processor.process(photo)
    finally:
        await processor.stop()


@pytest.mark.parametrize("interpreter", ["/bin/false", "/nowhere/python"])
async def test_worker_that_does_not_start_is_unavailable(
    processor: ImageProcessor,
    photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    interpreter: str,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", interpreter)
        with pytest.raises(Unavailable) as raised:
            await processor.process(photo)
    assert raised.value.retry_after_s
    assert await processor.process(photo)


async def test_number_of_waiting_pictures_is_bounded(endless: Path, photo: Path, tmp_path: Path) -> None:
    processor = ImageProcessor(workers=1, max_waiting=1)
    first = asyncio.create_task(processor.process(endless))
    await wait_until(lambda: being_read(endless))
    second = asyncio.create_task(processor.process(photo))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as raised:
        await processor.process(photo)
    assert raised.value.retry_after_s
    first.cancel()
    assert await second
    await processor.stop()


async def test_cancelled_request_kills_its_worker(
    processor: ImageProcessor, endless: Path, photo: Path, tmp_path: Path
) -> None:
    job = asyncio.create_task(processor.process(endless))
    await wait_until(lambda: being_read(endless))
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert worker_pids() == []
    assert await processor.process(photo)


async def test_concurrent_pictures_share_the_workers(photo: Path, tmp_path: Path) -> None:
    processor = ImageProcessor(workers=2)
    jobs = [processor.process(photo) for number in range(8)]
    made = await asyncio.gather(*jobs)
    assert len({image.blurhash for image in made}) == 1
    assert len(worker_pids()) == 2
    await processor.stop()
    assert worker_pids() == []


async def test_idle_workers_stop_but_for_the_last(photo: Path) -> None:
    processor = ImageProcessor(workers=2, idle_s=0.05)
    await asyncio.gather(processor.process(photo), processor.process(photo))
    await wait_until(lambda: len(worker_pids()) == 1)
    (last,) = worker_pids()
    assert await processor.process(photo)
    assert worker_pids() == [last]
    await processor.stop()


async def test_signals_to_the_group_do_not_interrupt_a_picture(
    processor: ImageProcessor, photo: Path, tmp_path: Path
) -> None:
    await processor.process(photo)
    (pid,) = worker_pids()
    assert os.getsid(pid) != os.getsid(0)
    os.kill(pid, signal.SIGINT)
    os.kill(pid, signal.SIGTERM)
    await processor.process(photo)
    assert worker_pids() == [pid]


async def test_stop_finishes_the_picture_and_rejects_the_next(photo: Path, tmp_path: Path) -> None:
    processor = ImageProcessor(workers=1)
    running = asyncio.create_task(processor.process(photo))
    waiting = asyncio.create_task(processor.process(photo))
    await wait_until(worker_pids)
    await processor.stop()
    assert await running
    with pytest.raises(Unavailable):
        await waiting
    with pytest.raises(Unavailable):
        await processor.process(photo)
    assert worker_pids() == []


async def test_cancelled_stop_leaves_no_worker(endless: Path, tmp_path: Path) -> None:
    processor = ImageProcessor()
    job = asyncio.create_task(processor.process(endless))
    await wait_until(lambda: being_read(endless))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await processor.stop()
    with pytest.raises(AppError):
        await job
    assert worker_pids() == []


async def test_stop_without_work_returns_at_once(tmp_path: Path) -> None:
    processor = ImageProcessor()
    await processor.stop()
    await processor.stop()


PARENT = """
import asyncio, sys
from pathlib import Path
from server.gateways.images.processor import ImageProcessor

async def main():
    processor = ImageProcessor()
    await processor.process(Path(sys.argv[1]))
    children = [Path(f"/proc/self/task/{task.name}/children").read_text() for task in Path("/proc/self/task").iterdir()]
    print("PIL" in sys.modules, "blurhash_rs" in sys.modules, "".join(children), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_worker_isolates_pillow_and_exits_with_its_parent(photo: Path, tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(photo), stdout=subprocess.PIPE
    )
    assert parent.stdout
    pillow = blurhash = pid = b""
    async with asyncio.timeout(30):
        async for line in parent.stdout:
            if line.startswith((b"True", b"False")):
                pillow, blurhash, pid = line.split()
                break
    assert (pillow, blurhash) == (b"False", b"False")
    assert "images/worker.py" in command(int(pid))
    parent.kill()
    await parent.communicate()
    await wait_until(lambda: "images/worker.py" not in command(int(pid)))
