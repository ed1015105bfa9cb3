"""nginx with the configuration of `deploy/nginx/`, for two processes of the program."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from tests.support.proxy import Proxy, with_changes
from tools.harness.backends import ROOT
from tools.harness.servers import find_program, free_port

SITE = ROOT / "deploy" / "nginx" / "photofeed.conf"
MAIN = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


class Nginx(Proxy):
    """nginx with `deploy/nginx/photofeed.conf`."""

    def __init__(self, folder: Path, ports: Sequence[int]) -> None:
        super().__init__(folder, ports)
        (folder / "site.conf").write_text(self._site(ports))
        user = "user root;" if os.geteuid() == 0 else ""  # its scratch folder is private
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user=user))

    @property
    def log(self) -> str:
        """The warnings and errors."""
        file = self.folder / "error.log"
        return file.read_text() if file.exists() else ""

    def statuses(self) -> set[int]:
        """Return the statuses of all answers."""
        lines = (self.folder / "access.log").read_text().splitlines()
        return {int(found[1]) for line in lines if (found := re.search(r'" (\d{3}) ', line))}

    def _site(self, ports: Sequence[int]) -> str:
        one, two = ports
        changes = {
            "server 127.0.0.1:3000;": f"server 127.0.0.1:{one};",
            "server 127.0.0.1:3001;": f"server 127.0.0.1:{two};",
            "listen 80;": f"listen 127.0.0.1:{free_port()};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{self.port} ssl http2;",
            "ssl_certificate /etc/ssl/photos.example.com.pem;": f"ssl_certificate {self._certificate.certificate};",
            "ssl_certificate_key /etc/ssl/photos.example.com.key;": f"ssl_certificate_key {self._certificate.key};",
        }
        return with_changes(SITE.read_text(), changes)

    def _command(self) -> Sequence[str]:
        return [
            find_program("nginx") or "nginx",
            "-p",
            str(self.folder),
            "-c",
            str(self.folder / "nginx.conf"),
        ]
