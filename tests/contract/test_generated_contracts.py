"""The committed contracts are those of the code, and each is a valid document of its kind."""

import jsonschema_rs
import orjson
import pytest

from schemas.catalogue import EVENTS
from services.local.api import openapi_document
from services.local.contracts import GENERATED, contracts


async def test_committed_contracts_are_those_of_the_code() -> None:
    stale = [
        path
        for path, content in contracts(await openapi_document()).items()
        if not (GENERATED / path).exists() or (GENERATED / path).read_bytes() != content
    ]
    assert stale == [], "run ./leads schemas and look at what changed"


@pytest.mark.parametrize("topic", sorted(EVENTS))
def test_the_schema_of_every_event_is_one(topic: str) -> None:
    path = f"events/{topic}.v{EVENTS[topic].class_version}.json"
    schema = orjson.loads((GENERATED / path).read_bytes())
    jsonschema_rs.meta.validate(schema)
    assert set(schema["x-personal"]) <= set(schema["properties"])


def test_every_event_type_has_a_message_on_the_topic() -> None:
    document = orjson.loads((GENERATED / "asyncapi.json").read_bytes())
    messages = document["channels"]["leads.events"]["messages"]
    assert set(messages) == set(EVENTS)
    for message in document["components"]["messages"].values():
        payload = message["payload"]
        assert "$ref" not in payload or (GENERATED / payload["$ref"]).exists()
