"""Fixtures of the end-to-end tests: the contract tests also use the running program."""

from tests.e2e.conftest import new_program, program, register, session

__all__ = ["new_program", "program", "register", "session"]
