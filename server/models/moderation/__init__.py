"""Tables and repositories of reports and moderation."""
