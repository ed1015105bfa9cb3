"""Renders the e-mail templates, each as text and as HTML."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

# The import takes 25 ms, but aiohttp-apispec imports it anyway.
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from server.gateways.email.email import ascii_url
from server.services.emails.text import unlinked
from server.user_text import one_line

TEMPLATES = Path(__file__).parent / "templates"
NO_LINKS: Mapping[str, str] = MappingProxyType({})


def render(
    template: str,
    values: Mapping[str, str],
    links: Mapping[str, str] = NO_LINKS,
    rows: Sequence[tuple[Mapping[str, str], Mapping[str, str]]] = (),
) -> tuple[str, str]:
    """Return the text and the HTML of an e-mail.

    Each of `values` becomes one line, so that a name or comment cannot imitate other parts of the e-mail, and mail
    programs make no links of it. In HTML it is escaped. Each of `links` becomes ASCII. `rows` has values and links of
    repeated parts.
    """
    context: dict[str, Any] = {**_sanitized(values, links), "rows": [_sanitized(*row) for row in rows]}
    text, html = (
        _environment().get_template(f"{template}.{kind}").render(context) for kind in ("txt", "html")
    )
    return text, html


def _sanitized(values: Mapping[str, str], links: Mapping[str, str]) -> dict[str, str]:
    context = {key: unlinked(one_line(value)) for key, value in values.items()}
    return context | {key: ascii_url(value) for key, value in links.items()}


@cache
def _environment() -> Environment:
    """Return the environment, which compiles each template once, when it is first used."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
