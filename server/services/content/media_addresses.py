"""Signed addresses of pictures that not everybody may see: for one viewer, and for less than a day."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from server.clock import Clock
from server.errors import Forbidden, NotFound
from server.ids import UserId, id_timestamp_ms
from server.services.records import Image

PERIOD_S, STEP_S = 43_200, 600
SIGNATURE_BYTES = 16
VIEWER, EXPIRES, SIGNATURE = "viewer", "expires", "signature"


@dataclass(frozen=True, slots=True)
class SignedAddress:
    """The viewer and the expiry in a valid signed address."""

    viewer_id: UserId
    expires_at_s: int


class MediaAddresses:
    """Signs folders of pictures under `base_url`, the base of all addresses. One signature covers all renditions.

    The addresses of a viewer stay the same for twelve hours, so that clients can cache the pictures.
    """

    def __init__(self, secret: bytes, base_url: str, clock: Clock) -> None:
        self._key = hmac.digest(secret, b"media addresses", "sha256")
        self._prefix = f"{base_url}/"
        self._clock = clock

    @property
    def step(self) -> int:
        """Return a number that increases every ten minutes; addresses change with it only."""
        return self._clock.now_ms() // 1000 // STEP_S

    def expires_at_s(self, id_: int) -> int:
        """Return when the addresses of the pictures of an object expire: in about 12 to 24 hours.

        The time of day is that of the object's id, so that not all addresses change at once.
        """
        shift_s = id_timestamp_ms(id_) // 1000 % PERIOD_S
        return ((self.step * STEP_S - shift_s) // PERIOD_S + 2) * PERIOD_S + shift_s

    def sign(self, images: Sequence[Image], viewer_id: UserId, expires_at_s: int) -> tuple[Image, ...]:
        """Return the pictures with addresses for the viewer."""
        signed = f"{VIEWER}={viewer_id}&{EXPIRES}={expires_at_s}&{SIGNATURE}="
        viewer, expires = str(viewer_id), str(expires_at_s)
        return tuple(
            replace(
                image,
                query=f"?{signed}{self._sign(image.base_url.removeprefix(self._prefix), viewer, expires)}",
            )
            for image in images
        )

    def verify(self, media_key: str, query: Mapping[str, str]) -> SignedAddress | None:
        """Return what the query of an address says; None if it has no signature.

        Raises NotFound for a signature that is not of this folder, viewer and time, and Forbidden after the time.
        """
        if SIGNATURE not in query:
            return None
        viewer, expires = query.get(VIEWER, ""), query.get(EXPIRES, "")
        signature = query[SIGNATURE].encode(errors="replace")
        if not hmac.compare_digest(self._sign(media_key, viewer, expires).encode(), signature):
            raise NotFound("Image not found.")
        # Only numbers were ever signed.
        if int(expires) * 1000 <= self._clock.now_ms():
            raise Forbidden(
                "The address of this image has expired: get its post again.", code="media_address_expired"
            )
        return SignedAddress(UserId(int(viewer)), int(expires))

    def _sign(self, media_key: str, viewer: str, expires: str) -> str:
        signed = f"{media_key} {viewer} {expires}".encode(errors="replace")
        digest = hmac.digest(self._key, signed, "sha256")[:SIGNATURE_BYTES]
        return urlsafe_b64encode(digest).rstrip(b"=").decode()
