"""The shape of every decision: state, command and facts in, events or refusals out. Pure.

A decision is a function registered with `@decides(SomeCommand)`; an evolution is a function
`evolve(state, event)` that never fails. The handler around them loads, folds, calls `decide`,
appends; it knows no rule.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from schemas.event import Event
from schemas.frozen import frozen


class Command(BaseModel):
    """What somebody asks for; body of its route, row of the permissions, form in the UI.

    Class attributes a subclass states:
      aggregate   the category of the stream it addresses: "lead", "campaign", "organisation",
      "dnc". roles       who may give it at all; which leads it may touch is decided per lead.
      bulk        whether it is offered in bulk (domain star).
      creates     whether it starts a stream (expected version 0).
      is_fact     facts from dialers never conflict and are never refused (rule 9).
      needs_dnc   whether the do-not-call entries of the lead's numbers are loaded as facts.
      needs_pool  whether it matters that the lead's pool is on (rule 17).
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    aggregate: ClassVar[str] = "lead"
    roles: ClassVar[frozenset[str]] = frozenset()
    bulk: ClassVar[bool] = False
    creates: ClassVar[bool] = False
    is_fact: ClassVar[bool] = False
    needs_dnc: ClassVar[bool] = False
    needs_pool: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a refusal: a stable code for machines, a sentence for people, the field it
    is about.
    """

    code: str
    text: str
    field: str = ""


def within(part: str, reasons: Iterable[Reason]) -> list[Reason]:
    """Return reasons about values by name as those of the part of the command that holds them."""
    return [replace(one, field=f"{part}.{one.field}" if one.field else "") for one in reasons]


class Refused(Exception):
    """The command cannot be done.

    Carries every reason, never only the first; nothing was changed. `dropped`: fields a clone
    would have left behind besides.
    """

    def __init__(self, reasons: Sequence[Reason], dropped: Sequence[str] = ()) -> None:
        """Keep all reasons, in the order in which the rules were checked."""
        super().__init__("; ".join(reason.text for reason in reasons))
        self.reasons = tuple(reasons)
        self.dropped = tuple(dropped)


@frozen
class Elsewhere:
    """Events that a decision writes to another stream, in the same transaction as its own
    (CloneLead).
    """

    stream_id: UUID
    category: str
    expected_version: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """A value only one living lead may hold in a scope: the duplicate key (rule 15).

    Hashed before it is stored.
    """

    kind: str
    scope: str
    value: str


Outcome = Event | Elsewhere
Decision = Callable[[Any, Any, Any], Iterable[Outcome]]
_decisions: dict[type[Command], Decision] = {}


def decides(command: type[Command]) -> Callable[[Decision], Decision]:
    """Register the function that decides `command`; two for one command is a programming error."""

    def register(decision: Decision) -> Decision:
        assert command not in _decisions, f"{command.__name__} is decided twice"
        _decisions[command] = decision
        return decision

    return register


def decide(state: Any, command: Command, facts: Any) -> list[Outcome]:
    """Return the events that `command` causes on `state`, [] when nothing changes (rule 11);
    raise Refused.
    """
    return list(_decisions[type(command)](state, command, facts))


def commands() -> list[type[Command]]:
    """Return every command that has a decision, sorted by name: routes, docs and permission
    rows derive from it.
    """
    return sorted(_decisions, key=lambda command: command.__name__)
