"""Job benchmark: rate at which one process drains a queue, and CPU per job, compared with a bare RedisStreamBroker.

The baseline uses only Redis, without rows, leases and retries. Both use the same Redis in turn.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from taskiq.receiver import Receiver
from taskiq_redis import RedisStreamBroker

from benchmarks.dataset import embedded_stack, mariadb_stack, own_media_store
from server import logs
from server.actors.supervisor import Supervisor
from server.actors.worker import Handler, Worker
from server.assembly import gateways
from server.assembly.caches import MAIN, cache_guard
from server.assembly.database import MIGRATIONS, database_parameters
from server.assembly.identity_providers import identity_providers
from server.assembly.redis import pipelined_redis, queue_brokers, redis_connections
from server.assembly.resources import Instrumentation, Resources
from server.assembly.services import Services, build_services
from server.clock import SystemClock
from server.configuration import load
from server.epoch import DatabaseEpoch
from server.gateways.redis.rate_limits import RateLimits
from server.ids import IdGenerator, JobId
from server.metrics import Metrics
from server.models.database import Database
from server.models.jobs.installation import InstallationRepository
from server.models.migrations import Migrations
from server.pubsub.job_notifier import JobNotifier
from server.pubsub.receiver import QueueReceiver
from server.services.jobs.claims import Claim, JobRef
from server.services.jobs.event_jobs import JobKind, Queue
from server.services.jobs.jobs import Jobs
from server.settings import Settings
from tools.harness.backends import Stack
from tools.harness.servers import make_scratch

JOBS = 3000
CONCURRENCY = 10
ROWS_PER_STATEMENT = 500


@dataclass(frozen=True, slots=True)
class Drained:
    """Wall-clock and CPU seconds of this process for `jobs` jobs."""

    jobs: int
    wall_s: float
    cpu_s: float

    @property
    def rate(self) -> float:
        return self.jobs / self.wall_s

    @property
    def cpu_ms(self) -> float:
        return self.cpu_s / self.jobs * 1000


async def measure(console: Console) -> None:
    """Print jobs per second and CPU milliseconds per job for the installed stacks."""
    logs.configure("error", "console")
    scratch = make_scratch()
    with embedded_stack(scratch) as embedded:
        await _on(console, "SQLite + Valkey", embedded)
    with mariadb_stack(scratch) as external:
        if external is not None:
            await _on(console, "MariaDB + Redis", external)


async def _on(console: Console, name: str, stack: Stack) -> None:
    with console.status(f"{name}: draining {JOBS} jobs, three ways"):
        bare = await _bare_taskiq(stack.redis.url)
        trivial, notification = await _ours(stack)
    table = Table(
        "one process, " + name, "jobs/s", "CPU a job", "rate, bare = 1", "CPU, bare = 1", title="draining a queue"
    )  # fmt: skip
    for label, drained in (
        ("bare Taskiq stream, trivial task", bare),
        ("trivial job, with its row", trivial),
        ("notification, with its row", notification),
    ):
        ratio, cost = drained.rate / bare.rate, drained.cpu_ms / bare.cpu_ms
        table.add_row(label, f"{drained.rate:.0f}", f"{drained.cpu_ms:.2f} ms", f"{ratio:.2f}", f"{cost:.2f}")
    console.print(table)


async def _bare_taskiq(url: str) -> Drained:
    broker = RedisStreamBroker(url, queue_name="bare", consumer_id="0")
    done = asyncio.Event()
    left = JOBS

    @broker.task(task_name="trivial")
    async def trivial(job_id: int) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            done.set()

    await broker.startup()
    for job_id in range(JOBS):
        await trivial.kiq(job_id)
    receiver = Receiver(broker, max_async_tasks=CONCURRENCY, max_prefetch=0, run_startup=False)
    finish = asyncio.Event()
    drained = await _until(done, lambda: receiver.listen(finish), finish.set)
    await broker.shutdown()
    return drained


async def _ours(stack: Stack) -> tuple[Drained, Drained]:
    settings = load(Path("config.toml"), environ=stack.environ).settings
    database = Database(database_parameters(settings, stack.var_dir))
    await database.open()
    await Migrations(database, MIGRATIONS).upgrade()
    await own_media_store(stack, InstallationRepository(database))
    ids = IdGenerator(SystemClock(), 1)
    async with queue_brokers(settings, stack.redis.url, Instrumentation(), listening=True) as brokers:
        notifier = JobNotifier(brokers)
        async with _services(settings, stack, database, ids, notifier) as (built, jobs):

            async def finish(claim: Claim) -> None:
                await jobs.finish(claim)

            rungs = await _insert(database, ids, "trivial", [{} for _ in range(JOBS)])
            trivial = await _drain(brokers, jobs, notifier, rungs, {"trivial": finish})
            payloads = await _likes(database, ids)
            rungs = await _insert(database, ids, JobKind.NOTIFY_LIKE, payloads)
            handlers: dict[str, Handler] = {JobKind.NOTIFY_LIKE: built.notification_jobs.handle_like}
            notification = await _drain(brokers, jobs, notifier, rungs, handlers)
    await database.close()
    return trivial, notification


@asynccontextmanager
async def _services(
    settings: Settings, stack: Stack, database: Database, ids: IdGenerator, notifier: JobNotifier
) -> AsyncIterator[tuple[Services, Jobs]]:
    var, url, instrumentation = stack.var_dir, stack.redis.url, Instrumentation()
    var.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as opened:
        enter = opened.enter_async_context
        pipelined = await enter(pipelined_redis(settings, url))
        guard = await enter(cache_guard(pipelined, database, MAIN, Supervisor(Metrics())))
        resources = Resources(
            database=database,
            epoch=DatabaseEpoch(),
            redis=await enter(redis_connections(settings, url)),
            pipelined_redis=pipelined,
            feeds_redis=pipelined,
            cache_guard=guard,
            feeds_guard=guard,
            ids=ids,
            job_notifier=notifier,
            images=await enter(gateways.image_processor(settings, instrumentation)),
            identity_providers=await enter(identity_providers(settings)),
            passwords=await enter(gateways.password_hasher(settings, instrumentation)),
            media=await enter(gateways.media_store(settings, var, database)),
            email=await enter(gateways.email_sender(settings, var, instrumentation)),
            push=await enter(gateways.push_sender(settings, var, instrumentation)),
            rate_limits=RateLimits(pipelined),
            instrumentation=instrumentation,
        )
        yield build_services(settings, var, resources)


async def _drain(
    brokers: Mapping[str, Any],
    jobs: Jobs,
    notifier: JobNotifier,
    rungs: list[JobRef],
    handlers: Mapping[str, Handler],
) -> Drained:
    notifier.notify(rungs)
    await notifier.flush()
    done, left = asyncio.Event(), len(rungs)

    def counted(handler: Handler) -> Handler:
        async def run(claim: Claim) -> None:
            nonlocal left
            await handler(claim)
            left -= 1
            if left == 0:
                done.set()

        return run

    worker = Worker(
        Queue.NOTIFICATIONS,
        jobs,
        {kind: counted(handler) for kind, handler in handlers.items()},
        lambda run_job: QueueReceiver(brokers[Queue.NOTIFICATIONS], run_job, CONCURRENCY, 10.0),
        heartbeat_s=5.0,
        metrics=Metrics(),
    )
    return await _until(done, worker.run, lambda: asyncio.ensure_future(worker.drain()))


async def _until(
    done: asyncio.Event, run: Callable[[], Awaitable[None]], stop: Callable[[], object]
) -> Drained:
    wall, cpu = time.perf_counter(), time.process_time()
    running = asyncio.ensure_future(run())
    async with asyncio.timeout(300):
        await done.wait()
    drained = Drained(JOBS, time.perf_counter() - wall, time.process_time() - cpu)
    stopping = stop()
    await running
    if isinstance(stopping, asyncio.Future):
        await stopping
    return drained


async def _insert(
    database: Database, ids: IdGenerator, kind: str, payloads: list[dict[str, int]]
) -> list[JobRef]:
    rungs: list[JobRef] = []
    for start in range(0, len(payloads), ROWS_PER_STATEMENT):
        values: list[Any] = []
        some = payloads[start : start + ROWS_PER_STATEMENT]
        for payload in some:
            job_id = JobId(ids.next())
            rungs.append(JobRef(Queue.NOTIFICATIONS, job_id, 0))
            values += [job_id, Queue.NOTIFICATIONS, kind, orjson.dumps(payload).decode()]
        row = f"(?, ?, ?, ?, 0, 'ready', {database.now_ms}, {database.now_ms}, 0, 0, '', 0)"
        await database.execute(
            "INSERT INTO jobs (id, queue, kind, payload, priority, state, run_at_ms, created_at_ms, attempts,"
            f" crash_count, lease, lease_until_ms) VALUES {', '.join([row] * len(some))}",
            values,
        )
    return rungs


async def _likes(database: Database, ids: IdGenerator) -> list[dict[str, int]]:
    """Insert JOBS users and a like of each; return the payloads of the jobs that notify of them."""
    people = [ids.next() for _ in range(JOBS)]
    for start in range(0, JOBS, 300):
        some = people[start : start + 300]
        row = "(?, ?, ?, ?, ?, '', 0, '', '', '', '', 'user', 0, 0, 0, 0)"
        await database.execute(
            "INSERT INTO users (id, username, username_key, email, email_key, password_hash, password_changed_at_ms,"
            " full_name, bio, website, avatar_key, role, posts_count, followers_count, following_count, created_at_ms)"
            f" VALUES {', '.join([row] * len(some))}",
            [
                value
                for person in some
                for value in (person, f"u{person}", f"u{person}", f"e{person}", f"e{person}")
            ],
        )
    posts = {author: ids.next() for author in people[:100]}
    for author, post in posts.items():
        await database.execute(
            "INSERT INTO posts (id, author_id, caption, likes_count, comments_count) VALUES (?, ?, '', 0, 0)",
            [post, author],
        )
    payloads: list[dict[str, int]] = []
    for number, actor in enumerate(people):
        author = people[(number + 1) % 100]
        payloads.append({"post_id": posts[author], "author_id": author, "actor_id": actor})
    for start in range(0, JOBS, 300):
        some = payloads[start : start + 300]
        await database.execute(
            f"INSERT INTO likes (id, user_id, post_id) VALUES {', '.join(['(?, ?, ?)'] * len(some))}",
            [value for like in some for value in (ids.next(), like["actor_id"], like["post_id"])],
        )
    return payloads
