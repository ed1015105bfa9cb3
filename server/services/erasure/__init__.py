"""Erasure of accounts: everything of a user is deleted."""
