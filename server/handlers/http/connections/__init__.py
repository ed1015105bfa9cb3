"""Connections of clients."""
