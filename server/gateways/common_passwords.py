"""Words that are guessed first: zxcvbn's lists of common passwords and English words."""

import asyncio
import hashlib
import re
from array import array
from bisect import bisect_left
from importlib.util import find_spec
from pathlib import Path

LISTS = ("passwords", "english_wikipedia")


class CommonPasswords:
    """60,000 words as sorted 64-bit digests: 0.5 MB, where a set of texts takes 7.5 MB.

    They are loaded in a thread with the first question: 0.2 s, and 3.5 MB more memory in all.
    """

    def __init__(self) -> None:
        self._digests: array[int] = array("Q")
        self._loading = asyncio.Lock()

    async def contains(self, word: str) -> bool:
        """Return whether the word is in a list; the case does not matter."""
        async with self._loading:
            if not self._digests:
                self._digests = await asyncio.to_thread(_load)
        digest = _digest(word.casefold())
        at = bisect_left(self._digests, digest)
        return at < len(self._digests) and self._digests[at] == digest


def _load() -> "array[int]":
    """Read the lists from the file's text: importing it, or the package, would take up to 20 MB more."""
    package = find_spec("zxcvbn")
    assert package is not None
    assert package.submodule_search_locations is not None
    source = (Path(package.submodule_search_locations[0]) / "frequency_lists.py").read_text()
    digests = array("Q")
    for name in LISTS:
        words = re.search(rf'"{name}": "([^"]*)"', source)
        assert words is not None, f"zxcvbn's frequency_lists.py has no list {name!r} of the expected form"
        digests.extend(_digest(word[0]) for word in re.finditer("[^,]+", words[1]))
    return array("Q", sorted(digests))


def _digest(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(errors="replace"), digest_size=8).digest())
