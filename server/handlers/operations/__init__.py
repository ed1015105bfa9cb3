"""Routes for health, metrics and queue administration."""
