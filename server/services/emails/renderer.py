"""The templates of the letters, each in text and in HTML."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

# 25 ms that cost nothing: aiohttp-apispec imports it in any case.
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from server.gateways.email.email import ascii_url
from server.services.emails.text import one_line

TEMPLATES = Path(__file__).parent / "templates"
NONE: Mapping[str, str] = MappingProxyType({})


def render(name: str, words: Mapping[str, str], links: Mapping[str, str] = NONE) -> tuple[str, str]:
    """The text and the HTML of the letter `name`.

    Each of `words` is made one line, so that nobody's name or comment looks like a part of the letter, and is shown as
    text in HTML too; each of `links` is made ASCII.
    """
    values = {key: one_line(value) for key, value in words.items()}
    values |= {key: ascii_url(value) for key, value in links.items()}
    text, html = (_templates().get_template(f"{name}.{kind}").render(values) for kind in ("txt", "html"))
    return text, html


@cache
def _templates() -> Environment:
    """Reads and compiles each template when it is first needed, and never again."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
