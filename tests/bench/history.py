"""A log to work on: the sample's leads and calls, appended by the real decisions, no broker."""

from itertools import islice

from services.command.app import open_commanding
from services.command.intake import ACTOR
from services.command.intake_batch import CALLS_MAX, Intake
from services.command.intake_payload import Arrival
from services.kit.clock import SystemClock
from services.kit.settings import Settings
from services.local.sample_data import messages
from services.local.sample_leads import load_leads
from tests.bench.harness import tell


async def make_history(settings: Settings, clients: int) -> int:
    """Make so many leads and all their calls; return the number of events."""
    clock = SystemClock()
    async with open_commanding(settings, clock) as commanding:
        await load_leads(commanding, clock, clients, lambda there: None)
        intake = Intake(commanding.log, commanding.states, clock)
        told = (Arrival(one.value, "bench") for one in messages(clients))
        while batch := list(islice(told, CALLS_MAX)):
            await intake.take_in(batch, ACTOR)
        head = await commanding.log.head()
    tell(f"   {head:,} events to work on")
    return head
