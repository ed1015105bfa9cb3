"""`python run.py role USERNAME ROLE`: gives a user a role."""

from server.control import open_admin_context
from server.services.records import Role
from server.settings import Settings


async def grant_role(settings: Settings, username: str, role: str) -> int:
    async with open_admin_context(settings) as context:
        before = await context.roles.grant(username, Role(role))
    if before == role:
        print(f"{username} already has the role {role}.")
    else:
        print(f"{username} now has the role {role} (before: {before}).")
    return 0
