"""Request bodies: time limits, `100 Continue`, and what is left of a refused body."""
