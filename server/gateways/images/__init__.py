"""Image processing in isolated worker processes."""
