"""Tables and repositories of follows and profiles."""
