"""The personalised feed: pushed to readers' windows when a post appears, read from there, and from SQL beyond."""
