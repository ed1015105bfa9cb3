"""Profiles, follows and the lookup of users."""
