"""Tables of follows."""
