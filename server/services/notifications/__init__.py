"""Notifications: what a person is told of the acts of others; told, read, and taken back.

Which other ways a person is told by, and how, is the affair of `deliveries`.
"""
