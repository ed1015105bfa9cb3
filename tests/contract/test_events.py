"""Events of the live stream match the document; schemathesis cannot check an endless response."""

from dataclasses import asdict

import orjson
import pytest
from jsonschema.exceptions import ValidationError

from tests.contract.answers import closed, validate
from tests.e2e.conftest import Register
from tests.support.inputs import photos
from tests.support.program import Program


async def test_data_of_an_event_is_a_notification(program: Program, register: Register) -> None:
    ana, ben = await register(program, "ana", "ben")
    document = closed(await ana.request("GET", "/api/openapi.json"))
    post = await ana.publish(photos.small())
    async with ana.stream() as stream:
        await ben.follow(ana)
        await ben.like(post["id"])
        await ben.comment(post["id"], "Well seen")
        for block in await stream.events(3):
            event = {name: text for name, text in asdict(block).items() if text}
            validate(document, "StreamEvent", event)
            validate(document, "Notification", orjson.loads(block.data))
            with pytest.raises(ValidationError):
                validate(document, "Notification", {**orjson.loads(block.data), "password": "none"})
