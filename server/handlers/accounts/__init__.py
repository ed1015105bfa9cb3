"""Routes for registration, sign-in, sessions and passwords."""
