"""Queues, job signals and live signals over Redis."""
