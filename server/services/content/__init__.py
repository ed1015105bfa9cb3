"""Posts, comments, likes and pictures, and who may see them."""
