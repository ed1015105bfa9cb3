"""TLS to a real MariaDB: what is verified, and what an operator reads when it fails."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from server.errors import ConfigurationError
from server.models.database import Database, DatabaseParameters
from server.models.engines.mysql_tls import TlsParameters, Verification
from server.models.migrations import Migrations
from tests.support.certificates import Authority, Certificate
from tools.harness.backends import ROOT, Stack
from tools.harness.servers import DB_PASSWORD, DB_USERNAME, MariaDB


@dataclass(frozen=True, slots=True)
class Server:
    """A server that requires TLS; `certified` is a user who needs a client certificate."""

    mariadb: MariaDB
    parameters: DatabaseParameters
    certified: DatabaseParameters
    authority: Authority
    stranger: Authority
    client: Certificate

    def trusting(self, **changes: object) -> DatabaseParameters:
        """Return the parameters with TLS."""
        tls = replace(TlsParameters(ca=self.authority.certificate), **changes)  # pyright: ignore[reportArgumentType]
        return replace(self.parameters, tls=tls)


@pytest.fixture(scope="module")
def server(scratch: Path, mariadb_stack_runs: None) -> Iterator[Server]:
    folder = scratch / "tls"
    authority, stranger = Authority(folder / "ours", "authority"), Authority(folder / "theirs", "stranger")
    own = authority.sign("server", "127.0.0.1")
    options = {"ssl-ca": authority.certificate, "ssl-cert": own.certificate, "ssl-key": own.key}
    mariadb = MariaDB(folder / "mariadb", options=options).install()
    mariadb.query(
        "CREATE DATABASE encrypted; SET GLOBAL require_secure_transport = ON;"
        f" CREATE USER certified@'%' IDENTIFIED BY '{DB_PASSWORD}' REQUIRE X509;"
        " GRANT ALL ON encrypted.* TO certified@'%'"
    )
    parameters = DatabaseParameters(
        host="127.0.0.1",
        port=mariadb.port,
        username=DB_USERNAME,
        password=DB_PASSWORD,
        name="encrypted",
    )
    certified = replace(parameters, username="certified")
    yield Server(mariadb, parameters, certified, authority, stranger, authority.sign("client"))
    mariadb.stop()
    shutil.rmtree(folder)


@asynccontextmanager
async def opened(parameters: DatabaseParameters) -> AsyncIterator[Database]:
    database = Database(parameters)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def refusal(parameters: DatabaseParameters) -> str:
    """Return the text with which a start fails."""
    with pytest.raises(ConfigurationError) as caught:
        async with opened(parameters):
            pass
    return caught.value.reason


async def is_encrypted(database: Database) -> bool:
    (row,) = await database.rows("SHOW SESSION STATUS LIKE 'Ssl_version'")
    return row["Value"].startswith("TLSv1")


@pytest.mark.parametrize(
    ("verification", "host"),
    [(Verification.FULL, "127.0.0.1"), (Verification.CA, "localhost"), (Verification.NONE, "localhost")],
)
async def test_connections_are_encrypted(server: Server, verification: Verification, host: str) -> None:
    async with opened(replace(server.trusting(verification=verification), host=host)) as database:
        assert await is_encrypted(database)
        async with database.transaction():
            assert await is_encrypted(database)


async def test_migrations_and_their_lock_use_tls(server: Server) -> None:
    async with opened(server.trusting()) as database:
        migrations = Migrations(database, ROOT / "migrations")
        assert await migrations.upgrade() == migrations.known()
        assert await is_encrypted(database)


async def test_certificate_of_another_authority_is_refused(server: Server) -> None:
    reason = await refusal(server.trusting(ca=server.stranger.certificate))
    assert "is not trusted" in reason
    assert "set DB_SSL_CA" in reason
    reason = await refusal(server.trusting(ca=None))
    assert "Trusted: the system's certificate authorities" in reason


async def test_certificate_for_another_host_is_refused(server: Server) -> None:
    reason = await refusal(replace(server.trusting(), host="localhost"))
    assert "is for another host" in reason
    assert "not valid for 'localhost'" in reason
    assert "DB_HOST" in reason


async def test_client_certificate_is_sent(server: Server) -> None:
    tls = TlsParameters(
        ca=server.authority.certificate, certificate=server.client.certificate, key=server.client.key
    )
    async with opened(replace(server.certified, tls=tls)) as database:
        assert await is_encrypted(database)
    without = replace(tls, certificate=None, key=None)
    assert "set DB_SSL_CERT" in await refusal(replace(server.certified, tls=without))
    other = server.stranger.sign("other")
    untrusted = replace(tls, certificate=other.certificate, key=other.key)
    assert "accepts the certificate in DB_SSL_CERT" in await refusal(replace(server.certified, tls=untrusted))


async def test_server_that_requires_tls_is_named_as_a_cause(server: Server) -> None:
    reason = await refusal(server.parameters)
    assert "requires TLS" in reason
    assert "DB_SSL_VERIFY=full" in reason


@pytest.mark.parametrize("stack", ["mariadb"], indirect=True)
async def test_server_without_tls_is_refused(stack: Stack) -> None:
    for verification in Verification:
        parameters = replace(stack.database_parameters(), tls=TlsParameters(verification))
        assert "does not offer TLS" in await refusal(parameters)


async def test_files_that_cannot_be_used_are_named(server: Server, tmp_path: Path) -> None:
    client, other = server.client, server.stranger.sign("mismatch")
    (tmp_path / "empty.pem").touch()
    for changes, expected in (
        ({"ca": tmp_path / "missing.pem"}, "DB_SSL_CA: "),
        ({"ca": tmp_path / "empty.pem"}, "DB_SSL_CA: "),
        ({"certificate": tmp_path / "missing.pem"}, "DB_SSL_CERT: "),
        ({"certificate": client.certificate}, "DB_SSL_CERT: "),
        ({"certificate": client.certificate, "key": tmp_path / "missing.key"}, "DB_SSL_KEY: "),
        ({"certificate": client.certificate, "key": other.key}, "DB_SSL_CERT and DB_SSL_KEY: "),
    ):
        reason = await refusal(server.trusting(**changes))
        assert reason.startswith(expected), reason
        assert "cannot be used" in reason
