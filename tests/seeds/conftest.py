"""The program beside which sample data are made: what its journeys start it with."""

from tests.e2e.conftest import new_program, program, register, session

__all__ = ["new_program", "program", "register", "session"]
