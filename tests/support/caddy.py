"""Caddy with the configuration of `deploy/caddy/`, for two processes of the program."""

from collections.abc import Sequence
from pathlib import Path

from tests.support.proxy import Proxy, with_changes
from tools.harness.backends import ROOT
from tools.harness.servers import find_program

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


class Caddy(Proxy):
    """Caddy with `deploy/caddy/Caddyfile`."""

    def __init__(self, folder: Path, ports: Sequence[int]) -> None:
        super().__init__(folder, ports)
        one, two = ports
        certificate = self._certificate
        changes = {
            "photos.example.com {": f"{self.url} {{\n\ttls {certificate.certificate} {certificate.key}",
            "127.0.0.1:3000": f"127.0.0.1:{one}",
            "127.0.0.1:3001": f"127.0.0.1:{two}",
        }
        (folder / "Caddyfile").write_text(
            GLOBAL.format(folder=folder) + with_changes(SITE.read_text(), changes)
        )

    def _command(self) -> Sequence[str]:
        return [
            find_program("caddy") or "caddy",
            "run",
            "--config",
            str(self.folder / "Caddyfile"),
            "--adapter",
            "caddyfile",
        ]
