"""Fixtures of the end-to-end tests, for the tests of `deploy/`."""

from tests.e2e.conftest import new_program, program, register, session

__all__ = ["new_program", "program", "register", "session"]
