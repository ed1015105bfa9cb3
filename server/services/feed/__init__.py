"""Personalised feeds: fan-out, cached feeds with a continuation in SQL, and their consistency check."""
