"""Crowds of any size, written with bulk statements as the services would leave them."""
