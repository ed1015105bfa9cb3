"""`python run.py remove-second-factor USERNAME`: lets a user sign in who lost the authenticator app."""

from server.assembly.second_factor_removal import open_second_factor_removal
from server.settings import Settings


async def remove_second_factor(settings: Settings, username: str) -> int:
    """Return exit code 1 if there was nothing to remove."""
    async with open_second_factor_removal(settings) as removal:
        removed = await removal.remove(username)
    if removed:
        print(f"Removed the second factor of {username}. The owner gets an e-mail.")
        return 0
    print(f"{username} has no second factor.")
    return 1
