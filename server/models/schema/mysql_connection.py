"""A connection to MySQL beside the pool, for statements that need a separate session."""

from typing import Any

import asyncmy

from server.models.database import DatabaseParameters


async def connect_beside_pool(where: DatabaseParameters, init_command: str | None = None) -> Any:
    """Open a connection of asyncmy; the caller closes it. Raises its errors.

    `init_command` is the first statement of the session.
    """
    return await asyncmy.connect(
        host=where.host,
        port=where.port,
        user=where.username,
        password=where.password,
        db=where.name,
        charset="utf8mb4",
        ssl=where.tls_context(),
        init_command=init_command,
    )
