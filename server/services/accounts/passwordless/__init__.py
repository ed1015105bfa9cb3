"""Sign-in without a password: identity providers and passkeys."""
