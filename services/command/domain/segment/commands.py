"""What can be asked of a segment. Team leaders make segments for the agents below them."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from pydantic import Field

from schemas import segment as events
from schemas.event import Event
from schemas.filter_numbers import numbers_in
from schemas.filters import Filter, FilterInvalid, refuse_large
from services.command.domain.admission import admit
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.segment.state import Segment
from services.command.domain.types import Id, Name

Agents = Annotated[tuple[Id, ...], Field(max_length=1_000)]


class SegmentCommand(Command):
    """What all commands to a segment share."""

    aggregate: ClassVar[str] = "segment"
    roles: ClassVar[frozenset[str]] = frozenset({"admin", "team_leader"})


class CreateSegment(SegmentCommand):
    """Begin a segment: a name, the filter that finds its leads, the agents who may pick it.

    Leads come into it by command, one lead into one segment. A team leader names agents of their
    own team and those below.
    """

    creates: ClassVar[bool] = True

    name: Name
    filter: Filter | None = None
    agents: Agents = ()
    active: bool = True


class CopySegment(SegmentCommand):
    """Begin a segment with the filter and the agents of another. It has no leads yet."""

    creates: ClassVar[bool] = True

    segment_id: Id
    name: Name


class ChangeSegment(SegmentCommand):
    """Change name, filter or agents; what is left out stays, a filter of null is none. Leads in it
    stay in it.
    """

    name: Name | None = None
    filter: Filter | None = None
    agents: Agents | None = None


class ActivateSegment(SegmentCommand):
    """Let the segment be picked again."""


class DeactivateSegment(SegmentCommand):
    """Let nobody pick the segment. Its leads stay in it and are dialled without it."""


def _existing(segment: Segment | None, field: str = "") -> Segment:
    if segment is None or segment.version == 0:
        raise Refused([Reason("unknown-segment", "There is no such segment.", field)])
    return segment


def _known(segment: Segment | None, command: Command, facts: Facts) -> Segment:
    """Return the segment, unless the actor may not change it: it is for agents out of reach."""
    admit(command, facts)
    known = _existing(segment)
    foreign = [agent for agent in known.agents if not _within_reach(agent, facts)]
    if foreign:
        text = "The segment is for agents outside your team; ask an administrator."
        raise Refused([Reason("segment-out-of-reach", text)])
    return known


def _must_be_new(segment: Segment | None, command: Command, facts: Facts) -> None:
    admit(command, facts)
    if segment is not None and segment.version:
        raise Refused([Reason("segment-exists", "A segment with this id exists already.")])


def _within_reach(agent: str, facts: Facts) -> bool:
    """Say whether the actor leads this agent; administrators and our services lead everybody."""
    actor, organisation = facts.actor, facts.organisation
    if actor.user_id is None or actor.role == "admin":
        return True
    user = organisation.users.get(agent)
    if user is None or not actor.team_id:
        return False
    return user.team == actor.team_id or actor.team_id in organisation.tree.ancestors(user.team)


def _problems_of_agents(agents: Iterable[str], facts: Facts) -> Iterable[Reason]:
    for agent in agents:
        user = facts.organisation.users.get(agent)
        if user is None or not user.active:
            text = f"There is no user {agent}, or not any more."
            yield Reason("unknown-agent", text, "agents")
        elif not _within_reach(agent, facts):
            text = f"User {agent} is neither in your team nor below it; leave them out."
            yield Reason("agent-out-of-reach", text, "agents")


def _problems_of_filter(tree: Any) -> Iterable[Reason]:
    """The shape was checked on the way in. Whether fields exist is asked when the filter is used:
    templates change.
    """
    if tree is not None:
        try:
            refuse_large(tree)
        except FilterInvalid as reason:
            yield Reason("filter-too-large", f"The filter cannot be used: {reason}.", "filter")
        if numbers_in(_stored(tree)):
            text = "A segment's filter stays readable for good; it must not name a phone number."
            yield Reason("filter-names-number", text, "filter")


def _stored(tree: Any) -> dict[str, Any] | None:
    """Return the tree as JSON has it; members that were not given are left out."""
    return None if tree is None else dict(tree.model_dump(mode="json", exclude_none=True))


def _refuse(reasons: Iterable[Reason]) -> None:
    found = list(reasons)
    if found:
        raise Refused(found)


@decides(CreateSegment)
def _create(segment: Segment | None, command: CreateSegment, facts: Facts) -> Iterable[Event]:
    _must_be_new(segment, command, facts)
    agents = tuple(dict.fromkeys(command.agents))
    _refuse((*_problems_of_filter(command.filter), *_problems_of_agents(agents, facts)))
    yield events.SegmentCreated(command.name, _stored(command.filter), agents, command.active)


@decides(CopySegment)
def _copy(segment: Segment | None, command: CopySegment, facts: Facts) -> Iterable[Event]:
    _must_be_new(segment, command, facts)
    source = _existing(facts.segment, "segment_id")
    if source.numbers:
        text = "Its filter names a phone number, which none may any more; change the filter first."
        raise Refused([Reason("filter-names-number", text, "segment_id")])
    agents = tuple(agent for agent in source.agents if _within_reach(agent, facts))
    yield events.SegmentCreated(command.name, source.filter, agents, copied_from=source.id)


@decides(ChangeSegment)
def _change(segment: Segment | None, command: ChangeSegment, facts: Facts) -> Iterable[Event]:
    known = _known(segment, command, facts)
    name = known.name if command.name is None else command.name
    given = "filter" in command.model_fields_set
    tree = _stored(command.filter) if given else known.filter
    agents = known.agents
    if command.agents is not None:
        agents = tuple(dict.fromkeys(command.agents))
    new = [agent for agent in agents if agent not in known.agents]
    _refuse((*_problems_of_filter(command.filter), *_problems_of_agents(new, facts)))
    before = {"name": known.name, "filter": known.filter, "agents": list(known.agents)}
    if (name, tree, agents) != (known.name, known.filter, known.agents):
        yield events.SegmentChanged(name, tree, agents, before=before)


@decides(ActivateSegment)
def _activate(segment: Segment | None, command: ActivateSegment, facts: Facts) -> Iterable[Event]:
    if not _known(segment, command, facts).active:
        yield events.SegmentActivated()


@decides(DeactivateSegment)
def _deactivate(
    segment: Segment | None, command: DeactivateSegment, facts: Facts
) -> Iterable[Event]:
    if _known(segment, command, facts).active:
        yield events.SegmentDeactivated()
