"""The log of a lead as people read it: one row an event, with its fields as they were then, in
today's shape.

What is personal stands apart, so that erasing a lead empties one column and leaves the facts (rule
16).
"""

from dataclasses import MISSING, fields
from functools import cache
from typing import Any

from orjson import Fragment

from schemas.envelope import Recorded, who_and_why
from schemas.event import Event
from services.projections.decoding import UnknownFact
from services.projections.model import EventRows, Row

VERSION = 1


def fold(_: Row | None, recorded: Recorded) -> Row:
    """Return the row of one event. Fields that have their default are left out."""
    event = recorded.event
    actor, cause = who_and_why(recorded.said)
    data: Any
    personal: Any
    if recorded.stored is not None:  # as it is: what equals a default was not stored
        public, hidden = recorded.stored
        data, personal = Fragment(public), None if hidden is None else Fragment(hidden)
    else:
        data, personal = _split(event)
    return {
        "lead_id": recorded.stream_id,
        "version": recorded.version,
        "position": recorded.position,
        "kind": event.topic if isinstance(event, UnknownFact) else event.TOPIC,
        "happened_at": recorded.happened_at,
        "recorded_at": recorded.recorded_at,
        "actor": actor,
        "cause": cause,
        "data": data,
        "personal": personal,
    }


def _split(event: Event) -> tuple[dict[str, Any], dict[str, Any] | None]:
    if isinstance(event, UnknownFact):
        return dict(event.data or {}), dict(event.personal) if event.personal else None
    public, hidden = _shape(type(event))
    # A field that was not stored is not in the instance: its class has the default.
    values = vars(event).items()
    data = {n: value for n, value in values if n in public and value != public[n]}
    if not hidden:
        return data, None
    personal = {n: value for n, value in values if n in hidden and value != hidden[n]}
    return data, personal or None


_Named = dict[str, Any]


@cache
def _shape(kind: type[Event]) -> tuple[_Named, _Named]:
    """Return public and personal fields of an event class, each with its default."""
    named = {
        one.name: None if one.default is MISSING else one.default
        for one in fields(kind)
        if one.init
    }
    public = {name: default for name, default in named.items() if name not in kind.PERSONAL}
    return public, {name: named[name] for name in named if name in kind.PERSONAL}


MODEL = EventRows("lead_log", "lead", VERSION, ("lead_id", "version"), fold)
