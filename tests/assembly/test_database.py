"""Parameters of the database connection, from settings."""

from pathlib import Path

import pytest

from server.assembly.database import database_parameters
from server.models.engines.mysql_tls import TlsParameters, Verification
from server.settings import Settings


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, None),
        ({"ssl_ca": "/ca"}, TlsParameters(ca=Path("/ca"))),
        ({"ssl_verify": "full"}, TlsParameters()),
        ({"ssl_cert": "/c"}, TlsParameters(certificate=Path("/c"))),
        ({"ssl_verify": "none", "ssl_ca": "/ca"}, TlsParameters(Verification.NONE, Path("/ca"))),
        ({"ssl_verify": "off", "ssl_ca": "/ca"}, None),
    ],
)
def test_tls_is_used_if_a_setting_asks_for_it(chosen: dict[str, str], expected: TlsParameters | None) -> None:
    settings = Settings.model_validate({"database": {"host": "db.example.com", **chosen}})
    assert database_parameters(settings, Path("var")).tls == expected
