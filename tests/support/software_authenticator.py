"""A software authenticator: creates passkeys and signs in with them as a browser does, or in wrong ways."""

import hashlib
import struct
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Any

import cbor2
import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from server.gateways.relying_party import decode, encode

USER_PRESENT, USER_VERIFIED, BACKUP_ELIGIBLE, BACKED_UP, CREDENTIAL = 0x01, 0x04, 0x08, 0x10, 0x40
AAGUID = bytes(range(16))


@dataclass(slots=True)
class SoftwarePasskey:
    """A passkey for one site and user. `count` is the number of its signatures, or 0 forever."""

    site: str
    user_handle: bytes
    credential_id: bytes = field(default_factory=lambda: token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    count: int = 0


class SoftwareAuthenticator:
    """`origin` is that of the page. `flags` are those of every signature. `counts`: signatures are counted."""

    def __init__(self, origin: str, *, counts: bool = False) -> None:
        self.origin = origin
        self.counts = counts
        self.flags = USER_PRESENT | USER_VERIFIED | BACKUP_ELIGIBLE | BACKED_UP
        self.passkeys: list[SoftwarePasskey] = []

    def create(self, options: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Return the response to creation options; `changes` replace members of the client data or `site`."""
        passkey = SoftwarePasskey(changes.pop("site", options["rp"]["id"]), decode(options["user"]["id"]))
        self.passkeys.append(passkey)
        public = passkey.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32), -3: public.y.to_bytes(32)}
        credential = AAGUID + struct.pack(">H", len(passkey.credential_id)) + passkey.credential_id
        data = self._data(passkey, self.flags | CREDENTIAL) + credential + cbor2.dumps(cose)
        attestation = {"fmt": "none", "attStmt": {}, "authData": data}
        response = {
            "clientDataJSON": self._client_data("webauthn.create", options, changes),
            "attestationObject": encode(cbor2.dumps(attestation)),
            "transports": ["internal", "hybrid"],
        }
        return _credential(passkey, response)

    def get(
        self, options: dict[str, Any], passkey: SoftwarePasskey | None = None, **changes: Any
    ) -> dict[str, Any]:
        """Return the response to request options, by the newest passkey or another one."""
        passkey = passkey or self.passkeys[-1]
        if self.counts:
            passkey.count += 1
        data = self._data(passkey, self.flags, changes.pop("site", None))
        handle: bytes | None = changes.pop("user_handle", passkey.user_handle)
        client_data = self._client_data("webauthn.get", options, changes)
        signed = data + hashlib.sha256(decode(client_data)).digest()
        response = {
            "clientDataJSON": client_data,
            "authenticatorData": encode(data),
            "signature": encode(passkey.key.sign(signed, ec.ECDSA(hashes.SHA256()))),
            "userHandle": None if handle is None else encode(handle),
        }
        return _credential(passkey, response)

    def _data(self, passkey: SoftwarePasskey, flags: int, site: str | None = None) -> bytes:
        hashed = hashlib.sha256((site or passkey.site).encode()).digest()
        return hashed + struct.pack(">BI", flags, passkey.count)

    def _client_data(self, kind: str, options: dict[str, Any], changes: dict[str, Any]) -> str:
        members = {
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": False,
        }
        return encode(orjson.dumps(members | changes))


def _credential(passkey: SoftwarePasskey, response: dict[str, Any]) -> dict[str, Any]:
    credential_id = encode(passkey.credential_id)
    return {
        "id": credential_id,
        "rawId": credential_id,
        "type": "public-key",
        "authenticatorAttachment": "platform",
        "clientExtensionResults": {},
        "response": response,
    }


def with_flipped_signature(response: dict[str, Any]) -> dict[str, Any]:
    """Return an assertion with one other bit in its signature."""
    signature = bytearray(decode(response["response"]["signature"]))
    signature[-1] ^= 1
    return {**response, "response": {**response["response"], "signature": encode(bytes(signature))}}
