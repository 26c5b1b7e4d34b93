"""A log as newer code would write it, with an event type that today's catalogue does not know."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar

from schemas.catalogue import EVENTS
from schemas.event import Event
from services.kit.codec import EventCodec
from services.kit.eventlog import EventLog


@dataclass(frozen=True)
class LeadPainted(Event):
    """The lead got a colour."""

    TOPIC: ClassVar[str] = "lead.painted"

    colour: str


@asynccontextmanager
async def newer(log: EventLog) -> AsyncIterator[EventLog]:
    """The same log, opened by code that knows LeadPainted."""
    codec = EventCodec({**EVENTS, LeadPainted.TOPIC: LeadPainted})
    async with EventLog(log.pool, codec, log.keys) as newer_log:
        yield newer_log
