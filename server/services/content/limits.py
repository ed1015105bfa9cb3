"""Lengths of texts and lists in posts."""

MAX_CAPTION = 2200
MAX_ALT_TEXT = 1000
MAX_COMMENT = 2200
MAX_IMAGES = 10
