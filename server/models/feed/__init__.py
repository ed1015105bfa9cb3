"""Statements of the feed, over the tables of users, follows, posts and likes."""
