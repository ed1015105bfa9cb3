"""Exports of everything that is stored about a user, and imports of such archives."""
