"""The photo-sharing server."""
