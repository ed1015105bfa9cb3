"""Adapters of external systems: Redis, images, media, e-mail, push."""
