"""Calls as a dialer tells them, for tests of the intake."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import LeadCallRecorded
from services.command.domain.facts import Actor
from services.command.intake_batch import Intake, Outcome
from services.command.intake_payload import Arrival
from tests.contract.command_service import NOON, Service

DIALER = Actor("service:intake", "dialer")


def call(call_id: str, lead: str | None = None, minutes: int = 0, **more: Any) -> dict[str, Any]:
    """A call of half a minute that ended `minutes` before noon."""
    ended = NOON - timedelta(minutes=minutes)
    told: dict[str, Any] = {
        "call_id": call_id,
        "lead_id": lead,
        "started_at": format_instant(ended - timedelta(seconds=30)),
        "ended_at": format_instant(ended),
        "end_cause": "NoResponse",
        **more,
    }
    return {name: value for name, value in told.items() if value is not None}


class Desk:
    """An intake over a running service, and what a test wants to ask it."""

    def __init__(self, service: Service) -> None:
        commanding = service.commanding
        self.service = service
        self.intake = Intake(commanding.log, commanding.states, service.clock)

    async def take_in(self, *told: Any) -> list[Outcome]:
        """Take in payloads: bytes as they are, all else as JSON."""
        arrivals = [
            Arrival(one if isinstance(one, bytes) else orjson.dumps(one), f"test/0/{place}")
            for place, one in enumerate(told)
        ]
        return await self.intake.take_in(arrivals, DIALER)

    async def kinds(self, *told: Any) -> list[str]:
        """Take in payloads; return what became of each: the code of the reason if put aside."""
        return [one.code or one.kind for one in await self.take_in(*told)]

    async def recorded(self, lead: str) -> list[LeadCallRecorded]:
        """The calls in the lead's stream, in its order."""
        events = await self.service.events(lead)
        return [one for one in events if isinstance(one, LeadCallRecorded)]

    async def last_call(self, lead: str) -> LeadCallRecorded:
        """The call recorded last."""
        return (await self.recorded(lead))[-1]

    async def calls_of(self, lead: str) -> list[str]:
        """The ids of the calls in the lead's stream, in its order."""
        return [one.call_id for one in await self.recorded(lead)]

    async def held(self, entry: UUID | None) -> list[Event]:
        """The events of a quarantine entry."""
        return await self.service.events(str(entry))
