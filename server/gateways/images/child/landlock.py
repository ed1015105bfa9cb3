"""Landlock: the Linux kernel's restriction of a process to some files, and to no network.

<https://docs.kernel.org/userspace-api/landlock.html>. The numbers of its system calls are those of every architecture.
"""

import ctypes
import os
import struct
from collections.abc import Iterable

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG, PATH_BENEATH = 1, 1
READ_FILE, READ_DIR = 1 << 2, 1 << 3
# All rights of the first version; the later ones are added with the version that knows them.
FILE_RIGHTS = (1 << 13) - 1
LATER_FILE_RIGHTS = ((2, 1 << 13), (3, 1 << 14), (5, 1 << 15))
TCP_RIGHTS, TCP_SINCE = 0b11, 4
SCOPES, SCOPES_SINCE = 0b11, 6  # abstract Unix sockets, and signals to other processes


def restrict(readable: Iterable[str]) -> int:
    """Let this process read only the folders `readable`, and open no TCP connection.

    Open files stay open. Returns the version of Landlock; 0 if the kernel has none, and nothing is restricted then.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(CREATE_RULESET, None, 0, VERSION_FLAG)
    if version < 1:
        return 0
    rights = FILE_RIGHTS
    for since, right in LATER_FILE_RIGHTS:
        rights |= right if version >= since else 0
    attributes = struct.pack("=Q", rights)
    if version >= TCP_SINCE:
        attributes += struct.pack("=Q", TCP_RIGHTS)
    if version >= SCOPES_SINCE:
        attributes += struct.pack("=Q", SCOPES)
    ruleset = libc.syscall(CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return 0
    try:
        for folder in readable:
            _allow(libc, ruleset, folder)
        return version if libc.syscall(RESTRICT_SELF, ruleset, 0) == 0 else 0
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, folder: str) -> None:
    try:
        parent = os.open(folder, os.O_PATH)
    except OSError:
        return
    try:
        libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, struct.pack("=Qi", READ_FILE | READ_DIR, parent), 0)
    finally:
        os.close(parent)
