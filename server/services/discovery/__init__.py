"""Search: its index and queries, and the pages of hashtags."""
