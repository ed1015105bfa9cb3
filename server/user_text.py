"""Removal of invisible and deceptive characters from texts that users write."""

import unicodedata

import regex

# NUL, ESC and surrogate halves, which no honest text contains: terminals and databases fail on them.
FORBIDDEN = regex.compile("[\x00\x1b\ud800-\udfff]")
# A class of the characters that show nothing, without those beyond U+FFFF, for the patterns of the OpenAPI document.
INVISIBLE = (
    r"\s\x00-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f\u205f-\u206f"
    r"\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
)

_LINE_BREAK = regex.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Controls other than tab and line feed, and the characters that embed, override or isolate a text direction.
_CONTROLS = regex.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
# Tag characters outside the flag of a region can carry a hidden message.
_TAGS = regex.compile("(?<!\U0001f3f4[\U000e0020-\U000e007e]*)[\U000e0000-\U000e007f]")

# The scripts in which a joiner changes how a word is written: cursive scripts and those with a virama.
_JOINED = (
    r"[\p{Arab}\p{Syrc}\p{Mong}\p{Nkoo}\p{Mand}\p{Phag}\p{Adlm}\p{Rohg}\p{Deva}\p{Bengali}\p{Guru}\p{Gujr}\p{Orya}"
    r"\p{Taml}\p{Telu}\p{Knda}\p{Mlym}\p{Sinh}\p{Mymr}\p{Khmr}\p{Tibt}\p{Java}\p{Bali}\p{Cakm}\p{Newa}\p{Tirh}]"
)
_JOINERS = "\u200c\u200d"
# A joiner within a word of these scripts or after a virama; a joiner between the parts of an emoji.
SCRIPT_JOINER = (
    rf"(?=[{_JOINERS}])(?<={_JOINED}\p{{Mn}}*)[{_JOINERS}](?={_JOINED})|(?<=\p{{ccc=9}})[{_JOINERS}]"
)
_EMOJI_JOINER = (
    r"(?=\u200d)(?<=\p{Extended_Pictographic}[\p{Emoji_Modifier}\ufe0f]?)\u200d(?=\p{Extended_Pictographic})"
)
# What has no width, or is drawn as nothing. Variation selectors stay behind the character that they vary.
_VARIATIONS = r"\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_BLANK = regex.compile(
    rf"(?<![\p{{L}}\p{{M}}\p{{N}}\p{{P}}\p{{S}}])[{_VARIATIONS}]"
    rf"|(?![{_VARIATIONS}\U000e0000-\U000e007f])\p{{Default_Ignorable_Code_Point}}"
    r"|[\p{Bidi_Control}\u2800\ufff9-\ufffb]"
)
_VISIBLE = regex.compile(rf"(?!\p{{Default_Ignorable_Code_Point}})[^{INVISIBLE}]")
_KEPT_OR_BLANK = regex.compile(rf"({SCRIPT_JOINER}|{_EMOJI_JOINER})|{_BLANK.pattern}")


def clean_lines(text: str) -> str:
    """Return the text trimmed, without control characters, direction overrides and hidden tags.

    Every line break becomes a line feed. Nothing is normalized.
    """
    return _TAGS.sub("", _CONTROLS.sub("", _LINE_BREAK.sub("\n", text))).strip()


def clean_line(text: str) -> str:
    """Return the text as one line with single spaces and without any invisible character, in the form NFC.

    Joiners stay where a script or an emoji needs them.
    """
    return unicodedata.normalize("NFC", one_line(text))


def one_line(text: str) -> str:
    """Return the text like `clean_line`, without normalization."""
    line = " ".join(clean_lines(text).split())
    return " ".join(_KEPT_OR_BLANK.sub(lambda found: found[1] or "", line).split())


def has_visible(text: str) -> bool:
    """Return whether the text shows anything: more than white space and invisible characters."""
    return _VISIBLE.search(text) is not None
