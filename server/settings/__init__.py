"""Every setting with its type, bounds and default. `server.configuration` reads the values."""

from server.settings.api import NewAccountRate, RateLimit
from server.settings.background import QueueSettings
from server.settings.dependencies import DatabaseSettings
from server.settings.settings import Settings

__all__ = ["DatabaseSettings", "NewAccountRate", "QueueSettings", "RateLimit", "Settings"]
