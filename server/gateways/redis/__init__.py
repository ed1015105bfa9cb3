"""Redis clients, rate limits, and the list of revoked sessions."""
