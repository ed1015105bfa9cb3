"""SQL uses nothing that Galera, Vitess or TiDB lack, besides foreign keys (docs/scaling.md)."""

import re

from tools.harness.backends import ROOT

# Locks and programs of one server, and what a sharded or distributed engine does not have.
UNPORTABLE = re.compile(
    r"\b(GET_LOCK(?=\()|RELEASE_LOCK(?=\()|LOCK TABLES|FLUSH TABLES|SAVEPOINT|SKIP LOCKED|XA START|LOAD DATA"
    r"|CREATE TRIGGER|CREATE PROCEDURE|CREATE EVENT|FULLTEXT|SPATIAL|AUTO_INCREMENT|LAST_INSERT_ID(?=\())"
)
# The table of the migration library, which is written under a lease.
ALLOWED = {"migrations/mysql/models/0_20261122094056_init.py": ["AUTO_INCREMENT"]}


def test_sql_needs_no_feature_of_a_single_server() -> None:
    files = [*(ROOT / "server").rglob("*.py"), *(ROOT / "migrations" / "mysql").rglob("*.py")]
    found = {
        str(file.relative_to(ROOT)): sorted(set(names))
        for file in files
        if (names := UNPORTABLE.findall(file.read_text()))
    }
    assert len(files) > 500
    assert found == ALLOWED
