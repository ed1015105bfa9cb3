"""The image process from inside: what code in it could still do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are parts of Linux")

ATTEMPTS = """
import ctypes, json, os, socket, sys
sys.path.append(sys.argv[1])
secret, parent, nobody = sys.argv[2], int(sys.argv[3]), len(sys.argv) > 4
from server.gateways.images.child.sandbox import confine

inherited, _ = socket.socketpair()
opened = open(secret)
if nobody:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
missing = confine(1024**3, parent)

def tcp():
    socket.socket(socket.AF_INET, socket.SOCK_STREAM)

def write():
    with open(secret + ".new", "w") as file:
        file.write("x")

attempts = {
    "read the secret": lambda: open(secret).close(),
    "list its folder": lambda: os.listdir(os.path.dirname(secret)),
    "list the root": lambda: os.listdir("/"),
    "read /etc/passwd": lambda: open("/etc/passwd").close(),
    "read another process": lambda: open(f"/proc/{parent}/environ").close(),
    "write a file": write,
    "write an open file": lambda: os.write(opened.fileno(), b"x"),
    "open a TCP socket": tcp,
    "open a UDP socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "open a Unix socket": lambda: socket.socket(socket.AF_UNIX),
    "connect": lambda: inherited.connect("/run/mysqld/mysqld.sock"),
    "start a program": lambda: os.execv("/bin/true", ["true"]),
    "signal the server": lambda: os.kill(parent, 0),
}
succeeded = []
for name, attempt in attempts.items():
    try:
        attempt()
    except OSError:
        continue
    succeeded.append(name)
if not nobody:  # who may not read the interpreter of root
    import encodings.punycode
print(json.dumps({"succeeded": succeeded, "missing": missing}))
"""


@pytest.mark.parametrize("user", ["this user", "nobody"])
def test_code_in_the_image_process_reaches_nothing(tmp_path: Path, user: str) -> None:
    if user == "nobody" and os.getuid() != 0:
        pytest.skip("only root can become another user")
    secret = tmp_path / "secrets.json"
    secret.write_text("{}")
    root = Path(__file__).parents[3]
    arguments = [str(root), str(secret), str(os.getpid()), *(["nobody"] if user == "nobody" else [])]
    done = subprocess.run(
        [sys.executable, "-I", "-c", ATTEMPTS, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    if report["missing"]:
        pytest.skip(f"this kernel has no {' and no '.join(report['missing'])}")
    assert report["succeeded"] == []
