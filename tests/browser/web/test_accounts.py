"""Signing in with a second factor and a passkey, and errors that stand at their fields."""

import asyncio

import pyotp
import pytest

from tests.support.windows import PASSWORD, Windows

pytestmark = [
    pytest.mark.parametrize("stack", ["embedded"], indirect=True),
    pytest.mark.timeout(240),
]


async def test_sign_up_says_what_is_wrong_at_the_fields(windows: Windows) -> None:
    window = await windows.new()
    await window.sign_up("ana")
    other = await windows.new()
    await other.open("/sign-up")
    await other.page.get_by_label("Username").press_sequentially("ana")
    await other.page.get_by_text("This name is taken.").wait_for()
    await other.page.get_by_label("E-mail address").fill("nonsense")
    await other.page.get_by_label("Password").fill("short")
    await other.page.get_by_role("button", name="Sign up").click()
    await other.page.locator("[name=email][aria-invalid]").wait_for()
    await other.page.locator("[name=password][aria-invalid]").wait_for()
    assert await other.page.get_by_label("Username").input_value() == "ana"


async def test_second_factor_is_set_up_and_asked_for(windows: Windows) -> None:
    window = await windows.new()
    await window.sign_up("ana")
    await window.open("/app/settings/security")
    part = window.page.locator("section", has=window.page.get_by_role("heading", name="Second factor"))
    await part.get_by_label("Password").fill(PASSWORD)
    await part.get_by_role("button", name="Set up").click()
    secret = (await part.locator(".code").inner_text()).replace(" ", "")
    await part.get_by_label("Code").fill(pyotp.TOTP(secret).now())
    await part.get_by_role("button", name="Turn on").click()
    codes = await window.page.locator("dialog .codes li").all_inner_texts()
    await window.page.get_by_role("button", name="Done").click()

    other = await windows.new()
    await other.open("/sign-in")
    await other.page.get_by_label("Username or e-mail address").fill("ana")
    await other.page.get_by_label("Password").fill(PASSWORD)
    await other.page.get_by_role("button", name="Sign in", exact=True).click()
    await other.page.get_by_label("Code").fill(codes[0])
    await other.page.get_by_role("button", name="Continue").click()
    await other.page.get_by_role("link", name="Activity").wait_for()
    assert window.problems == other.problems == []


async def test_passkey_is_added_and_signs_in(windows: Windows) -> None:
    window = await windows.new()
    protocol = await window.context.new_cdp_session(window.page)
    await protocol.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    await protocol.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    await window.sign_up("ana")
    await window.open("/app/settings/security")
    part = window.page.locator("section", has=window.page.get_by_role("heading", name="Passkeys"))
    await part.get_by_label("Password").fill(PASSWORD)
    await part.get_by_role("button", name="Add a passkey").click()
    await part.get_by_role("button", name="Remove").wait_for()
    await window.open("/app/settings")
    await window.page.get_by_role("button", name="Sign out").click()
    await window.page.get_by_role("button", name="Sign in with a passkey").click()
    await window.page.get_by_role("link", name="Activity").wait_for()


async def test_tabs_renew_the_session_together(windows: Windows) -> None:
    window = await windows.new()
    await window.sign_up("ana")
    refreshes: list[str] = []
    window.context.on("request", lambda request: refreshes.append(request.url))
    await window.page.evaluate(
        "() => { const key = 'photofeed.session'; const session = JSON.parse(localStorage.getItem(key));"
        " localStorage.setItem(key, JSON.stringify({ ...session, expiresAtMs: 0 })); }"
    )
    tabs = [await window.context.new_page() for _ in range(4)]
    url = window.page.url
    await asyncio.gather(*(tab.goto(url) for tab in tabs))
    for tab in tabs:
        await tab.get_by_text("Your feed is empty").wait_for()
    # Chromium's local storage reaches other processes with a delay, so a second one may renew it, too.
    assert 1 <= sum(url.endswith("/auth/refresh") for url in refreshes) <= 2
