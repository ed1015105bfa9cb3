"""Settings of sign-in without a password: identity providers and passkeys."""

from collections.abc import Mapping

from pydantic import Field

from server.settings.types import IssuerUrl, Names, PasskeyOrigins, PasskeySite, ProviderName, Section


class OidcProviderSettings(Section):
    issuer: IssuerUrl
    client_ids: Names = Field(min_length=1)


class OidcSettings(Section):
    google_client_ids: Names = ()
    apple_client_ids: Names = ()
    providers: Mapping[ProviderName, OidcProviderSettings] = {}
    timeout_s: float = Field(default=5.0, gt=0, le=30)


class PasskeySettings(Section):
    site: PasskeySite = ""
    name: str = Field(default="photofeed", min_length=1, max_length=64)
    origins: PasskeyOrigins = ()
