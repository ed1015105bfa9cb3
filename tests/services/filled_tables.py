"""Many rows in every table of a MariaDB database, so that its plans are those of a large installation."""

from typing import Any

from server.models.database import Database

ROWS = 3000
OTHERS = 7919
SKIPPED = frozenset({"aerich", "installation", "schedules", "nodes", "audit_chain", "queue_states"})


async def fill_tables(database: Database) -> dict[str, int]:
    """Insert copies of a row of each table that has one; return the number of rows by table.

    A third of the copies keep each of the row's references, such as its user or its post; the others have other ones.
    """
    columns = await database.rows(
        "SELECT table_name AS t, column_name AS c, data_type AS kind, column_key AS indexed,"
        " character_maximum_length AS length FROM information_schema.columns WHERE table_schema = DATABASE()"
        " ORDER BY table_name, ordinal_position"
    )
    tables: dict[str, list[dict[str, Any]]] = {}
    for column in columns:
        tables.setdefault(column["t"], []).append(column)
    filled: list[str] = []
    await database.execute("SET SESSION foreign_key_checks = 0")
    for table, found in tables.items():
        sample = await database.rows(f"SELECT * FROM `{table}` ORDER BY 1 DESC LIMIT 1")
        if sample and table not in SKIPPED:
            filled.append(table)
            await _fill(database, table, found, sample[0])
    await database.execute("SET SESSION foreign_key_checks = 1")
    await database.rows(f"ANALYZE TABLE {', '.join(filled)}")
    counts = [(await database.rows(f"SELECT COUNT(*) AS n FROM `{table}`"))[0]["n"] for table in filled]
    return dict(zip(filled, counts, strict=True))


async def _fill(
    database: Database, table: str, columns: list[dict[str, Any]], sample: dict[str, Any]
) -> None:
    values: list[str] = []
    parameters: list[Any] = []
    for number, column in enumerate(columns):
        name, value = column["c"], sample[column["c"]]
        if name == "id":
            values.append("? - CAST(seq AS SIGNED)")
        elif name.endswith("_id") and isinstance(value, int):
            values.append(f"IF(seq %% 3 = {number % 3}, ?, ? - CAST(seq AS SIGNED) * {OTHERS})")
            parameters.append(value)
        elif column["indexed"] in ("PRI", "UNI") and isinstance(value, int):
            values.append("? + CAST(seq AS SIGNED)")
        elif column["indexed"] in ("PRI", "UNI") and isinstance(value, str):
            values.append(f"CONCAT(LEFT(?, {max(0, column['length'] - 6)}), seq)")
        else:
            values.append("?")
        parameters.append(value)
    names = ", ".join(f"`{column['c']}`" for column in columns)
    await database.execute(
        f"INSERT IGNORE INTO `{table}` ({names}) SELECT {', '.join(values)} FROM seq_1_to_{ROWS}", parameters
    )
