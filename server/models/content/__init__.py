"""Tables and repositories of posts, pictures, comments and likes."""
