"""The check that a bucket for pictures cannot be read without credentials."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from obstore.exceptions import BaseError
from obstore.store import GCSStore, S3Store

from server.gateways.media import MARKER

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

TIMEOUT_S = 5.0


async def is_public_bucket(url: str) -> bool:
    """Return whether everybody can read the id of the store in the bucket at `url`; False if it is unavailable."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await asyncio.to_thread(partial(_read_anonymously, url))
    except (BaseError, OSError):  # TimeoutError is an OSError
        return False
    return True


def _read_anonymously(url: str) -> None:
    client: ClientConfig = {"allow_http": True, "timeout": timedelta(seconds=TIMEOUT_S)}
    retry: RetryConfig = {"max_retries": 0, "retry_timeout": timedelta(seconds=TIMEOUT_S)}
    kind = S3Store if url.startswith("s3://") else GCSStore
    kind.from_url(url, client_options=client, retry_config=retry, skip_signature=True).head(MARKER)
