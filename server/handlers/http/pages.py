"""HTML pages, rendered from the templates of the handlers."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

PAGE_TEMPLATES = Path(__file__).parent.parent / "templates"
HTML = "text/html"


def html_response(
    template: str, headers: Mapping[str, str], status: int = 200, **values: Any
) -> web.Response:
    """Return the rendered `template`; `values` are escaped."""
    text = _environment().get_template(template).render(values)
    return web.Response(text=text, content_type=HTML, headers=headers, status=status)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(PAGE_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
