"""Names, captions and comments of a crowd, composed from a few words."""

from random import Random

FIRST = (
    "Ada", "Amara", "Ben", "Bruno", "Carmen", "Chidi", "Dilan", "Elif", "Emil", "Fatou", "Freya", "Goran", "Hana",
    "Ines", "Ivo", "Jonas", "Kaito", "Lena", "Leo", "Maja", "Mateo", "Nia", "Noor", "Oskar", "Paula", "Quinn", "Rosa",
    "Samir", "Sofia", "Tariq", "Uma", "Vera", "Wanja", "Yara", "Zoe",
)  # fmt: skip
LAST = (
    "Abe", "Adeyemi", "Almeida", "Bauer", "Berg", "Costa", "Demir", "Diallo", "Eriksen", "Fischer", "Garcia",
    "Haddad", "Ito", "Jansen", "Kaya", "Keller", "Lindqvist", "Moreau", "Nakamura", "Novak", "Okafor", "Petrov",
    "Quispe", "Rossi", "Sato", "Silva", "Singh", "Tanaka", "Varga", "Weber", "Yilmaz",
)  # fmt: skip
OPENINGS = (
    "Morning light", "The long way home", "Nothing but sea", "Somewhere north", "After the rain", "First try at this",
    "Late again", "One more from the trip", "Quiet streets", "Blue hour", "Worth getting up for", "Up on the hill",
    "Window seat", "The usual walk", "Fog rolling in", "Market day", "Between two storms", "Old town, new shoes",
)  # fmt: skip
ENDINGS = (
    "", ".", " and no one else around.", ", again.", " with the old lens.", ", no filter.", " before breakfast.",
    " on the last day.", " while the town sleeps.",
)  # fmt: skip
TAGS = (
    "photography", "sunset", "sea", "mountains", "city", "night", "travel", "film", "weekend", "nature", "light",
    "street", "autumn", "coffee", "clouds",
)  # fmt: skip
COMMENTS = (
    "Wonderful light!", "Where is this?", "I have to go there.", "The colours!", "This is my favourite of yours.",
    "Which camera?", "So calm.", "Take me with you next time.", "Love the clouds.", "Great composition.", "Wow.",
    "Looks cold!", "I was there last year, it never looked like this.", "Print this one.", "What a sky.",
)  # fmt: skip
REPLIES = (
    "Thank you!", "Half an hour from here, ask me.", "Any time.", "An old one, with a new lens.", "It was freezing.",
    "You should.", "Glad you like it.", "Pure luck.",
)  # fmt: skip


def crowd_name(rng: Random) -> str:
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"


def caption(rng: Random) -> str:
    tags = " ".join(f"#{tag}" for tag in rng.sample(TAGS, rng.randrange(3)))
    return f"{rng.choice(OPENINGS)}{rng.choice(ENDINGS)} {tags}".rstrip()


def comment_text(rng: Random) -> str:
    return rng.choice(COMMENTS)


def reply_text(rng: Random) -> str:
    return rng.choice(REPLIES)
