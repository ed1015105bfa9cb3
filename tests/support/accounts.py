"""Changes to accounts of a running program, in its database."""

from server.models.database import Database
from tools.harness.backends import Stack

VERIFY = (
    "UPDATE users SET email = pending_email, email_key = pending_email_key, pending_email = '',"
    " pending_email_key = '' WHERE pending_email <> ''"
)


async def verify_addresses(stack: Stack) -> None:
    """Verify every pending address, so that notifications are e-mailed."""
    database = Database(stack.database_parameters())
    await database.open()
    try:
        await database.execute(VERIFY)
    finally:
        await database.close()
