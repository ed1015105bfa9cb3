"""Confinement of the image process: no files, no network, no other processes, and limits of resources.

A decoder that a malicious picture takes over can use the socket to the server and nothing else.
"""

import contextlib
import ctypes
import os
import platform
import signal
import struct
import sys
from pathlib import Path

import PIL

from server.gateways.images.child import landlock

if sys.platform != "win32":
    import resource

PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 22, 38  # <linux/prctl.h>
SECCOMP_MODE_FILTER = 2
ALLOW, DENY, KILL = 0x7FFF0000, 0x00050000 | 1, 0x80000000  # <linux/seccomp.h>; 1 is EPERM
LOAD, JUMP_IF_EQUAL, JUMP_IF_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06  # <linux/bpf_common.h>
NUMBER_OFFSET, ARCHITECTURE_OFFSET = 0, 4
X32_NUMBERS = 0x40000000  # a second set of numbers on x86-64

# By machine: its name in seccomp, and the numbers of socket, connect, bind, execve, execveat, ptrace, process_vm_readv,
# process_vm_writev, kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo, pidfd_send_signal, pidfd_getfd,
# io_uring_setup, mount, unshare, setns, bpf, userfaultfd, perf_event_open, add_key, request_key, keyctl.
DENIED_CALLS = {
    "x86_64": (
        0xC000003E,
        (
            41, 42, 49, 59, 322, 101, 310, 311, 62, 200, 234, 129, 297, 424, 438, 425, 165, 272, 308, 321, 323, 298,
            248, 249, 250,
        ),
    ),
    "aarch64": (
        0xC00000B7,
        (
            198, 203, 200, 221, 281, 117, 270, 271, 129, 130, 131, 138, 240, 424, 438, 425, 40, 97, 268, 280, 282, 241,
            217, 218, 219,
        ),
    ),
}  # fmt: skip


def confine(memory_bytes: int, parent_pid: int) -> list[str]:
    """Drop privileges and limit resources; exit with the parent on Linux. Return the names of missing protections."""
    # A signal to the process group must not interrupt an image during the drain.
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    missing = ["landlock", "seccomp"]
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if os.getppid() != parent_pid:
            sys.exit("the parent has exited")
        if landlock.restrict(_library_folders()):
            missing.remove("landlock")
        if _deny_calls(libc):
            missing.remove("seccomp")
    _limit_resources(memory_bytes)
    return missing


def limit_cpu(seconds: float) -> None:
    """Limit the CPU time of the next request to `seconds`, in case the parent cannot enforce its timeout."""
    if sys.platform != "win32":
        used = resource.getrusage(resource.RUSAGE_SELF)
        allowed = int(used.ru_utime + used.ru_stime + seconds) + 1
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.RLIM_INFINITY))


def _library_folders() -> set[str]:
    """Return the folders of Python's modules: some are imported when they are first needed, such as codecs."""
    return {str(Path(os.__file__).parent), str(Path(PIL.__file__).parents[1])}


def _deny_calls(libc: ctypes.CDLL) -> bool:
    """Let the system calls fail that reach other processes, the network or programs. Return whether that worked."""
    if platform.machine() not in DENIED_CALLS:
        return False
    architecture, numbers = DENIED_CALLS[platform.machine()]
    count = len(numbers)
    program = [
        (LOAD, 0, 0, ARCHITECTURE_OFFSET),
        (JUMP_IF_EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER_OFFSET),
        (JUMP_IF_AT_LEAST, count + 1, 0, X32_NUMBERS),
        *((JUMP_IF_EQUAL, count - at, 0, number) for at, number in enumerate(numbers)),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, DENY),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *each) for each in program))
    # struct sock_fprog: a short, padding, a pointer.
    filter_program = struct.pack("@HP", len(program), ctypes.addressof(code))
    return libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter_program, 0, 0) == 0


def _limit_resources(memory_bytes: int) -> None:
    if sys.platform != "win32":
        for kind, limit in (
            (resource.RLIMIT_AS, memory_bytes),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_NOFILE, 64),
        ):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (limit, limit))
