"""Image processing in isolated child processes."""
