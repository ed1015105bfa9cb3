"""Tables of users, sessions and password resets."""
