"""Taking an import back, run by run: leads it made are deleted, leads it updated are restored.

Only where nobody changed them since: theirs stays, and is said to be kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from schemas.envelope import Origin, Recorded
from schemas.event import Event
from schemas.organisation import ORGANISATION_ID
from services.command.domain.decider import Elsewhere, Refused, decide
from services.command.domain.facts import Actor, Facts
from services.command.domain.imports.state import Import
from services.command.domain.lead.erasure import DeleteLead
from services.command.domain.lead.evolving import fold
from services.command.domain.lead.undoing import Acted, ChangedSince, undo
from services.command.facts_loader import World
from services.command.handler import Commanding
from services.command.imports.deciding import Unauthorised, lead_of
from services.command.imports.tables import Run
from services.command.planning import Plan, plan
from services.kit.clock import Clock

OUTCOMES = {"v": "reversed", "k": "kept", "r": "refused"}
_DELETE = DeleteLead(reason="import undone")


@dataclass(slots=True)
class Undone:
    """What undoing a run of rows comes to."""

    first: int
    outcomes: list[str] = field(default_factory=list)
    reasons: list[Any] = field(default_factory=list)
    leads: list[UUID] = field(default_factory=list)
    made: Plan | None = None

    def run(self) -> Run:
        """Return the outcomes as they are kept."""
        return Run(self.first, "".join(self.outcomes), self.reasons, self.leads)


class UndoJudge:
    """Decides what becomes of the leads of one import, with the rights of who undoes it."""

    def __init__(self, commanding: Commanding, clock: Clock, one: Import) -> None:
        """Decide on the log of `commanding`, at the times of `clock`."""
        self._log = commanding.log
        self._states = commanding.states
        self._clock = clock
        self._one = one
        self._stream = UUID(one.id)
        self._cause = f"import:{one.id}"
        self.origin = Origin(f"user:{one.undone_by}", f"{self._cause}/undo")

    async def decide(self, first: int, leads: Sequence[UUID | None]) -> Undone:
        """Decide on rows from `first` on, each with the lead it made or updated, if it did."""
        wanted = {ORGANISATION_ID: "organisation", UUID(self._one.campaign_id): "campaign",
                  self._stream: "import"}  # fmt: skip
        seen: dict[UUID, Any] = await self._states.refresh(wanted)
        organisation = seen[ORGANISATION_ID]
        user = organisation.users.get(self._one.undone_by)
        if user is None or not user.active:
            raise Unauthorised
        actor = Actor(self.origin.actor, user.role, user.id, user.team, user.rights)
        campaign = seen[UUID(self._one.campaign_id)]
        facts = Facts(self._clock.now(), actor, organisation, campaign=campaign)
        histories = await self._log.load([lead for lead in leads if lead is not None])
        undone, parts = Undone(first), []
        for row, lead in enumerate(leads, first):
            if lead is None:
                undone.outcomes.append("-")
                continue
            letter, events = self._one_lead(undone, row, histories[lead], facts)
            undone.outcomes.append(letter)
            undone.leads.append(lead)
            if events:
                version = len(histories[lead])
                parts.append(Elsewhere(lead, "lead", version, tuple(events)))
                seen[lead] = _folded(histories[lead])
        world = World(self._stream, "import", seen[self._stream], facts, seen)
        undone.made = plan(world, parts, self.origin, self._log.keys.master)
        return undone

    def _one_lead(
        self, undone: Undone, row: int, history: Sequence[Recorded], facts: Facts
    ) -> tuple[str, list[Event]]:
        """Return the outcome for a lead, and what happens to it."""
        ours = [place for place, one in enumerate(history) if one.origin.cause == self._cause]
        if not ours or ours != list(range(ours[0], ours[-1] + 1)):
            return "k", []  # Somebody changed it between two rows of ours, or it is gone.
        acted: list[Acted] = [(one.event, one.origin.actor) for one in history]
        before, done, since = acted[: ours[0]], acted[ours[0] : ours[-1] + 1], acted[ours[-1] + 1 :]
        try:
            if before:
                events = undo(fold(before), done, since)[0]
                return ("v" if events else "k"), events
            if since:
                return "k", []
            events = [one for one in decide(fold(done), _DELETE, facts) if isinstance(one, Event)]
        except ChangedSince:
            return "k", []
        except Refused as refused:
            told = [[one.code, one.text, one.field] for one in dict.fromkeys(refused.reasons)]
            undone.reasons.append([row, told])
            return "r", []
        return "v", events


def _folded(history: Sequence[Recorded]) -> Any:
    return fold((one.event, one.origin.actor) for one in history)


def leads_of(run: Run, one: UUID) -> list[UUID | None]:
    """Return the lead that each row of a run made or updated, None for the others."""
    others = iter(run.leads)
    found: list[UUID | None] = []
    for row, letter in enumerate(run.outcomes, run.first):
        other = next(others) if letter in "uns" else None
        found.append(lead_of(one, row) if letter == "c" else other if letter == "u" else None)
    return found
