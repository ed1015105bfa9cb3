"""Tortoise's database clients, made safe: bounded waits, nothing held after a cancellation, errors of our own."""
