"""A group of processes that share a port, their supervisor, and the service manager above it."""
