"""Reading of request bodies that take long: their time limits."""
