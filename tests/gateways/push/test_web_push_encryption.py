"""Encryption and identification of Web Push, against the example of the standard and against a browser's side."""

import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from server.gateways.push.web_push.encryption import CURVE, are_keys, decode, encode, encrypt, public_bytes
from server.gateways.push.web_push.push_hosts import PushHosts
from server.gateways.push.web_push.vapid import Vapid, derive_key, parse_key
from tests.support.fakes.push_service import Browser

# RFC 8291, appendix A.
P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH, SALT = "BTBZMqHH6r4Tts7J_aSIgg", "DGv6ra1nlYgDCS1FRnbzlw"
SENDER_KEY = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
TEXT = b"When I grow up, I want to be a watermelon"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
    "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_example_of_the_standard() -> None:
    assert encode(encrypt(TEXT, P256DH, AUTH, decode(SALT), parse_key(SENDER_KEY))) == BODY


def test_browser_reads_what_was_encrypted_and_no_push_is_like_another() -> None:
    browser = Browser("https://push.test/1")
    for content in (b"", TEXT, bytes(3000)):
        bodies = [encrypt(content, browser.p256dh, browser.auth) for _ in range(3)]
        assert [browser.decrypt(body) for body in bodies] == [content] * 3
        assert len(set(bodies)) == len({body[:16] for body in bodies}) == 3
        assert max(map(len, bodies)) <= 4096


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [
        (P256DH[:-1], AUTH),
        ("A" * 87, AUTH),
        ("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiwA", AUTH),
        (P256DH, AUTH[:-2]),
        (P256DH, ""),
        ("", AUTH),
    ],
)
def test_other_texts_are_no_keys(p256dh: str, auth: str) -> None:
    assert are_keys(P256DH, AUTH)
    assert are_keys(f"{P256DH}=", f"{AUTH}==")
    assert not are_keys(p256dh, auth)


def test_push_service_verifies_the_server() -> None:
    vapid = Vapid(parse_key(SENDER_KEY), "mailto:push@photos.example")
    header = vapid.authorization("https://push.test:8443/wpush/v2/abc?x=1")
    assert vapid.authorization("https://push.test:8443/other") == header
    assert vapid.authorization("https://other.test/") != header
    token, key = header.removeprefix("vapid t=").split(", k=")
    assert key == vapid.public_key
    public = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, decode(key))
    claims = jwt.decode(token, public, algorithms=["ES256"], audience="https://push.test:8443")
    assert claims["sub"] == "mailto:push@photos.example"
    assert time.time() + 3600 < claims["exp"] < time.time() + 86_400


def test_key_for_development_depends_on_the_secret_alone() -> None:
    first, second, other = (public_bytes(derive_key(each).public_key()) for each in ("one", "one", "two"))
    assert first == second != other
    for text in ("", "AAAA", SENDER_KEY[:-3], "A" * 43):
        with pytest.raises(ValueError):
            parse_key(text)


@pytest.mark.parametrize(
    ("endpoint", "allowed"),
    [
        ("https://push.test/abc", True),
        ("https://PUSH.test:443/abc", True),
        ("https://eu.notify.test/abc", True),
        ("https://local.test:8443/abc", True),
        ("https://notify.test/abc", False),
        ("https://evilnotify.test/abc", False),
        ("http://push.test/abc", False),
        ("https://push.test:8443/abc", False),
        ("https://user@push.test/abc", False),
        ("https://push.test@127.0.0.1/abc", False),
        ("https://push.test.evil.example/abc", False),
        ("https://127.0.0.1/abc", False),
        ("https://[::1]/abc", False),
        ("https://push.test:x/abc", False),
        ("//push.test/abc", False),
        (f"https://push.test/{'a' * 2048}", False),
    ],
)
def test_only_known_push_services_get_requests(endpoint: str, allowed: bool) -> None:
    assert PushHosts(["push.test", "*.notify.test", "local.test:8443"]).allows(endpoint) is allowed
