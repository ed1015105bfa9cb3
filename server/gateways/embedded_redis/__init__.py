"""A private Valkey server in the data folder, started and supervised by the application."""
