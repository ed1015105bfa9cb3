"""Sign-in with a second factor, and reauthentication within a session."""
