"""Filters of words and links, which moderators manage."""
