"""Rules for new passwords, by NIST SP 800-63B-4: long enough, and not one that is guessed first."""

from dataclasses import dataclass

from server.errors import InvalidInput
from server.gateways.common_passwords import CommonPasswords
from server.gateways.passwords import normalize_password

MIN_LENGTH = 8
MAX_LENGTH = 128
MIN_DISTINCT = 4
MIN_WORD_LENGTH = 4
SERVICE_NAME = "photofeed"
SEQUENCES = (
    "0123456789" * 2,
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
)


@dataclass(frozen=True, slots=True)
class PasswordOwner:
    """The user who sets a password."""

    username: str
    email: str


class PasswordRules:
    def __init__(self, common: CommonPasswords) -> None:
        self._common = common

    async def check(self, password: str, owner: PasswordOwner, field: str = "password") -> None:
        """Raise InvalidInput with a message for `field` if this owner should not have this password."""
        message = await self._refusal(normalize_password(password), owner)
        if message is not None:
            raise InvalidInput("Choose another password.", code="weak_password", fields={field: [message]})

    async def _refusal(self, password: str, owner: PasswordOwner) -> str | None:
        """Return why a normalized password is refused."""
        if len(password) < MIN_LENGTH:
            return f"Must have at least {MIN_LENGTH} characters."
        folded = password.casefold()
        if len(set(folded)) < MIN_DISTINCT:
            return f"Must have at least {MIN_DISTINCT} different characters."
        if any(folded in sequence or folded in sequence[::-1] for sequence in SEQUENCES):
            return "Must not be a sequence of neighbouring characters."
        folded = _unrepeated(folded)
        word = _word_in(folded)
        if {folded, word} & {SERVICE_NAME, *_names(owner)}:
            return "Must not be your username, your e-mail address, or the name of this service."
        # Digits and signs around a common word are guessed as well, unless they are most of the password.
        guessed = len(word) >= max(MIN_WORD_LENGTH, len(folded) / 2) and await self._common.contains(word)
        if guessed or await self._common.contains(folded):
            return "Too many people use this password. Choose one that is harder to guess."
        return None


def _unrepeated(text: str) -> str:
    """Return the part that a text repeats, such as `secret` in `secretsecret`; the text itself if there is none."""
    return text[: (text + text).index(text, 1)]


def _word_in(text: str) -> str:
    """Return a text without the digits and signs at its ends."""
    start, end = 0, len(text)
    while start < end and not text[start].isalpha():
        start += 1
    while end > start and not text[end - 1].isalpha():
        end -= 1
    return text[start:end]


def _names(owner: PasswordOwner) -> set[str]:
    """Return the owner's names, each also without the digits and signs at its ends."""
    email = normalize_password(owner.email).casefold()
    names = {normalize_password(owner.username).casefold(), email, email.rpartition("@")[0]}
    return {form for name in names for form in (name, _word_in(name)) if form}
