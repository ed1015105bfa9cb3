"""Routes for archives of a user's data."""
