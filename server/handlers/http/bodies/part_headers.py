"""Field names and character encodings of multipart parts (RFC 7578), as the clients in use write them."""

import codecs
import re
from urllib.parse import unquote

CHARSET_FIELD = "_charset_"  # names the encoding of the texts after it (RFC 7578, 4.6)
CHARSET_DISPOSITION = "form-data; name*=UTF-8''_charset_"
# Those of HTML forms. Python has further codecs, some of which take quadratic time.
ENCODINGS = frozenset(
    {
        "utf-8", "utf-8-sig", "ascii", "utf-16", "utf-16-le", "utf-16-be", "koi8-r", "koi8-u", "cp866", "cp874",
        "shift_jis", "cp932", "euc_jp", "iso2022_jp", "euc_kr", "cp949", "gbk", "gb18030", "gb2312", "big5",
        *(f"iso8859-{number}" for number in range(1, 17)),
        *(f"cp{number}" for number in range(1250, 1259)),
    }
)  # fmt: skip
# Quoted or not; a file name may contain anything but its delimiter.
_PARAMETER = re.compile(r';\s*([A-Za-z]+\*?)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"]*))')


def field_name(disposition: str) -> str:
    """Return the field named by a Content-Disposition header; empty if there is none. File names are not needed."""
    extended = ""
    for key, quoted, plain in _PARAMETER.findall(disposition):
        value: str = re.sub(r"\\(.)", r"\1", quoted) or plain.strip()
        if key.lower() == "name":
            # Headers are decoded with surrogates for bytes that are not UTF-8.
            return value.encode(errors="replace").decode()
        if key.lower() == "name*":
            extended = unquote(value.rpartition("'")[2], errors="replace").encode(errors="replace").decode()
    return extended


def decode_text(content: bytes | bytearray, charset: str) -> str:
    """Return the text in an encoding. Raises ValueError, saying what is wrong."""
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        name = ""
    if name not in ENCODINGS:
        shown = charset[:40].encode("ascii", "replace").decode()
        raise ValueError(f"Unknown character encoding '{shown}': use UTF-8.")
    try:
        return content.decode(name)
    except UnicodeError as error:
        raise ValueError("Must be UTF-8." if name == "utf-8" else f"Is not valid {name}.") from error
