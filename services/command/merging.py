"""Edits on a version that is not the latest: they pass where nothing they touch changed since."""

from services.command.aggregates import AGGREGATES
from services.command.domain.changes import changed_parts
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
