"""Push notifications through Firebase Cloud Messaging, or to the outbox folder."""
