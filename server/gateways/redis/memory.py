"""Memory, keys and hit rate of a Redis server."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from server.gateways.redis.pipelined_client import PipelinedRedis

# Servers with more keys are sampled.
MAX_SCANNED = 2_000
SAMPLES = 500


@dataclass(frozen=True, slots=True)
class RedisMemory:
    """Figures of one server. `max_bytes` is 0 without a limit. `kinds` counts keys by the word before the colon."""

    used_bytes: int
    max_bytes: int
    keys: int
    hits: int
    misses: int
    evicted_keys: int
    clients: int
    kinds: Mapping[str, int]
    is_estimate: bool


async def read_memory(redis: PipelinedRedis) -> RedisMemory:
    """Return the figures of a server. Raises RedisUnavailable.

    The kinds of more than 2,000 keys are estimated from 500 random ones, so that no key space is walked.
    """
    answer, keys = await redis.commands(("INFO",), ("DBSIZE",))
    lines = (line.partition(":") for line in answer.decode(errors="replace").splitlines() if ":" in line)
    info = {name: value for name, _, value in lines}
    is_estimate = keys > MAX_SCANNED
    names: list[bytes | None]
    if is_estimate:
        names = await redis.commands(*[("RANDOMKEY",)] * SAMPLES)
    else:
        names = [name async for name in _scan(redis)]
    counts = Counter(name.decode(errors="replace").partition(":")[0] for name in names if name is not None)
    share = keys / max(1, sum(counts.values())) if is_estimate else 1
    return RedisMemory(
        used_bytes=_number(info, "used_memory"),
        max_bytes=_number(info, "maxmemory"),
        keys=keys,
        hits=_number(info, "keyspace_hits"),
        misses=_number(info, "keyspace_misses"),
        evicted_keys=_number(info, "evicted_keys"),
        clients=_number(info, "connected_clients"),
        kinds={kind: round(count * share) for kind, count in counts.most_common()},
        is_estimate=is_estimate,
    )


async def _scan(redis: PipelinedRedis) -> AsyncIterator[bytes]:
    cursor: bytes | str = "0"
    seen: set[bytes] = set()
    while True:
        cursor, names = await redis.command("SCAN", cursor, "COUNT", 500)
        for name in names:
            if name not in seen:
                seen.add(name)
                yield name
        if cursor == b"0":
            return


def _number(info: Mapping[str, str], name: str) -> int:
    text = info.get(name, "0").strip()
    return int(text) if text.isdigit() else 0
