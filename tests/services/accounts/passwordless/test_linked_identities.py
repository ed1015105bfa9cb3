"""Linking and unlinking of identity providers, and reauthentication with them."""

import asyncio
import time

import pytest

from server.errors import AppError, Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from server.ids import UserId
from server.services.accounts.passwordless.external_identities import ChosenProfile, ExternalIdentities
from server.services.accounts.passwordless.linked_identities import LinkedIdentities
from server.services.jobs.event_jobs import JobKind
from server.services.records import Client, Confirmation, Principal, SignInChallenge, TokenPair
from tests.support.fakes.oidc_issuer import NONCE, FakeIssuer
from tests.support.second_factors import PASSWORD, protect
from tools.harness.services import ServiceHarness

CLIENT = Client("192.0.2.7", "a phone")
NOTHING, RIGHT = Confirmation(), Confirmation(PASSWORD)
NAMELESS = ChosenProfile()


async def register(harness: ServiceHarness, name: str = "ada") -> UserId:
    user_id = (await harness.accounts.register(name, f"{name}@example.com", PASSWORD, "Ada")).id
    await harness.email_verification.mark_verified(user_id)
    await harness.work_off()
    harness.email.sent.clear()
    return user_id


async def sign_in(
    harness: ServiceHarness, identities: ExternalIdentities, token: str
) -> TokenPair | SignInChallenge:
    signed_in = await identities.sign_in("acme", token, NONCE, NAMELESS, CLIENT)
    return await harness.sign_ins.open(signed_in.account, CLIENT)


async def new_principal(harness: ServiceHarness, identities: ExternalIdentities, token: str) -> Principal:
    """Sign in with a provider and return the principal of the session."""
    pair = await sign_in(harness, identities, token)
    assert isinstance(pair, TokenPair)
    return await harness.principal(pair.access_token)


async def code_of(
    linked: LinkedIdentities, principal: Principal, token: str, confirmation: Confirmation
) -> str:
    try:
        await linked.link(principal, "acme", token, NONCE, confirmation)
    except AppError as error:
        return error.code
    return "linked"


async def test_linked_provider_signs_in(
    harness: ServiceHarness, linked: LinkedIdentities, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    ada = await register(harness)
    principal = await harness.open_session(ada)
    token = issuer.token(email="ada@acme.example")
    await linked.link(principal, "acme", token, NONCE, RIGHT)
    assert (await new_principal(harness, identities, issuer.token())).user_id == ada
    (provider,) = (await harness.sign_in_methods.get(ada)).providers
    assert (provider.name, provider.email) == ("acme", "ada@acme.example")
    await harness.work_off(JobKind.EMAIL_SIGN_IN_METHOD_CHANGED)
    assert [email.subject for email in harness.email.sent] == [
        "An identity provider was linked to your account"
    ]
    assert await code_of(linked, principal, issuer.token(), NOTHING) == "linked"
    assert await harness.work_off(JobKind.EMAIL_SIGN_IN_METHOD_CHANGED) == 0


async def test_linking_needs_a_reauthentication_and_an_unused_token(
    harness: ServiceHarness, linked: LinkedIdentities, issuer: FakeIssuer
) -> None:
    principal = await harness.open_session(await register(harness))
    token = issuer.token()
    assert await code_of(linked, principal, token, NOTHING) == "reauthentication_required"
    assert await code_of(linked, principal, token, Confirmation("wrong")) == "wrong_password"
    assert await code_of(linked, principal, issuer.token(aud="another"), RIGHT) == "invalid_id_token"
    assert await code_of(linked, principal, token, RIGHT) == "linked"
    assert await code_of(linked, principal, token, RIGHT) == "invalid_id_token"


async def test_identity_belongs_to_one_user(
    harness: ServiceHarness, linked: LinkedIdentities, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    owner = await new_principal(harness, identities, issuer.token(name="Ada"))
    eve = await harness.open_session(await register(harness, "eve"))
    assert await code_of(linked, eve, issuer.token(), RIGHT) == "identity_in_use"
    assert await code_of(linked, eve, issuer.token("person-2"), RIGHT) == "linked"
    assert await code_of(linked, eve, issuer.token("person-3"), RIGHT) == "provider_linked"
    assert (await new_principal(harness, identities, issuer.token())).user_id == owner.user_id


async def test_concurrent_links_of_one_identity_have_one_winner(
    harness: ServiceHarness, linked: LinkedIdentities, issuer: FakeIssuer
) -> None:
    people = [await harness.open_session(await register(harness, name)) for name in ("ada", "eve", "mia")]
    outcomes = await asyncio.gather(*(code_of(linked, each, issuer.token(), RIGHT) for each in people))
    assert sorted(outcomes) == ["identity_in_use", "identity_in_use", "linked"]


async def test_last_way_to_sign_in_stays(
    harness: ServiceHarness, linked: LinkedIdentities, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    token = issuer.token(name="Ada", email="ada@example.com", email_verified=True)
    ada = await new_principal(harness, identities, token)
    with pytest.raises(Forbidden):
        await linked.unlink(ada, "acme")
    await linked.reauthenticate(ada, "acme", issuer.token(), NONCE, None)
    with pytest.raises(Conflict) as refused:
        await linked.unlink(ada, "acme")
    assert refused.value.code == "last_sign_in_method"
    with pytest.raises(NotFound):
        await linked.unlink(ada, "google")
    await harness.credentials.change_password(ada, NOTHING, PASSWORD)
    with pytest.raises(Forbidden):
        await linked.unlink(ada, "acme")
    await harness.reauthentication.reauthenticate(ada, RIGHT)
    await linked.unlink(ada, "acme")
    assert (await harness.sign_in_methods.get(ada.user_id)).providers == ()
    await harness.work_off(JobKind.EMAIL_SIGN_IN_METHOD_CHANGED)
    assert harness.email.sent[-1].subject == "An identity provider was removed from your account"


async def test_account_without_a_password_is_deleted_after_a_reauthentication(
    harness: ServiceHarness, linked: LinkedIdentities, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    ada = await new_principal(harness, identities, issuer.token(name="Ada"))
    for given, code in ((NOTHING, "reauthentication_required"), (Confirmation(""), "wrong_password")):
        with pytest.raises(AppError) as refused:
            await harness.account_closures.delete(ada, given)
        assert refused.value.code == code
    await linked.reauthenticate(ada, "acme", issuer.token(), NONCE, None)
    await harness.account_closures.delete(ada, NOTHING)
    assert await harness.value("SELECT status FROM users WHERE id = ?", ada.user_id) == "deleting"


async def test_reauthentication_needs_a_recent_token_of_the_user(
    harness: ServiceHarness, linked: LinkedIdentities, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    ada = await new_principal(harness, identities, issuer.token())
    used = issuer.token()
    await linked.reauthenticate(ada, "acme", used, NONCE, None)
    now_s = int(time.time())
    old = issuer.token(iat=now_s - 400, exp=now_s + 400)
    for token in (used, old, issuer.token("person-2"), issuer.token(nonce="another-nonce")):
        with pytest.raises(Unauthenticated) as refused:
            await linked.reauthenticate(ada, "acme", token, NONCE, None)
        assert refused.value.code == "invalid_id_token"


async def test_second_factor_applies_to_providers(
    harness: ServiceHarness, linked: LinkedIdentities, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    ada = await protect(harness)
    principal = await harness.open_session(ada.account.id)
    await linked.link(principal, "acme", issuer.token(), NONCE, Confirmation(PASSWORD, await ada.code()))
    challenge = await sign_in(harness, identities, issuer.token())
    assert isinstance(challenge, SignInChallenge)
    user_id, pair = await harness.sign_ins.complete(challenge.token, await ada.code(), CLIENT)
    assert user_id == ada.account.id
    assert pair.access_token
    other = await harness.open_session(ada.account.id)
    with pytest.raises(Forbidden):
        await linked.reauthenticate(other, "acme", issuer.token(), NONCE, None)
    with pytest.raises(InvalidInput):
        await linked.reauthenticate(other, "acme", issuer.token(), NONCE, "000000")
    await linked.reauthenticate(other, "acme", issuer.token(), NONCE, await ada.code())
    await harness.account_closures.deactivate(other, NOTHING)


async def test_recovery_unlinks_recent_providers(
    harness: ServiceHarness, linked: LinkedIdentities, issuer: FakeIssuer
) -> None:
    ada = await register(harness)
    await linked.link(await harness.open_session(ada), "acme", issuer.token(), NONCE, RIGHT)
    await harness.work_off(JobKind.EMAIL_SIGN_IN_METHOD_CHANGED)
    token = harness.email.sent[-1].text.partition("?token=")[2].split()[0]
    await harness.account_recovery.recover(token)
    methods = await harness.sign_in_methods.get(ada)
    assert (methods.providers, methods.password) == ((), True)
