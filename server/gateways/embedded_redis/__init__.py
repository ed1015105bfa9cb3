"""A private Valkey server under the data folder, started and supervised by the program."""
