"""Stories of campaign, organisation, do-not-call and quarantine: one command after the other.

Commands come in as JSON, as from a caller.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson

from schemas.event import Event
from services.command.domain.decider import Command
from services.command.domain.facts import Actor, Facts
from services.command.domain.organisation.state import Organisation
from tests.domain.given_when_then import Fold, given, placed, stored

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NEW_ID = "01950000-0000-7000-8000-0000000000ff"
ADMIN_ID = "01950000-0000-7000-8000-00000000000a"
ADMIN = Actor(f"user:{ADMIN_ID}", "admin", ADMIN_ID, NEW_ID)
SERVICE = Actor("service:setup", "service")

C = TypeVar("C", bound=Command)


def person(role: str, rights: Iterable[str] = ()) -> Actor:
    """Somebody of that role."""
    return replace(ADMIN, role=role, rights=frozenset(rights))


def facts(actor: Actor = ADMIN, organisation: Organisation | None = None, **more: Any) -> Facts:
    """The world at NOW."""
    known: dict[str, Any] = {
        "now": NOW,
        "actor": actor,
        "organisation": organisation or Organisation(),
        "new_ids": (UUID(NEW_ID),),
    }
    return Facts(**{**known, **more})


def ask(command: type[C], **body: Any) -> C:
    """The command as it comes in from a caller."""
    return command.model_validate_json(orjson.dumps(body))


@dataclass(frozen=True)
class Story:
    """A stream of one aggregate, told step by step on top of `given_when_then`."""

    fold: Fold
    happened: tuple[Event, ...] = ()

    @property
    def state(self) -> Any:
        """What is known now."""
        return self.fold(placed(self.happened))

    def when(self, command: Command, known: Facts | None = None) -> list[Event]:
        """The events the command leads to; read back from JSON they fold to the same."""
        asked = given(*self.happened, fold=self.fold).when(command, known or facts())
        assert asked.reasons is None, f"{command!r} was refused: {asked.reasons}"
        fresh = asked.after()
        events = [one for one in asked.outcomes if isinstance(one, Event)]
        assert len(events) == len(asked.outcomes)
        assert fresh == self.fold(placed([stored(one) for one in (*self.happened, *events)]))
        return events

    def after(self, command: Command, known: Facts | None = None) -> "Story":
        """The story after that command, which then changes nothing a second time (rule 11)."""
        events = self.when(command, known)
        assert events, f"{command!r} changed nothing"
        later = Story(self.fold, (*self.happened, *events))
        if not command.creates and "id" not in type(command).model_fields:
            assert later.when(command, known) == []
        return later

    def refused(self, command: Command, known: Facts | None = None) -> list[str]:
        """The codes of all reasons for refusing the command."""
        asked = given(*self.happened, fold=self.fold).when(command, known or facts())
        assert asked.reasons, f"{command!r} was not refused: {asked.outcomes}"
        assert all(one.text.endswith(".") for one in asked.reasons)
        return [one.code for one in asked.reasons]
