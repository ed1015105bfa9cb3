"""TLS for connections to MySQL and MariaDB: the context, and what a failed connection means."""

import ssl
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from server.errors import ConfigurationError
from server.models.engines.mysql_errors import error_number

# X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
HOST_MISMATCHES = (62, 64)
PLAIN_TEXT = "WRONG_VERSION_NUMBER"  # the answer is not TLS
# Bad handshake, lost connection: a server that rejects the client's certificate closes the connection.
BROKEN_HANDSHAKES = (1043, 2013)


class Verification(StrEnum):
    """Verification of the server: certificate and host name, the certificate alone, or nothing."""

    FULL = "full"
    CA = "ca"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class TlsParameters:
    """Files and verification of TLS. Without `ca`, the system's certificate authorities are trusted.

    The client's certificate is sent if the server asks for one; `key` may be in the same file.
    """

    verification: Verification = Verification.FULL
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


def create_context(parameters: TlsParameters) -> ssl.SSLContext:
    """Return the context. Raises ConfigurationError, which names the setting, for a file that cannot be used."""
    verification, ca = parameters.verification, parameters.ca
    try:
        context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    except OSError as error:  # SSLError is one
        raise _unusable("DB_SSL_CA", ca, error) from error
    context.check_hostname = verification is Verification.FULL
    context.verify_mode = ssl.CERT_NONE if verification is Verification.NONE else ssl.CERT_REQUIRED
    if parameters.certificate is not None:
        _load_certificate(context, parameters.certificate, parameters.key)
    return context


def explain_tls_error(parameters: TlsParameters, where: str, error: BaseException) -> str | None:
    """Return what to do if `error` comes from TLS, or None."""
    found = _find_ssl_error(error)
    if isinstance(found, ssl.SSLCertVerificationError):
        if found.verify_code in HOST_MISMATCHES:
            return (
                f"The certificate of the database at {where} is for another host ({found.verify_message}): set DB_HOST"
                " to a name in the certificate, or DB_SSL_VERIFY=ca."
            )
        trusted = parameters.ca or "the system's certificate authorities"
        return (
            f"The certificate of the database at {where} is not trusted ({found.verify_message}): set DB_SSL_CA to the"
            f" authority that signed it. Trusted: {trusted}."
        )
    if found is not None and found.reason == PLAIN_TEXT:
        return f"The database at {where} does not offer TLS: enable it there, or set DB_SSL_VERIFY=off."
    if found is None and error_number(error) not in BROKEN_HANDSHAKES:
        return None
    reason = found.reason if found is not None else "the server closed the connection"
    return (
        f"No TLS connection to the database at {where} ({reason}): check that the server accepts the certificate in"
        " DB_SSL_CERT."
    )


def explain_denied(parameters: TlsParameters | None) -> str:
    """Return what may be missing if the server denies access, because it does not say so. Starts with a space."""
    if parameters is None:
        return " A server that requires TLS answers the same: then set DB_SSL_VERIFY=full."
    if parameters.certificate is None:
        return " A server that requires a client certificate answers the same: then set DB_SSL_CERT."
    return ""


def _load_certificate(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    try:
        # Without `password`, OpenSSL would ask for that of an encrypted key on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except OSError as error:
        if not certificate.exists() or key is None:
            raise _unusable("DB_SSL_CERT", certificate, error) from error
        if not key.exists():
            raise _unusable("DB_SSL_KEY", key, error) from error
        raise _unusable("DB_SSL_CERT and DB_SSL_KEY", f"{certificate} and {key}", error) from error


def _find_ssl_error(error: BaseException | None) -> ssl.SSLError | None:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error


def _unusable(name: str, file: object, error: OSError) -> ConfigurationError:
    reason = error.strerror if not isinstance(error, ssl.SSLError) else error.reason or "not a PEM file"
    return ConfigurationError(f"{name}: {file} cannot be used ({reason}).")
