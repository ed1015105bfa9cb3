"""Relations of readers to authors that their feeds do not have, in Redis."""

import secrets
from collections.abc import Mapping

from server.gateways.feed_store import timeline_scripts as scripts
from server.gateways.feed_store.keys import strangers_key
from server.gateways.feed_store.timeline_reads import AuthorRelation
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import UserId

STRANGERS_TTL_S = 3600
MAX_STRANGERS = 5000


class StrangerCache:
    """Every method raises RedisUnavailable. Relations expire after an hour, used or not."""

    def __init__(self, redis: PipelinedRedis) -> None:
        self._redis = redis

    async def begin(self, reader_id: UserId) -> str:
        """Return a token to store the relations with that SQL has from now on."""
        arguments = (secrets.token_hex(6), STRANGERS_TTL_S)
        keys = (strangers_key(reader_id),)
        token: bytes = await self._redis.run(scripts.BEGIN_STRANGERS, keys, arguments, with_run_id=True)
        return token.decode()

    async def put(self, reader_id: UserId, token: str, relations: Mapping[UserId, AuthorRelation]) -> None:
        """Store relations, unless one changed after `begin`."""
        if relations:
            pairs = [part for item in relations.items() for part in item]
            keys = (strangers_key(reader_id),)
            await self._redis.run(scripts.COMPLETE_STRANGERS, keys, (token, MAX_STRANGERS, *pairs))
