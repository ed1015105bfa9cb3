"""Representations of resources: versions, conditional requests and ranges."""
