"""Links in account e-mails: pages of the client, each with a token in its query."""

from dataclasses import dataclass
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class AccountLinks:
    """Pages of the client that post a token: to verify an address, reset a password, or take an account back."""

    verify_url: str
    reset_url: str
    recover_url: str

    def verify(self, token: str) -> str:
        return _with_token(self.verify_url, token)

    def reset(self, token: str) -> str:
        return _with_token(self.reset_url, token)

    def recover(self, token: str) -> str:
        return _with_token(self.recover_url, token)


def _with_token(url: str, token: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'token': token})}"
