"""Trying held payloads again, once the mapping or the payload itself is mended (rule 9).

Mending and discarding are commands to one entry (services/command/domain/quarantine); this is for
many. A call that gets in names the entry as its cause.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.command.domain.facts import Actor
from services.command.domain.quarantine.state import HeldPayload
from services.command.intake_batch import CALLS_MAX, Intake, Outcome
from services.command.intake_payload import Arrival
from services.command.intake_quarantine import Quarantine
from services.command.state_cache import StateCache
from services.kit.clock import Clock
from services.kit.eventlog import EventLog

TRIED_MAX = 10_000


@dataclass(slots=True)
class Tried:
    """What became of the entries that were tried again; `more` says that others still wait.

    position: of the last thing this wrote, 0 when it wrote nothing.
    """

    outcomes: list[tuple[UUID, Outcome]] = field(default_factory=list)
    skipped: list[UUID] = field(default_factory=list)
    more: bool = False
    position: int = 0


class QuarantineDesk:
    """Takes held payloads in again."""

    def __init__(self, log: EventLog, states: StateCache, intake: Intake, clock: Clock) -> None:
        """Read entries through `states`, take calls in by `intake`."""
        self._log = log
        self._states = states
        self._intake = intake
        self._entries = Quarantine(log, states, clock)

    async def reprocess(self, ids: Sequence[UUID], actor: Actor, trace: str = "") -> Tried:
        """Try these entries again; those that wait no more, or never were, are skipped."""
        tried = Tried()
        for first in range(0, len(ids), CALLS_MAX):
            await self._page(ids[first : first + CALLS_MAX], None, actor, trace, tried)
        return tried

    async def reprocess_all(self, code: str | None, actor: Actor, trace: str = "") -> Tried:
        """Try again all that wait, or all held for this reason, at most 10,000 at a time."""
        tried = Tried()
        entries = await self._log.streams_of("quarantine")
        for first in range(0, len(entries), CALLS_MAX):
            if len(tried.outcomes) + CALLS_MAX > TRIED_MAX:
                tried.more = True
                break
            await self._page(entries[first : first + CALLS_MAX], code, actor, trace, tried)
        tried.skipped.clear()
        return tried

    async def _page(
        self, ids: Sequence[UUID], code: str | None, actor: Actor, trace: str, tried: Tried
    ) -> None:
        states = await self._states.refresh(dict.fromkeys(ids, "quarantine"))
        arrivals: list[Arrival] = []
        for entry in dict.fromkeys(ids):
            payload: HeldPayload = states[entry]
            if payload.waits and code in {None, payload.code}:
                raw = base64.b64decode(payload.raw)
                arrivals.append(Arrival(raw, payload.source, "quarantine", entry))
            else:
                tried.skipped.append(entry)
        outcomes = await self._intake.take_in(arrivals, actor, trace)
        taken_in: list[tuple[UUID, UUID, str]] = []
        for arrival, outcome in zip(arrivals, outcomes, strict=True):
            assert arrival.held is not None, "came out of quarantine"
            tried.outcomes.append((arrival.held, outcome))
            if outcome.lead is not None and outcome.call_id is not None:
                taken_in.append((arrival.held, outcome.lead, outcome.call_id))
        # When this is not reached, the next try finds the calls recorded and notes it then.
        marked = await self._entries.mark_reprocessed(taken_in, actor, trace)
        written = (one.position for one in outcomes)
        tried.position = max(tried.position, marked, *written)
