"""The fixtures of the journeys serve here too: the contract is held against the running program."""

from tests.e2e.conftest import new_program, program, register, session

__all__ = ["new_program", "program", "register", "session"]
