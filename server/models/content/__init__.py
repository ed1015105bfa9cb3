"""Tables of posts, comments and likes."""
