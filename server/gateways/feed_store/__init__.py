"""Feeds and post cards in Redis: cached windows, fan-out lists, counters and their invalidation."""
