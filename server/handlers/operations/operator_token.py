"""The token with which operators read metrics and the details of readiness."""

import hmac

from aiohttp import hdrs, web


def has_operator_token(request: web.Request, token: str) -> bool:
    """Return whether the request has METRICS_TOKEN, or none is configured."""
    if not token:
        return True
    scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    # It may have lone surrogates.
    return scheme.lower() == "bearer" and hmac.compare_digest(
        given.strip().encode(errors="replace"), token.encode()
    )
