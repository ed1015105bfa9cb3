"""Web Push: encryption (RFC 8291), identification of this server (RFC 8292), and requests (RFC 8030)."""
