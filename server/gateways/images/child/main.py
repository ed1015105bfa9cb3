"""Loop of the image process: requests from the server, one at a time, over the socket on standard input.

A request is a length in four bytes, big-endian, and JSON; the picture comes as an open file beside it. The answer is
framed alike, and followed by the contents of the renditions.
"""

import json
import os
import socket
import struct
import warnings
from collections.abc import Iterable
from typing import Any

from server.gateways.images.child import sandbox
from server.gateways.images.child.reader import load_decoders
from server.gateways.images.child.refused import Refused
from server.gateways.images.child.renditions import Rendered, render, render_avif

Answer = tuple[dict[str, Any], Iterable[bytes]]
RENDERERS = {"jpeg": render, "avif": render_avif}


def main(memory_bytes: int, parent_pid: int, niceness: int) -> None:
    """Report readiness, then answer requests until the server closes the socket."""
    warnings.simplefilter("ignore")
    os.nice(niceness)
    channel = socket.socket(fileno=0)
    load_decoders()
    unprotected = sandbox.confine(memory_bytes, parent_pid)
    _send(channel, {"unprotected": unprotected}, ())
    while (received := _receive(channel)) is not None:
        request, source = received
        sandbox.limit_cpu(request["cpu_s"])
        _send(channel, *_answer(request, source))


def _answer(request: dict[str, Any], source: int) -> Answer:
    """Return `{"done": ...}` and contents, or `{"refused": reason, ...}` for errors of the picture or the file."""
    try:
        with os.fdopen(source, "rb") as file:
            content = file.read()
        rendered = RENDERERS[request["format"]](content, request)
    except Refused as refused:
        cause = type(refused.__cause__).__name__
        return {"refused": refused.reason, "details": refused.details, "cause": cause}, ()
    except MemoryError:
        return {"refused": "memory", "details": {}, "cause": "MemoryError"}, ()
    except OSError as error:
        return {"refused": "storage", "details": {}, "cause": repr(error)[:200]}, ()
    return {"done": _described(rendered)}, [rendition.content for rendition in rendered.renditions]


def _described(rendered: Rendered) -> dict[str, Any]:
    return {
        "renditions": [
            {"width": each.width, "height": each.height, "square": each.square, "bytes": len(each.content)}
            for each in rendered.renditions
        ],
        "largest": {"width": rendered.width, "height": rendered.height, "square": rendered.square},
        "blurhash": rendered.blurhash,
        "hash": rendered.hash,
        "format": rendered.format,
        "animated": rendered.animated,
    }


def _send(channel: socket.socket, message: dict[str, Any], contents: Iterable[bytes]) -> None:
    body = json.dumps(message).encode()
    channel.sendall(struct.pack(">I", len(body)) + body + b"".join(contents))


def _receive(channel: socket.socket) -> tuple[dict[str, Any], int] | None:
    """Return the next request and its file; None at the end."""
    header, files, _, _ = socket.recv_fds(channel, 4, 1)
    if len(header) < 4 or not files:
        return None
    (length,) = struct.unpack(">I", header)
    body = b""
    while len(body) < length:
        if not (part := channel.recv(length - len(body))):
            return None
        body += part
    return json.loads(body), files[0]
