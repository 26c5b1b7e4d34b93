"""The contracts as files: JSON Schema of every event, AsyncAPI of the topics, OpenAPI of HTTP.

`leads schemas` writes them to `schemas/generated`; a test fails when they are stale, so that a
change of a contract is seen in review.
"""

from collections.abc import Mapping
from dataclasses import fields
from inspect import cleandoc
from pathlib import Path
from typing import Any, get_type_hints

import orjson
from pydantic import TypeAdapter

from schemas.catalogue import EVENTS
from schemas.event import Event

GENERATED = Path(__file__).parents[2] / "schemas" / "generated"
_PLACE = {"originator_id", "originator_version", "timestamp"}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def event_schema(kind: type[Event]) -> dict[str, Any]:
    """Return the JSON Schema of the stored form of an event class.

    A field equal to its default is not stored. `x-personal` names the fields that travel encrypted.
    """
    hints = get_type_hints(kind)
    properties: dict[str, Any] = {}
    required: list[str] = []
    for field in fields(kind):
        if field.name in _PLACE:
            continue
        schema = TypeAdapter(hints[field.name]).json_schema()
        if field.init and _has_default(kind, field.name):
            schema["default"] = _plain(getattr(kind, field.name))
        else:
            required.append(field.name)
        properties[field.name] = schema
    return {
        "$schema": _DIALECT,
        "title": kind.TOPIC,
        "description": cleandoc(kind.__doc__ or ""),
        "type": "object",
        "properties": properties,
        "required": required,
        "x-version": kind.class_version,
        "x-personal": sorted(kind.PERSONAL),
    }


def _has_default(kind: type[Event], name: str) -> bool:
    return hasattr(kind, name)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


_HEADERS = {
    "ce_specversion": "Always 1.0 (CloudEvents, binary mode).",
    "ce_id": "Stream id and version: the same however often the event is sent.",
    "ce_type": "The event's stored name.",
    "ce_source": "Always /leads.",
    "ce_subject": "Stream id; also the record's key.",
    "ce_time": "When the fact happened, RFC 3339.",
    "ce_position": "Place in the whole log, decimal.",
    "ce_version": "Place in the stream, decimal, from 1 without a gap.",
    "ce_schemaversion": "Version of the event's schema, decimal.",
    "ce_recordedtime": "When the log recorded it, RFC 3339.",
    "meta": "JSON: actor, cause, trace.",
    "personal": "AES-256-GCM ciphertext of the personal fields; absent when there are none.",
    "hash": "SHA-256 that chains the event to the one before it in its stream.",
}


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document of the topics."""
    messages = {
        topic: {
            "name": topic,
            "title": (kind.__doc__ or topic).strip().splitlines()[0],
            "contentType": "application/json",
            "headers": {"$ref": "#/components/schemas/headers"},
            "payload": {"$ref": f"events/{topic}.v{kind.class_version}.json"},
        }
        for topic, kind in sorted(EVENTS.items())
    }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Leads: events", "version": "1.0.0"},
        "channels": {
            "leads.events": {
                "address": "leads.events",
                "description": "Every event of every stream; order holds per stream.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            },
            "dialer.calls": {
                "address": "dialer.calls",
                "description": "Call events from dialers: repeated, late and odd ones too.",
                "messages": {"call": {"$ref": "#/components/messages/call"}},
            },
        },
        "operations": {
            "sendEvents": {
                "action": "send",
                "channel": {"$ref": "#/channels/leads.events"},
            },
            "receiveCalls": {
                "action": "receive",
                "channel": {"$ref": "#/channels/dialer.calls"},
            },
        },
        "components": {
            "messages": {**messages, "call": _call_message()},
            "schemas": {
                "headers": {
                    "type": "object",
                    "properties": {
                        name: {"type": "string", "description": text}
                        for name, text in _HEADERS.items()
                    },
                }
            },
        },
    }


def _call_message() -> dict[str, Any]:
    from schemas.dialer_call import DialerCall

    return {
        "name": "call",
        "title": "One call, as a dialer reports it",
        "contentType": "application/json",
        "payload": DialerCall.model_json_schema(),
    }


def contracts(openapi: Mapping[str, Any]) -> dict[str, bytes]:
    """Return every generated file by its path below `schemas/generated`."""
    documents: dict[str, Any] = {
        f"events/{topic}.v{kind.class_version}.json": event_schema(kind)
        for topic, kind in EVENTS.items()
    }
    documents["asyncapi.json"] = asyncapi()
    documents["openapi.json"] = dict(openapi)
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SORT_KEYS
    return {path: orjson.dumps(document, option=options) for path, document in documents.items()}


def write_contracts(openapi: Mapping[str, Any], folder: Path = GENERATED) -> list[str]:
    """Write what differs, return its paths; an older version's schema is never removed."""
    written = []
    for path, content in contracts(openapi).items():
        file = folder / path
        if not file.exists() or file.read_bytes() != content:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            written.append(path)
    return written
