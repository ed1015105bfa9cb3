"""Sign-in without a password: identity providers and passkeys."""

from dataclasses import dataclass

from server.assembly.collaborators import Collaborators
from server.assembly.resources import Resources
from server.clock import SystemClock
from server.gateways.relying_party import RelyingParty
from server.services.accounts.accounts import Accounts
from server.services.accounts.authentication.reauthentication import Reauthentication
from server.services.accounts.passwordless.external_identities import ExternalIdentities
from server.services.accounts.passwordless.id_tokens import IdTokens
from server.services.accounts.passwordless.linked_identities import LinkedIdentities
from server.services.accounts.passwordless.method_alerts import MethodAlerts
from server.services.accounts.passwordless.passkey_challenges import PasskeyChallenges
from server.services.accounts.passwordless.passkey_sign_ins import PasskeySignIns
from server.services.accounts.passwordless.passkeys import Passkeys
from server.services.accounts.passwordless.sign_in_methods import MethodList
from server.settings import Settings


@dataclass(frozen=True, slots=True)
class Passwordless:
    external_identities: ExternalIdentities
    linked_identities: LinkedIdentities
    passkeys: Passkeys
    passkey_sign_ins: PasskeySignIns
    alerts: MethodAlerts


def build_passwordless(
    settings: Settings,
    resources: Resources,
    shared: Collaborators,
    accounts: Accounts,
    reauthentication: Reauthentication,
    methods: MethodList,
) -> Passwordless:
    rows, work = shared.rows, shared.unit_of_work
    alerts = MethodAlerts(
        rows.users, shared.email_tokens, shared.account_links, shared.jobs, shared.email_delivery
    )
    id_tokens = IdTokens(resources.identity_providers)
    party = RelyingParty(settings.passkey_site, settings.passkeys.name, settings.passkey_origins)
    challenges = PasskeyChallenges(rows.used_passkey_challenges, SystemClock(), shared.secret)
    return Passwordless(
        external_identities=ExternalIdentities(
            rows.external_identities,
            rows.used_id_tokens,
            rows.logins,
            rows.email_addresses,
            accounts,
            id_tokens,
            shared.tokens,
            work,
        ),
        linked_identities=LinkedIdentities(
            rows.external_identities,
            rows.used_id_tokens,
            id_tokens,
            reauthentication,
            methods,
            alerts,
            work,
        ),
        passkeys=Passkeys(
            rows.passkeys, rows.users, rows.logins, party, challenges, reauthentication, methods, alerts, work
        ),
        passkey_sign_ins=PasskeySignIns(
            rows.passkeys, rows.logins, party, challenges, reauthentication, alerts, shared.tokens, work
        ),
        alerts=alerts,
    )
