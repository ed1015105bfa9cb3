"""Routes for reports and moderation."""
