"""Routes for sign-up, sign-in, sessions and passwords."""
