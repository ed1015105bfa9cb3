"""Routes for posts, comments, likes and media files."""
