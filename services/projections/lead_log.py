"""The log of a lead as people read it: one row an event, with its fields as they were then, in
today's shape.

What is personal stands apart, so that erasing a lead empties one column and leaves the facts (rule
16).
"""

from dataclasses import MISSING, fields
from functools import cache
from typing import Any

from schemas.envelope import Recorded
from schemas.event import Event
from services.projections.decoding import UnknownFact
from services.projections.model import EventRows, Row

VERSION = 1


def fold(_: Row | None, recorded: Recorded) -> Row:
    """Return the row of one event. Fields that have their default are left out."""
    event = recorded.event
    data, personal = _split(event)
    return {
        "lead_id": recorded.stream_id,
        "version": recorded.version,
        "position": recorded.position,
        "kind": event.topic if isinstance(event, UnknownFact) else event.TOPIC,
        "happened_at": recorded.happened_at,
        "recorded_at": recorded.recorded_at,
        "actor": recorded.origin.actor,
        "cause": recorded.origin.cause,
        "data": data,
        "personal": personal,
    }


def _split(event: Event) -> tuple[dict[str, Any], dict[str, Any] | None]:
    if isinstance(event, UnknownFact):
        return dict(event.data or {}), dict(event.personal) if event.personal else None
    public, hidden = _shape(type(event))
    values = vars(event)
    # A field that was not stored is not in the instance: its class has the default.
    data = {n: values[n] for n, default in public if n in values and values[n] != default}
    if not hidden:
        return data, None
    personal = {n: values[n] for n, default in hidden if n in values and values[n] != default}
    return data, personal or None


_Named = tuple[tuple[str, Any], ...]


@cache
def _shape(kind: type[Event]) -> tuple[_Named, _Named]:
    """Return public and personal fields of an event class, each with its default."""
    named = [
        (one.name, None if one.default is MISSING else one.default)
        for one in fields(kind)
        if one.init
    ]
    public = tuple(pair for pair in named if pair[0] not in kind.PERSONAL)
    return public, tuple(pair for pair in named if pair[0] in kind.PERSONAL)


MODEL = EventRows("lead_log", "lead", VERSION, ("lead_id", "version"), fold)
