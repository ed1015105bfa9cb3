"""`python run.py doctor replicas`: check whether each read replica keeps up with the primary."""

from rich.console import Console
from rich.table import Table

from server.control import open_existing_database
from server.settings import Settings


async def check_replicas(settings: Settings) -> int:
    """Print each replica, and why it is left out. Return exit code 1 if one is. Raises ConfigurationError."""
    console = Console(width=None if Console().is_terminal else 140)
    async with open_existing_database(settings) as database:
        replicas = database.replicas
        if not replicas.all:
            console.print("No replicas are configured: set DB_REPLICAS.")
            return 0
        await replicas.check()
        table = Table("REPLICA", "STATE", box=None)
        for replica in replicas.all:
            table.add_row(replica.address, f"left out: {replica.problem}" if replica.problem else "used")
        console.print(table)
        return 1 if replicas.left_out else 0
