"""Sends pushes to devices of every kind: registration tokens of FCM, and Web Push subscriptions."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from server.gateways.push.message import PushMessage, PushOutcome, WebSubscription
from server.gateways.push.senders import PushSender

PushTarget = str | WebSubscription


class SubscriptionSender(Protocol):
    """Sends notifications to browsers."""

    async def send(self, message: PushMessage, subscriptions: Sequence[WebSubscription]) -> list[PushOutcome]:
        """Send a message once to each subscription; return an outcome per subscription, in order."""
        ...

    async def close(self) -> None: ...


class EndpointSender:
    """Treats the endpoint of a subscription as a token: for the outbox, and where there is no Web Push."""

    def __init__(self, tokens: PushSender) -> None:
        self._tokens = tokens

    async def send(self, message: PushMessage, subscriptions: Sequence[WebSubscription]) -> list[PushOutcome]:
        return await self._tokens.send(message, [each.endpoint for each in subscriptions])

    async def close(self) -> None:
        """Do nothing: the other sender has its own owner."""


class DeviceSender:
    """Sends to tokens and subscriptions at the same time."""

    def __init__(self, tokens: PushSender, subscriptions: SubscriptionSender) -> None:
        self._tokens = tokens
        self._subscriptions = subscriptions

    async def send(self, message: PushMessage, targets: Sequence[PushTarget]) -> list[PushOutcome]:
        """Send a message once to each target; return an outcome per target, in order. Failures are outcomes, too."""
        tokens = [each for each in targets if isinstance(each, str)]
        subscriptions = [each for each in targets if isinstance(each, WebSubscription)]
        sent = await asyncio.gather(
            self._tokens.send(message, tokens), self._subscriptions.send(message, subscriptions)
        )
        of_tokens, of_subscriptions = map(iter, sent)
        return [next(of_tokens if isinstance(each, str) else of_subscriptions) for each in targets]

    async def close(self) -> None:
        await self._tokens.close()
        await self._subscriptions.close()
