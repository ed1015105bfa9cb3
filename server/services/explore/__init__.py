"""Explore: popular and fresh posts of public accounts that a viewer does not follow."""
