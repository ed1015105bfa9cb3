"""The base of every settings section, and types for validated strings."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, IPvAnyNetwork


class Section(BaseModel):
    """A table of config.toml. Unknown keys are errors, and values are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _split_commas(value: Any) -> Any:
    """Accept a list as environment variables write it: separated by commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _matching(pattern: str, expected: str) -> AfterValidator:
    """Require a full match of `pattern`; `expected` completes the sentence "expected ..."."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"expected {expected}")
        return text

    return AfterValidator(check)


def _none_or_networks(value: Any) -> Any:
    """Accept the word none, which becomes None."""
    return None if isinstance(value, str) and value.strip().lower() == "none" else _split_commas(value)


def _origin(text: str) -> str:
    """Require an exact origin, and say what is wrong with another text."""
    if re.fullmatch(r"[a-z][a-z0-9+.-]*://[^\s/?#*@,]+", text):
        return text
    if "*" in text:
        raise ValueError("wildcards are not supported: list each origin, such as https://www.example.com")
    if "://" not in text:
        raise ValueError(
            f"the scheme is missing: write https://{text.rstrip('/')} or http://{text.rstrip('/')}"
        )
    if re.fullmatch(r"[a-z][a-z0-9+.-]*://[^\s/?#*@,]+[/?#].*", text):
        exact = "/".join(re.split(r"[/?#]", text, maxsplit=3)[:3])
        raise ValueError(f"an origin has no path, not even a slash at the end: write {exact}")
    raise ValueError("expected an origin such as https://www.example.com")


def _server_address(text: Any) -> Any:
    """Accept host:port, or a host, and return both."""
    if not isinstance(text, str):
        return text
    found = re.fullmatch(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?", text)
    port = int(found[2] or 3306) if found else 0
    if found is None or not 1 <= port <= 65535:
        raise ValueError("expected host:port")
    return found[1].strip("[]"), port


ServerAddress = Annotated[tuple[str, int], BeforeValidator(_server_address)]
ServerAddresses = Annotated[tuple[ServerAddress, ...], BeforeValidator(_split_commas)]
Origin = Annotated[str, AfterValidator(_origin)]
Origins = Annotated[tuple[Origin, ...], BeforeValidator(_split_commas)]
# None: explicitly no networks. An empty tuple: not configured.
Networks = Annotated[tuple[IPvAnyNetwork, ...] | None, BeforeValidator(_none_or_networks)]
PageUrl = Annotated[
    str, _matching(r"(https?://[^\s/?#]+[^\s]*)?", "a URL such as https://www.example.com/page")
]
ServiceUrl = Annotated[
    str, _matching(r"https?://[^\s/?#]+[^\s?#]*", "a URL such as https://fcm.googleapis.com")
]
# Audiences and other names without white space.
Name = Annotated[str, _matching(r"[!-~]{1,255}", "1 to 255 visible ASCII characters")]
Names = Annotated[tuple[Name, ...], BeforeValidator(_split_commas)]
IssuerUrl = Annotated[
    str, _matching(r"https?://[^\s/?#@]+(/[^\s?#]*)?", "an issuer such as https://login.example.com")
]
PasskeySite = Annotated[
    str,
    _matching(
        r"([a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*)?", "a domain such as example.com, without scheme and port"
    ),
]
PasskeyOrigin = Annotated[
    str,
    _matching(
        r"https://[a-z0-9.-]+(:[0-9]{1,5})?|http://localhost(:[0-9]{1,5})?|android:apk-key-hash:[A-Za-z0-9_-]{20,}",
        "an origin such as https://www.example.com, or android:apk-key-hash: with the hash of an app's certificate",
    ),
]
PasskeyOrigins = Annotated[tuple[PasskeyOrigin, ...], BeforeValidator(_split_commas)]
ProviderName = Annotated[
    str,
    _matching(
        r"(?!google$|apple$)[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?",
        "a name such as my-company, not google or apple",
    ),
]
ProjectId = Annotated[
    str, _matching(r"([A-Za-z0-9][A-Za-z0-9.:-]*)?", "project_id from the service account's JSON file")
]
AccountEmail = Annotated[
    str, _matching(r"([^\s@]+@[^\s@]+)?", "client_email from the service account's JSON file")
]
VapidSubject = Annotated[
    str,
    _matching(
        r"(mailto:[^\s@]+@[^\s@]+|https://[^\s/]+[^\s]*)?",
        "mailto: with an address, or an https URL, that push services can contact",
    ),
]
PushHostName = Annotated[
    str,
    _matching(
        r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?", "a host such as push.example.com or *.example.com"
    ),
]
PushHostNames = Annotated[tuple[PushHostName, ...], BeforeValidator(_split_commas)]
# Nothing that could end a header field.
SenderAddress = Annotated[
    str,
    _matching(
        r"([^\s<>@,;]+@[^\s<>@,;]+|[^<>@,;\r\n]+ <[^\s<>@,;]+@[^\s<>@,;]+>)?",
        "name@example.com or Name <name@example.com>",
    ),
]
