"""Feeds and cards in Redis: cached lists, counters, and their invalidation."""
