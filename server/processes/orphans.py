"""Reaping of orphans, which a process with the id 1 inherits from all processes of its container."""

import os
from collections.abc import Container
from contextlib import suppress


def reap_orphans(own: Container[int]) -> None:
    """Reap the children that have ended, up to one that this process started itself: `own` has their ids."""
    with suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if ended.si_pid in own:
                return
            os.waitpid(ended.si_pid, 0)
