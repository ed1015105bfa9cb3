"""The web client: its pages and files, and the page of the outbox in development."""

from aiohttp import web

from server.assembly.claims import data_folder
from server.gateways.outbox_messages import OutboxReader
from server.handlers.web.client_pages import ClientPageRoutes
from server.handlers.web.outbox import OutboxRoutes
from server.handlers.web.static_files import StaticFileRoutes, StaticFiles
from server.settings import Settings


def web_client(settings: Settings, files: StaticFiles) -> list[web.RouteDef]:
    """Return the routes of the web client."""
    routes = [*StaticFileRoutes(files).routes(), *ClientPageRoutes(files, settings.media_base_url).routes()]
    if settings.app.env == "development" and settings.writes_emails_to_outbox:
        routes += OutboxRoutes(OutboxReader(data_folder(settings) / "outbox"), files).routes()
    return routes
