"""Claims that precede everything else: the port, and the roles on the data folder."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from socket import socket

from server.errors import ConfigurationError
from server.gateways.private_files import make_private
from server.gateways.process_claims import bind, claim_role
from server.settings import Settings


@asynccontextmanager
async def claimed_port(host: str, port: int) -> AsyncGenerator[socket]:
    """Bind the port without listening yet. Raises ConfigurationError if it is taken."""
    with closing(bind(host, port)) as listener:
        yield listener


@asynccontextmanager
async def closing_listener(listener: socket) -> AsyncGenerator[None]:
    """Close this process's copy of a socket that several processes accept connections on."""
    with closing(listener):
        yield


@asynccontextmanager
async def claimed_role(var: Path, role: str) -> AsyncGenerator[None]:
    """Claim `role` on the data folder for this process alone. Raises ConfigurationError if another process has it."""
    with claim_role(var, role):
        yield


def data_folder(settings: Settings) -> Path:
    """Return the data folder of the embedded parts, as an absolute path."""
    return settings.app.var_dir.resolve()


def create_work_folder(var: Path) -> Path:
    """Create the folder for temporary files, and make the data folder private.

    Raises ConfigurationError if it is not writable.
    """
    work = var / "tmp"
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"Cannot write to {var} ({error.strerror}): set VAR_DIR to a writable folder."
        ) from error
    make_private(var)
    return work
