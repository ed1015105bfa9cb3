"""A crowd of any size, by bulk statements: what the services would leave behind, a thousand rows at a time."""
