"""Lengths of texts and lists in posts, comments and collections, limits of drafts, and the scale of positions."""

MAX_CAPTION = 2200
MAX_ALT_TEXT = 1000
MAX_COMMENT = 2200
MAX_IMAGES = 10
MAX_COLLECTION_NAME = 60
MAX_COLLECTIONS = 100  # per user
MAX_COLLECTION_POSTS = 5000
MAX_DRAFTS = 100
MAX_SCHEDULED = 50
MAX_SCHEDULE_DAYS = 365
MAX_PLACE_NAME = 100
MAX_TAGS = 20  # per image
# Positions in images are stored as ten-thousandths of the width and the height.
POSITION_SCALE = 10_000
MAX_PINNED_COMMENTS = 3
MAX_HIDDEN_WORDS = 200
MAX_HIDDEN_WORD = 60
