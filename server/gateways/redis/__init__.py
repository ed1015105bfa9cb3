"""Redis clients, and what requests and workers ask of Redis: sessions, rate limits."""
