"""Backups of an installation, their verification, and restoring them."""
