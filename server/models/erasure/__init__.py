"""Statements that erase an account, over all tables that name a user."""
