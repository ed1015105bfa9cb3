"""Rules for new passwords."""

import pytest

from server.errors import InvalidInput
from server.gateways.common_passwords import CommonPasswords
from server.services.accounts.password_rules import PasswordOwner, PasswordRules

ADA = PasswordOwner("Ada.Lovelace_1", "countess1815@example.com")


@pytest.fixture(scope="module")
def rules() -> PasswordRules:
    return PasswordRules(CommonPasswords())


@pytest.mark.parametrize(
    "password",
    [
        "correct horse",
        "long enough",
        "漢字かな交じり文",
        "love83749201847",  # mostly not the common word
        "lovelace at the engine",
        "🍣🍺🍞🍙🍣🍺🍞🍙",
        "x" * 100 + "yz!",
    ],
)
async def test_password_that_is_hard_to_guess_is_accepted(rules: PasswordRules, password: str) -> None:
    await rules.check(password, ADA)


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("seven77", "at least 8 characters"),
        ("e\u0301" * 7, "at least 8 characters"),  # 7 characters once they are composed
        ("password", "Too many people"),
        ("PASSWORD1", "Too many people"),
        ("!monkey12345", "Too many people"),
        ("ｐａｓｓｗｏｒｄ", "Too many people"),
        ("government", "Too many people"),
        ("passwordpassword", "Too many people"),
        ("Dragon7dragon7dragon7", "Too many people"),
        ("12345678901", "neighbouring"),
        ("hgfedcba", "neighbouring"),
        ("asdfghjkl", "neighbouring"),
        ("aaaaaaaaaaaa", "different characters"),
        ("abababababab", "different characters"),
        ("ada.lovelace_1", "your username"),
        ("Ada.Lovelace99", "your username"),
        ("countess1815", "your username"),
        ("COUNTESS1815@example.com", "your username"),
        ("photofeed", "name of this service"),
        ("Photofeed!2026", "name of this service"),
    ],
)
async def test_password_that_is_guessed_first_is_refused(
    rules: PasswordRules, password: str, message: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await rules.check(password, ADA, "newPassword")
    assert refused.value.code == "weak_password"
    assert message in refused.value.fields["newPassword"][0]
