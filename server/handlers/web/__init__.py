"""The web client: its static files and pages."""
