"""`python run.py role USERNAME ROLE`: gives somebody a role."""

from server.control import open_admin_context
from server.services.records import Role
from server.settings import Settings


async def grant_role(settings: Settings, username: str, role: str) -> int:
    async with open_admin_context(settings) as control:
        before = await control.roles.grant(username, Role(role))
    if before == role:
        print(f"{username} has the role {role} already.")
    else:
        print(f"{username} has the role {role} now, no longer {before}. It counts from their next refresh.")
    return 0
