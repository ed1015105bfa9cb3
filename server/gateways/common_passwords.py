"""Words that are guessed first: zxcvbn's lists of common passwords and English words."""

import asyncio
import hashlib
from array import array
from bisect import bisect_left
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

LISTS = ("passwords", "english_wikipedia")


class CommonPasswords:
    """60,000 words as sorted 64-bit digests: 0.5 MB, where a set of texts takes 7.5 MB.

    They are loaded in a thread with the first question, which takes 0.1 s.
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
    """Load the lists without the package around them, which would keep them in memory for good."""
    package = find_spec("zxcvbn")
    assert package is not None
    assert package.submodule_search_locations is not None
    file = Path(package.submodule_search_locations[0]) / "frequency_lists.py"
    spec = spec_from_file_location("zxcvbn_frequency_lists", file)
    assert isinstance(spec, ModuleSpec)
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    lists: dict[str, list[str]] = module.FREQUENCY_LISTS
    return array("Q", sorted({_digest(word) for name in LISTS for word in lists[name]}))


def _digest(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(errors="replace"), digest_size=8).digest())
