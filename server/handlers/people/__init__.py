"""Routes for profiles and follows."""
