"""Caddy with the configuration of `deploy/caddy/`, for two processes of the program."""

import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.support.certificates import Authority
from tools.harness.backends import ROOT
from tools.harness.servers import Server, find_program, free_port

SITE = ROOT / "deploy" / "caddy" / "Caddyfile"
# The server is private to a test: no port for administration, no trust store, no redirects on port 80.
GLOBAL = """{{
	admin off
	auto_https disable_redirects
	skip_install_trust
	grace_period 1s
	storage file_system {folder}/storage
}}
"""


class Caddy(Server):
    """Caddy at `url`, in front of `ports`: with the file that operators copy, and its marked lines changed."""

    def __init__(self, folder: Path, ports: Sequence[int]) -> None:
        super().__init__(folder)
        self.ports = tuple(ports)
        self.port = free_port()
        authority = Authority(folder / "authority", "authority")
        certificate = authority.sign("caddy", "127.0.0.1")
        self.tls = ssl.create_default_context(cafile=authority.certificate)
        one, two = ports
        text = SITE.read_text()
        for old, new in {
            "photos.example.com {": f"{self.url} {{\n\ttls {certificate.certificate} {certificate.key}",
            "127.0.0.1:3000": f"127.0.0.1:{one}",
            "127.0.0.1:3001": f"127.0.0.1:{two}",
        }.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (folder / "Caddyfile").write_text(GLOBAL.format(folder=folder) + text)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def _command(self) -> Sequence[str]:
        return [
            find_program("caddy") or "caddy",
            "run",
            "--config",
            str(self.folder / "Caddyfile"),
            "--adapter",
            "caddyfile",
        ]

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False
