"""Benchmarks: `python -m benchmarks [NAME...]` measures the values in docs/benchmarks.md.

Each value is compared with a baseline in the same run. Times depend on the machine; ratios are comparable.
"""

import argparse
import asyncio
import os
import platform
import sys

from rich.console import Console

from benchmarks import (
    cores,
    discovery,
    feed,
    hot_post,
    images,
    jobs,
    network,
    screens,
    search,
    sizes,
    startup,
    streams,
    web,
)

MEASUREMENTS = {
    "startup": startup.measure,
    "jobs": jobs.measure,
    "feed": feed.measure,
    "network": network.measure,
    "cores": cores.measure,
    "hot_post": hot_post.measure,
    "screens": screens.measure,
    "sizes": sizes.measure,
    "search": search.measure,
    "discovery": discovery.measure,
    "streams": streams.measure,
    "images": images.measure,
    "web": web.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure the values in docs/benchmarks.md."
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one of {', '.join(MEASUREMENTS)} (default: all)"
    )
    names = parser.parse_args().names or list(MEASUREMENTS)
    unknown = [name for name in names if name not in MEASUREMENTS]
    if unknown:
        sys.exit(f"error: unknown benchmark {unknown[0]!r}: expected one of {', '.join(MEASUREMENTS)}.")
    console = Console(width=None if sys.stdout.isatty() else 110)
    load = os.getloadavg()[0]
    console.print(
        f"Python {platform.python_version()}, {os.cpu_count()} CPUs, load {load:.1f}"
        + (" [yellow](busy: expect noise)[/yellow]" if load > 1 else "")
    )
    for name in names:
        asyncio.run(MEASUREMENTS[name](console))


if __name__ == "__main__":
    main()
