"""A proxy with TLS in front of two processes of the program."""

import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.support.certificates import Authority
from tools.harness.servers import Server, free_port


class Proxy(Server):
    """A proxy at `url`, in front of `ports`: with the file that operators copy, and its marked lines changed."""

    def __init__(self, folder: Path, ports: Sequence[int]) -> None:
        super().__init__(folder)
        self.ports = tuple(ports)
        self.port = free_port()
        authority = Authority(folder / "authority", "authority")
        self._certificate = authority.sign("proxy", "127.0.0.1")
        self.tls = ssl.create_default_context(cafile=authority.certificate)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False


def with_changes(text: str, changes: dict[str, str]) -> str:
    """Replace parts of a configuration, each of which must occur once."""
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text
