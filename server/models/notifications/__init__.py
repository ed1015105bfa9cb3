"""Tables of notifications, preferences and devices."""
