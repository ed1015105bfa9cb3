"""Verification of ID tokens (OpenID Connect Core 1.0, section 3.1.3.7) that clients get from identity providers.

Whatever is wrong with a token, the refusal is the same. That a token is used only once is up to `external_identities`.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
import structlog

from server.email_addresses import mailbox
from server.errors import NotFound, Unauthenticated
from server.gateways.oidc.provider_keys import ProviderKeys
from server.gateways.oidc.providers import OidcProvider
from server.services.accounts.tokens import MAX_TIME_S
from server.user_text import clean_line

log = structlog.get_logger(__name__)

ALGORITHMS = frozenset({"RS256", "PS256", "ES256", "EdDSA"})
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "nonce"]
LEEWAY_S = 30
MAX_SUBJECT = 255  # OpenID Connect Core, section 2
MAX_NAME = 100


@dataclass(frozen=True, slots=True)
class ExternalIdentity:
    """A person as an identity provider knows them; `email` and `name` may be empty.

    subject_hash: Identifies the person; the same for all tokens of this person.
    token_hash: Identifies the token, which was issued at `issued_at_ms` and is valid until `expires_at_ms`.
    """

    provider: str
    subject_hash: str
    email: str
    email_verified: bool
    name: str
    token_hash: str
    issued_at_ms: int
    expires_at_ms: int


class IdTokens:
    """`keys` has the keys of each provider that people may sign in with, by the provider's name."""

    def __init__(self, keys: Mapping[str, ProviderKeys]) -> None:
        self._keys = keys

    @property
    def providers(self) -> Sequence[OidcProvider]:
        return [keys.provider for keys in self._keys.values()]

    async def verify(self, provider: str, id_token: str, nonce: str) -> ExternalIdentity:
        """Return the identity in a token; `nonce` is the text that the client generated for it.

        Apple's and Google's libraries for phones pass the SHA-256 of the app's nonce on, so both forms are accepted.

        Raises NotFound for an unknown provider, Unauthenticated, and Unavailable if the provider's keys cannot be read.
        """
        keys = self._keys.get(provider)
        if keys is None:
            raise NotFound("This identity provider is not available. `GET /config` lists those that are.")
        try:
            claims = await self._claims(keys, id_token)
            _check_audience(claims, keys.provider.client_ids)
            _check_nonce(claims, nonce)
            return _identity(keys.provider, claims, id_token)
        # What a token contains may be of any type.
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            log.info("id_token_refused", provider=provider, reason=type(error).__name__)
            raise invalid_id_token() from error

    async def _claims(self, keys: ProviderKeys, id_token: str) -> dict[str, Any]:
        """Return the claims of a token with a valid signature, issuer, audience and times."""
        header = jwt.get_unverified_header(id_token)
        key_id, algorithm = header.get("kid"), header.get("alg")
        if algorithm not in ALGORITHMS or not (key_id is None or isinstance(key_id, str)):
            raise jwt.InvalidAlgorithmError("another algorithm")
        key = await keys.find(key_id)
        if key is None:
            raise jwt.InvalidKeyError("an unknown key")
        provider = keys.provider
        return jwt.decode(
            id_token,
            key.key,
            algorithms=list(key.algorithms),
            audience=list(provider.client_ids),
            issuer=list(provider.issuers),
            leeway=LEEWAY_S,
            options={"require": REQUIRED},
        )


def _check_audience(claims: Mapping[str, Any], client_ids: Sequence[str]) -> None:
    """Raise ValueError for a token that was issued to another party and only names us as well."""
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") not in client_ids:
        raise ValueError("another authorized party")


def _check_nonce(claims: Mapping[str, Any], nonce: str) -> None:
    """Raise ValueError unless the token was requested with this nonce."""
    claimed = claims["nonce"]
    accepted = (nonce, hashlib.sha256(nonce.encode()).hexdigest())
    if not isinstance(claimed, str) or not any(
        hmac.compare_digest(claimed.encode(), each.encode()) for each in accepted
    ):
        raise ValueError("another nonce")


def _identity(provider: OidcProvider, claims: Mapping[str, Any], id_token: str) -> ExternalIdentity:
    """Return the identity. Raises ValueError for claims of the wrong type or length."""
    subject, expires_s = claims["sub"], claims["exp"]
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        raise ValueError("not a subject")
    # PyJWT accepts texts of digits and numbers of any size.
    if not all(type(each) in (int, float) and 0 < each < MAX_TIME_S for each in (expires_s, claims["iat"])):
        raise ValueError("not a time")
    email = _email(claims.get("email"))
    return ExternalIdentity(
        provider=provider.name,
        subject_hash=_sha256(f"{provider.issuer}\n{subject}"),
        email=email,
        # Apple writes a text.
        email_verified=bool(email) and claims.get("email_verified") in (True, "true"),
        name=_name(claims),
        # Not of the whole token: some signatures have several valid forms.
        token_hash=_sha256(id_token.rpartition(".")[0]),
        issued_at_ms=round(claims["iat"] * 1000),
        expires_at_ms=round((expires_s + LEEWAY_S) * 1000),
    )


def _email(claim: Any) -> str:
    """Return the address in a claim; empty if e-mails cannot be sent to it."""
    if not isinstance(claim, str):
        return ""
    try:
        mailbox(claim)
    except ValueError:
        return ""
    return claim


def _name(claims: Mapping[str, Any]) -> str:
    claim = claims.get("name")
    return clean_line(claim.encode(errors="ignore").decode())[:MAX_NAME] if isinstance(claim, str) else ""


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def invalid_id_token() -> Unauthenticated:
    return Unauthenticated(
        "This ID token is invalid. Sign in with the provider again.", code="invalid_id_token"
    )
