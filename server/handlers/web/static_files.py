"""Static files of the web client and the JavaScript SDK, kept in memory.

A file has two addresses. `/web/{version}/...` contains a version of all files, so that it is cached for a year: modules
that import each other by relative paths stay on one version. `/sdk/...` is for programs of others, and revalidated.
"""

import asyncio
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

import brotli
from aiohttp import ETag, hdrs, web

from server.errors import NotFound
from server.handlers.http.operations import RouteOptions
from server.handlers.http.representations.negotiation import preferred_coding
from server.handlers.http.representations.preconditions import digest, is_not_modified, weak_etag

WEB = Path(__file__).parent.parent.parent / "web"
IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATED = "public, no-cache"
PUBLIC = RouteOptions(public=True, rates=())
TEXT = "; charset=utf-8"
# With explicit content types, because systems map suffixes differently.
CONTENT_TYPES = {
    ".css": "text/css" + TEXT,
    ".html": "text/html" + TEXT,
    ".js": "text/javascript" + TEXT,
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True)
class StaticFile:
    """A file with further headers. It is compressed when it is first asked for, as well as possible."""

    content: bytes
    suffix: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @cached_property
    def version(self) -> bytes:
        return digest(self.content)

    @cached_property
    def gzip(self) -> bytes:
        return gzip.compress(self.content, 9, mtime=0)

    @cached_property
    def brotli(self) -> bytes:
        return brotli.compress(self.content)


class StaticFiles:
    """The files below `server/web`, read once."""

    def __init__(self, files: Mapping[str, StaticFile]) -> None:
        self._files = files
        self.version = digest(b"".join(file.version for file in files.values())).hex()

    @classmethod
    def read(cls, folder: Path = WEB) -> Self:
        """Return the files of known types, by their paths relative to the folder."""
        paths = sorted(path for path in folder.rglob("*") if path.suffix in CONTENT_TYPES)
        return cls(
            {
                path.relative_to(folder).as_posix(): StaticFile(path.read_bytes(), path.suffix)
                for path in paths
            }
        )

    def paths(self) -> list[str]:
        return list(self._files)

    def url(self, path: str) -> str:
        """Return the address of a file, which contains the version."""
        return f"/web/{self.version}/{path}"

    def get(self, path: str) -> StaticFile:
        """Return a file. Raises NotFound."""
        if path not in self._files:
            raise NotFound("No such resource.")
        return self._files[path]


class StaticFileRoutes:
    def __init__(self, files: StaticFiles) -> None:
        self._files = files

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/web/{version}/{path:.+}", self.get_versioned),
            web.get("/sdk/{path:.+}", self.get_sdk),
        ]

    @PUBLIC
    async def get_versioned(self, request: web.Request) -> web.Response:
        """Return a file of the current version, also to a page of an earlier one, which has to revalidate it."""
        file = self._files.get(request.match_info["path"])
        current = request.match_info["version"] == self._files.version
        return await respond(request, file, IMMUTABLE if current else REVALIDATED)

    @PUBLIC
    async def get_sdk(self, request: web.Request) -> web.Response:
        return await respond(request, self._files.get(f"sdk/{request.match_info['path']}"))


async def respond(request: web.Request, file: StaticFile, cache_control: str = REVALIDATED) -> web.Response:
    """Return a file in the form that the client prefers, or 304."""
    headers = {
        **file.headers,
        hdrs.CACHE_CONTROL: cache_control,
        hdrs.ETAG: weak_etag(file.version),
        hdrs.VARY: hdrs.ACCEPT_ENCODING,
    }
    if is_not_modified(request, ETag(file.version.hex(), is_weak=True)):
        return web.Response(status=304, headers=headers)
    headers[hdrs.CONTENT_TYPE] = CONTENT_TYPES[file.suffix]
    coding = preferred_coding(request.headers.get(hdrs.ACCEPT_ENCODING, ""))
    if coding is None:
        return web.Response(body=file.content, headers=headers)
    headers[hdrs.CONTENT_ENCODING] = coding
    # In a thread: Brotli takes some milliseconds for each file, once.
    body = await asyncio.to_thread(lambda: file.brotli if coding == "br" else file.gzip)
    return web.Response(body=body, headers=headers)
