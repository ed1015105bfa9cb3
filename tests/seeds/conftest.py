"""Fixtures of the running program, for tests of `python -m seeds` beside it."""

from tests.e2e.conftest import new_program, program, register, session

__all__ = ["new_program", "program", "register", "session"]
