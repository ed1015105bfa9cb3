"""Reads the settings from config.toml, .env, the environment and flags."""

from server.configuration.loading import Loaded, load

__all__ = ["Loaded", "load"]
