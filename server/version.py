"""The version of the program, as declared in pyproject.toml; the program runs from its checkout."""

import tomllib
from pathlib import Path
from typing import Final

_PROJECT = Path(__file__).parent.parent / "pyproject.toml"

VERSION: Final[str] = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]["version"]
