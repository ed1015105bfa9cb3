"""Programs that some tests need besides Python."""

import os

import pytest

from tools.harness.servers import find_program

IN_CI = os.environ.get("CI") == "true"


def required_program(name: str) -> str:
    """Return the path of a program. Skips the test if it is missing, and fails it in CI."""
    path = find_program(name)
    if path is None:
        (pytest.fail if IN_CI else pytest.skip)(f"install {name}")
    return path
