"""Passkeys (WebAuthn level 3): options for browsers, and verification of their responses, by py_webauthn.

Challenges and the owners of passkeys are up to the services.
"""

import asyncio
import importlib
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson

TIMEOUT_MS = 300_000
MAX_CREDENTIAL_ID = 1023  # bytes; WebAuthn, section 5.1
MAX_PUBLIC_KEY = 1024  # bytes; one of RSA with 4096 bits has 550
# Browsers remove the attestation, because none is requested; some security keys sign it with the passkey itself.
ATTESTATIONS = ("none", "packed")
TRANSPORTS = ("ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb")

Result = TypeVar("Result")


class PasskeyRefused(Exception):
    """A response that is malformed, of another site or challenge, unverified, or signed by another key."""


@dataclass(frozen=True, slots=True)
class StoredCredential:
    """A passkey as it is named to browsers. `transports` says how a browser reaches it."""

    credential_id: bytes
    transports: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class RegisteredCredential:
    """A new passkey. `backup_eligible`: it may be on several devices; `backed_up`: it is."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    aaguid: str
    transports: Sequence[str]
    backup_eligible: bool
    backed_up: bool


@dataclass(frozen=True, slots=True)
class Assertion:
    """A sign-in that a passkey signed, after it verified its user. The caller compares `sign_count`."""

    sign_count: int
    backed_up: bool


@dataclass(frozen=True, slots=True)
class AssertionHead:
    """Claims of a response before it is verified: the passkey, its user, and the challenge."""

    credential_id: bytes
    user_handle: bytes
    challenge: bytes


class RelyingParty:
    """The site that passkeys belong to. py_webauthn is imported on first use, because that takes 0.16 s."""

    def __init__(self, party_id: str, name: str, origins: Sequence[str]) -> None:
        """`party_id`: a domain. `origins`: of the pages and apps that may use its passkeys."""
        self.party_id = party_id
        self._name = name
        self._origins = list(origins)
        self._loaded = False

    async def load(self) -> None:
        """Import py_webauthn, in a thread the first time. Call it before the methods below."""
        if not self._loaded:
            await asyncio.to_thread(_import_webauthn)
            self._loaded = True

    def creation_options(
        self,
        user_handle: bytes,
        username: str,
        display_name: str,
        challenge: bytes,
        existing: Sequence[StoredCredential],
    ) -> dict[str, Any]:
        """Return the options for `navigator.credentials.create`, as JSON: a passkey that verifies its user."""
        from webauthn import generate_registration_options
        from webauthn.helpers import options_to_json_dict
        from webauthn.helpers.structs import (
            AuthenticatorSelectionCriteria,
            ResidentKeyRequirement,
            UserVerificationRequirement,
        )

        options = generate_registration_options(
            rp_id=self.party_id,
            rp_name=self._name,
            user_id=user_handle,
            user_name=username,
            user_display_name=display_name,
            challenge=challenge,
            timeout=TIMEOUT_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
        )
        described = options_to_json_dict(options)
        described["excludeCredentials"] = [_descriptor(each) for each in existing]
        return described

    def request_options(self, challenge: bytes, allowed: Sequence[StoredCredential] = ()) -> dict[str, Any]:
        """Return the options for `navigator.credentials.get`; without `allowed`, the user chooses a passkey."""
        return {
            "challenge": encode(challenge),
            "timeout": TIMEOUT_MS,
            "rpId": self.party_id,
            "allowCredentials": [_descriptor(each) for each in allowed],
            "userVerification": "required",
        }

    def read_challenge(self, response: Mapping[str, Any]) -> bytes:
        """Return the challenge in a registration. Raises PasskeyRefused."""
        return _guarded(lambda: _challenge(response))

    def read_head(self, response: Mapping[str, Any]) -> AssertionHead:
        """Return what an assertion claims. Raises PasskeyRefused."""
        return _guarded(
            lambda: AssertionHead(
                decode(response["id"]), decode(response["response"]["userHandle"] or ""), _challenge(response)
            )
        )

    def verify_registration(self, response: Mapping[str, Any], challenge: bytes) -> RegisteredCredential:
        """Return the passkey of a response to `creation_options`. Raises PasskeyRefused."""
        return _guarded(lambda: self._verify_registration(response, challenge))

    def verify_assertion(self, response: Mapping[str, Any], challenge: bytes, public_key: bytes) -> Assertion:
        """Return the assertion in a response to `request_options`. Raises PasskeyRefused."""
        return _guarded(lambda: self._verify_assertion(response, challenge, public_key))

    def _verify_registration(self, response: Mapping[str, Any], challenge: bytes) -> RegisteredCredential:
        from webauthn import verify_registration_response
        from webauthn.helpers.structs import CredentialDeviceType

        verified = verify_registration_response(
            credential=dict(response),
            expected_challenge=challenge,
            expected_rp_id=self.party_id,
            expected_origin=self._origins,
            require_user_verification=True,
        )
        if verified.fmt not in ATTESTATIONS:
            raise PasskeyRefused("an attestation that was not requested")
        if (
            len(verified.credential_id) > MAX_CREDENTIAL_ID
            or len(verified.credential_public_key) > MAX_PUBLIC_KEY
        ):
            raise PasskeyRefused("an id or a key that is too long")
        transports = response["response"].get("transports") or ()
        return RegisteredCredential(
            credential_id=verified.credential_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            aaguid=verified.aaguid,
            transports=[each for each in TRANSPORTS if each in transports],
            backup_eligible=verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
            backed_up=verified.credential_backed_up,
        )

    def _verify_assertion(
        self, response: Mapping[str, Any], challenge: bytes, public_key: bytes
    ) -> Assertion:
        from webauthn import verify_authentication_response

        verified = verify_authentication_response(
            credential=dict(response),
            expected_challenge=challenge,
            expected_rp_id=self.party_id,
            expected_origin=self._origins,
            credential_public_key=public_key,
            # It would be compared before the signature is verified, so that anybody could cause an alert.
            credential_current_sign_count=0,
            require_user_verification=True,
        )
        return Assertion(verified.new_sign_count, verified.credential_backed_up)


def encode(content: bytes) -> str:
    """Return Base64url without padding."""
    return urlsafe_b64encode(content).decode().rstrip("=")


def decode(text: str) -> bytes:
    """Return the bytes of Base64url without padding. Raises ValueError for other text."""
    content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(content) != text:
        raise ValueError("not Base64url")
    return content


def _import_webauthn() -> None:
    importlib.import_module("webauthn")


def _challenge(response: Mapping[str, Any]) -> bytes:
    return decode(orjson.loads(decode(response["response"]["clientDataJSON"]))["challenge"])


def _guarded(read: Callable[[], Result]) -> Result:
    """Return what `read` returns. Raises PasskeyRefused for everything that a malformed response causes."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        return read()
    except (
        WebAuthnException,
        InvalidSignature,
        UnsupportedAlgorithm,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
        struct.error,
    ) as error:
        raise PasskeyRefused(str(error) or type(error).__name__) from error


def _descriptor(credential: StoredCredential) -> dict[str, Any]:
    described: dict[str, Any] = {"id": encode(credential.credential_id), "type": "public-key"}
    if credential.transports:
        described["transports"] = list(credential.transports)
    return described
