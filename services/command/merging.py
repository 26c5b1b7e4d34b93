"""Edits on a version that is not the latest: they pass where nothing they touch changed since."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.command.aggregates import AGGREGATES
from services.command.facts_loader import Order, World
from services.command.planning import Plan
from services.kit import errors
from services.kit.eventlog import EventLog


async def check_version(log: EventLog, order: Order, world: World, made: Plan) -> None:
    """Raise VersionMoved when If-Match names an older version and the same parts changed since.

    Facts pass always (rule 9), and so does what changes nothing.
    """
    current = world.state.version
    if order.if_match in (None, current) or order.command.is_fact or not made.states:
        return
    clashing = ["version"]
    if world.stream in made.states and order.if_match < current:
        recorded = (await log.load([world.stream]))[world.stream]
        seen = AGGREGATES[world.category].replay(recorded[: order.if_match], None)
        theirs = changed_parts(seen, world.state)
        clashing = sorted(theirs & changed_parts(world.state, made.states[world.stream][1]))
    if clashing:
        text = f"Version {current} is the current one; read it and decide again."
        headers = {"ETag": f'"{current}"'}
        raise errors.VersionMoved(text, headers=headers, version=current, changed=clashing)


def changed_parts(before: Any, after: Any) -> frozenset[str]:
    """Return which parts of a state differ: attributes, and the entries of those that are maps.

    This is what decides whether two people edited the same thing: whoever changed one field of a
    lead is not in the way of who changed another.
    """
    parts: set[str] = set()
    for name in _attributes(before):
        if name in _BOOKKEEPING:
            continue
        old, new = getattr(before, name), getattr(after, name)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            parts.update(f"{name}.{key}" for key in {*old, *new} if old.get(key) != new.get(key))
        else:
            parts.add(name)
    return frozenset(parts)


_BOOKKEEPING = frozenset(
    {
        "version",
        "modified_at",
        "modified_by",
        "status_edited_at",
        "previous_statuses",
        "numbers_known",
        "notes_made",
        "contacts_made",
    }
)
"""Attributes that every change or every change of its kind moves along: nobody edits these."""


def _attributes(state: Any) -> Sequence[str]:
    return tuple(type(state).__dataclass_fields__)
