"""Tests of decisions as stories: given events, when a command, then these events or refusals.

`given(created).when(ChangeOwner(...), facts).then(LeadOwnerChanged(...))`. A failure prints the
whole story. Whatever is decided must also survive storing, so JSON must bring it back unchanged.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from schemas.event import Event
from services.command.domain.decider import Command, Elsewhere, Outcome, Reason, Refused, decide
from services.command.domain.lead.evolving import fold

STREAM = UUID("01920000-0000-7000-8000-000000000064")
BEGAN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ACTOR = "user:01920000-0000-7000-8000-0000000000ff"

Fold = Callable[[Sequence[Event]], Any]


def fold_lead(happened: Sequence[Event]) -> Any:
    """Return the lead after these events, all by the same actor."""
    return fold((event, ACTOR) for event in happened)


def placed(
    happened: Sequence[Event], stream: UUID = STREAM, began: datetime = BEGAN
) -> list[Event]:
    """Return the events as a stream: numbered, a second apart."""
    return [
        event.placed(stream, version, began + timedelta(seconds=version - 1))
        for version, event in enumerate(happened, start=1)
    ]


def stored(event: Event) -> Event:
    """Return the event as it comes back from the log, through JSON."""
    given = {one.name: getattr(event, one.name) for one in fields(event) if one.init}
    return type(event)(**orjson.loads(orjson.dumps(given)))


@dataclass(frozen=True)
class Given:
    """What had happened before."""

    happened: tuple[Event, ...]
    fold: Fold = fold_lead

    @property
    def state(self) -> Any:
        """The state those events lead to."""
        return self.fold(placed(self.happened))

    def when(self, command: Command, facts: Any) -> "Asked":
        """Ask for something, with these facts."""
        try:
            outcomes: Sequence[Outcome] = decide(self.state, command, facts)
        except Refused as refused:
            return Asked(self, command, (), refused.reasons)
        return Asked(self, command, tuple(outcomes), None)


@dataclass(frozen=True)
class Asked:
    """What came of it."""

    given: Given
    command: Command
    outcomes: tuple[Outcome, ...]
    reasons: tuple[Reason, ...] | None

    def then(self, *expected: Outcome) -> Any:
        """Expect exactly these events, and return the state after those of this stream."""
        if self.reasons is not None or list(self.outcomes) != list(expected):
            raise AssertionError(self._story([f"  {one!r}" for one in expected]))
        return self.after()

    def nothing(self) -> None:
        """Expect success without an event (rule 11)."""
        self.then()

    def refused(self, *codes: str) -> tuple[Reason, ...]:
        """Expect a refusal with exactly these reasons, in any order."""
        found = sorted(reason.code for reason in self.reasons or ())
        if self.reasons is None or found != sorted(codes):
            raise AssertionError(self._story([f"  refused: {', '.join(codes)}"]))
        for reason in self.reasons:
            assert reason.text.endswith("."), f"no sentence: {reason}"
        return self.reasons

    def after(self) -> Any:
        """Return the state after what was decided, which is the same when read back from JSON."""
        own = [one for one in self.outcomes if isinstance(one, Event)]
        for outcome in self.outcomes:
            for event in outcome.events if isinstance(outcome, Elsewhere) else (outcome,):
                _must_be_storable(event)
        story = placed([*self.given.happened, *own])
        state = self.given.fold(story)
        again = self.given.fold(placed([stored(event) for event in story]))
        assert state.version == again.version == len(story)
        return state

    def _story(self, expected: Sequence[str]) -> str:
        lines = ["", "Given", *(f"  {event!r}" for event in self.given.happened)]
        lines += ["When", f"  {self.command!r}", "Then expected", *(expected or ["  nothing"])]
        lines.append("But it was")
        if self.reasons is not None:
            lines += [f"  refused {one.code}: {one.text}" for one in self.reasons]
        else:
            lines += [f"  {one!r}" for one in self.outcomes] or ["  nothing"]
        return "\n".join(lines)


def given(*happened: Event, fold: Fold = fold_lead) -> Given:
    """Begin a story with what had happened before; nothing = a stream that does not exist."""
    return Given(happened, fold)


def _must_be_storable(event: Event) -> None:
    for one in fields(event):
        if one.init:
            value = getattr(event, one.name)
            back = orjson.loads(orjson.dumps(value))
            assert _as_lists(value) == back, f"{event.TOPIC}.{one.name} changes in JSON"


def _as_lists(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_as_lists(one) for one in value]
    if isinstance(value, dict):
        return {name: _as_lists(one) for name, one in value.items()}
    return value
