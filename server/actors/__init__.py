"""Long-lived tasks: worker, dispatcher, relay, health monitor, and their supervisor."""
