"""An empty database on the nodes of a Galera cluster."""

from server.models.database import DatabaseParameters
from tests.support.program import Program
from tools.harness.servers import DB_PASSWORD, DB_USERNAME, MariaDB

NAME = "photos"


def with_empty_database(nodes: list[MariaDB], template: str) -> list[MariaDB]:
    nodes[0].query(f"SET foreign_key_checks = 0; CREATE OR REPLACE DATABASE {NAME}")
    nodes[0].query(template, NAME)
    for node in nodes:
        node.query("SET wsrep_sync_wait = 1; SELECT COUNT(*) FROM posts", NAME)
    return nodes


def assert_no_crash(programs: list[Program]) -> None:
    crashes = ("request_crashed", "actor_crashed", "job_failed", "database_restore_noticed")
    assert [line for program in programs for line in program.log if line["message"] in crashes] == []


def parameters_of(node: MariaDB) -> DatabaseParameters:
    return DatabaseParameters(
        host="127.0.0.1", port=node.port, username=DB_USERNAME, password=DB_PASSWORD, name=NAME
    )
