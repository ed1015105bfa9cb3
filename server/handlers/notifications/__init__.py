"""Routes for notifications, preferences, devices and the live stream."""
