"""Tables and repositories of users, sessions and password resets."""
