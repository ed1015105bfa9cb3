"""Meaning of the error numbers of MySQL, MariaDB and their clients: which ones say "this server, not now".

Numbers below 2000 are the same on both servers. Above them, the servers reuse numbers; each set names only those that
a statement of this program can get. Sources: `errmsg-utf8.txt` of MariaDB 10.11, the MySQL 8.4 error reference.
Denied access (1044, 1045, 1142) and mistakes in statements are not here: waiting does not end them.
"""

import re

from asyncmy import errors

DUPLICATE_KEY = 1062

# Running the transaction again succeeds.
SERIALIZATION_FAILURES = frozenset(
    {
        1020,  # the record changed since the last read (MariaDB with snapshot isolation)
        1205,  # lock wait timeout
        1213,  # deadlock; at COMMIT, a Galera certification conflict
        3101,  # rolled back during COMMIT: a Group Replication certification conflict
    }
)

# A replica, or a primary that was demoted with its connections open. The statement had no effect.
READ_ONLY = frozenset(
    {
        1290,  # --read-only, --super-read-only, --innodb-read-only
        1792,  # read-only transaction: the server sets transaction_read_only
        1836,  # read-only mode
        1874,  # InnoDB is in read-only mode
    }
)

# A node of a cluster that is not part of it now.
NO_QUORUM = frozenset(
    {
        1047,  # "unknown command" in general; Galera: WSREP has not yet prepared node for application use
        3100,  # Group Replication: the commit hook failed, as in a minority
    }
)

# The server stops, or an administrator ended the statement or the connection.
SHUTDOWN = frozenset(
    {
        1053,  # shutdown in progress
        1077,  # normal shutdown
        1078,  # got a signal
        1079,  # shutdown complete
        1080,  # forcing close of a thread
        1317,  # KILL QUERY
        1927,  # KILL (MariaDB)
        3032,  # offline mode
        3168,  # the server is not available
        3169,  # KILL (MySQL)
    }
)

# Another server has taken over, or will: every connection of this process leads to the wrong one.
FAILED_OVER = READ_ONLY | NO_QUORUM | (SHUTDOWN - {1317, 1927, 3169})

# No connection, or one that broke. 0 is asyncmy's number for a connection that it closed.
CONNECTION_LOST = frozenset(
    {
        0,
        1042,  # the server could not resolve the client's address
        1043,  # bad handshake: the connection broke during it
        1129,  # the host is blocked after too many broken connections
        1152,  # aborted connection
        *range(
            1154, 1162
        ),  # the server could not read or write packets; 1153 is a statement that is too large
        1184,  # aborted connection
        2001,  # cannot create a socket
        2002,  # cannot connect to a unix socket
        2003,  # cannot connect to a host
        2004,  # cannot create a TCP socket
        2005,  # unknown host: DNS is unavailable
        2006,  # the server has gone away
        2012,  # error in the handshake
        2013,  # lost the connection during a statement
        2014,  # commands out of sync: an answer of an earlier statement is on the connection
        2026,  # TLS failed
        2027,  # malformed packet
        2055,  # lost the connection, with a system error
        4031,  # disconnected after wait_timeout (MySQL)
    }
)

# The server has no room for another connection, thread, lock or transaction.
NO_CAPACITY = frozenset(
    {
        1037,  # out of memory
        1040,  # max_connections
        1041,  # out of memory or other resources
        1135,  # cannot create a thread
        1203,  # max_user_connections
        1206,  # the lock table is full
        1226,  # a limit of the account, such as max_connections_per_hour
        1637,  # too many active transactions
    }
)

# The disk is full or broken.
STORAGE = frozenset(
    {
        1021,  # the disk is full
        1023,  # error on close
        1024,  # error on read
        1026,  # error on write
        1114,  # the table is full: no room for the tablespace
        1180,  # error during COMMIT
        1181,  # error during ROLLBACK
        1598,  # the binary log cannot be written
    }
)

# Errors whose text contains the system's error number.
WITH_ERRNO = frozenset({1004, 1016, 1030})  # cannot create a file, cannot open a file, storage engine
STORAGE_ERRNOS = frozenset(
    {
        5,  # EIO
        23,  # ENFILE
        24,  # EMFILE
        28,  # ENOSPC
        30,  # EROFS
        122,  # EDQUOT
        135,  # HA_ERR_RECORD_FILE_FULL
        165,  # HA_ERR_TABLE_READONLY
    }
)

# The server ended the statement because it took too long.
STATEMENT_TIMEOUT = frozenset(
    {
        1969,  # max_statement_time (MariaDB)
        3024,  # max_execution_time (MySQL)
    }
)

UNAVAILABLE_BY_REASON = {
    "read-only": READ_ONLY,
    "not part of its cluster": NO_QUORUM,
    "shutting down, or the statement was killed": SHUTDOWN,
    "the connection was lost": CONNECTION_LOST,
    "out of connections or memory": NO_CAPACITY,
    "its disk is full or failed": STORAGE,
    "the statement took too long": STATEMENT_TIMEOUT,
}

_ERRNO = re.compile(r"(?:errno:|error) (\d+)")
_REASONS = {number: reason for reason, numbers in UNAVAILABLE_BY_REASON.items() for number in numbers}


def server_error(error: BaseException | None) -> tuple[int, str]:
    """Return number and message of a MySQL error or of one that `error` wraps; -1 if there is none."""
    while error is not None:
        if isinstance(error, errors.MySQLError) and error.args and isinstance(error.args[0], int):
            return error.args[0], " ".join(map(str, error.args[1:]))
        wrapped = next((argument for argument in error.args if isinstance(argument, errors.MySQLError)), None)
        error = wrapped or error.__cause__ or error.__context__
    return -1, ""


def error_number(error: BaseException | None) -> int:
    """Return the MySQL error number of an error or of one that it wraps; -1 if there is none."""
    return server_error(error)[0]


def unavailable_reason(error: BaseException | None) -> str | None:
    """Return why the server cannot serve now, or None for any other error."""
    number, message = server_error(error)
    reason = _REASONS.get(number)
    if reason is None and number in WITH_ERRNO:
        found = _ERRNO.search(message)
        if found is not None and int(found[1]) in STORAGE_ERRNOS:
            reason = "its disk is full or failed"
    return f"{reason}, error {number}" if reason is not None and number > 0 else reason
