"""Tokens in the links of e-mails."""

import re

from server.gateways.email.email import Email


def link_token(email: Email) -> str:
    """Return the token of the only link in an e-mail."""
    (token,) = set(re.findall(r"[?&]token=([\w-]+)", email.text))
    assert token in email.html
    return token
