"""Identity providers that people may sign in with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """An OpenID Connect provider.

    issuers: The accepted `iss` claims, the provider's identifier first. Google uses two.
    client_ids: The accepted audiences: our apps, as they are registered with the provider.
    keys_url: Its JSON Web Key Set. Empty: the one that the provider's configuration document names.
    """

    name: str
    issuers: Sequence[str]
    client_ids: Sequence[str]
    keys_url: str = ""

    @property
    def issuer(self) -> str:
        return self.issuers[0]

    @property
    def configuration_url(self) -> str:
        """The provider's configuration document (OpenID Connect Discovery 1.0, section 4)."""
        return f"{self.issuer.removesuffix('/')}/.well-known/openid-configuration"


GOOGLE, APPLE = "google", "apple"
PRESETS: Mapping[str, OidcProvider] = {
    GOOGLE: OidcProvider(
        GOOGLE,
        ("https://accounts.google.com", "accounts.google.com"),
        (),
        "https://www.googleapis.com/oauth2/v3/certs",
    ),
    APPLE: OidcProvider(APPLE, ("https://appleid.apple.com",), (), "https://appleid.apple.com/auth/keys"),
}
