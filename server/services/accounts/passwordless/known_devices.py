"""Recognition of devices on which a user signed in before, for sign-ins without a password."""

from dataclasses import replace

from server.services.accounts.password_authentication import AuthenticatedUser
from server.services.accounts.tokens import Tokens
from server.services.records import Client


def with_device(account: AuthenticatedUser, tokens: Tokens, client: Client | None) -> AuthenticatedUser:
    """Return the account with the device that its user signed in on before; without one, with a new device."""
    device = tokens.read_device(client.device_token) if client and client.device_token else None
    if device is None or device.user_id != account.id:
        return replace(account, new_device=client is not None)
    # A person who knew a replaced password may have this token, so the owner is notified of its use.
    replaced = device.issued_at_ms + 1000 <= account.password_changed_at_ms
    return replace(account, device_id=device.device_id, new_device=replaced)
