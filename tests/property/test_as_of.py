"""Whatever was asked in whatever order: as of any version, position or time a lead is the row that
the grid showed then, and so is a whole list.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import Event
from services.command.domain.decider import Command, Refused, decide
from services.command.domain.lead.erasure import AnonymiseLead, DeleteLead
from services.command.domain.lead.evolving import evolve
from services.command.domain.lead.state import Lead
from services.kit.ids import new_id
from services.query.rows import EVERYTHING
from tests.contract.query_service import NOON, World, running
from tests.contract.test_query_pasts import asked_for, build
from tests.domain.given_when_then import STREAM, stored
from tests.domain.test_lead_any_order import COMMANDS
from tests.domain.world import ADA, created, facts

EXAMPLES = 6
KEEPING = COMMANDS.filter(lambda command: not isinstance(command, AnonymiseLead | DeleteLead))
"""What is erased is erased in the past too, so only the rest equals what was shown."""


@dataclass
class Told:
    """One lead: its state for decisions, and the row the grid showed at each version."""

    id: str = field(default_factory=lambda: str(new_id()))
    lead: Lead = field(default_factory=Lead)
    shown: dict[int, dict[str, Any]] = field(default_factory=dict)
    positions: dict[int, int] = field(default_factory=dict)


class Grid:
    """A query service, and what it shows while leads are worked on."""

    def __init__(self, runner: asyncio.Runner, world: World) -> None:
        self.run = runner.run
        self.world = world
        self.minutes = 0

    async def happen(self, told: Told, event: Event) -> None:
        """Let one event happen and look at the grid."""
        self.minutes += 1
        at = NOON + timedelta(minutes=self.minutes)
        placed = stored(event).placed(STREAM, told.lead.version + 1, at)
        told.lead = evolve(told.lead, placed, f"user:{ADA}")
        position = await self.world.happen(told.id, event, at=at)
        body = {
            "filter": {"op": "equals", "field": "lead_id", "value": told.id},
            "columns": list(EVERYTHING),
        }
        (row,) = (await self.world.asked("/v1/leads/search", body))["leads"]
        told.shown[row["version"]] = row
        told.positions[row["version"]] = position

    async def ask(self, told: Told, command: Command) -> None:
        """Give a command; what is refused changes nothing."""
        now = NOON + timedelta(minutes=self.minutes)
        try:
            outcomes = decide(told.lead, command, facts(ADA, now=now))
        except Refused:
            return
        for event in outcomes:
            if isinstance(event, Event):
                await self.happen(told, event)

    async def check(self, told: Told) -> None:
        """Compare the lead as of every version with what was shown then."""
        for version, row in told.shown.items():
            path = f"/v1/leads/{told.id}"
            answer = await self.world.read(path, as_of=f"version:{version}")
            assert answer["lead"] == row, version
            position = f"position:{told.positions[version]}"
            assert (await self.world.read(path, as_of=position))["lead"] == row
            time = answer["as_of"]["recorded_at"]
            assert (await self.world.read(path, as_of=time))["lead"] == row

    async def check_list(self, leads: list[Told]) -> None:
        """Compare the list as of the middle of what happened with the rows shown then."""
        positions = sorted(one for told in leads for one in told.positions.values())
        middle = positions[len(positions) // 2]
        expected = {}
        for told in leads:
            known = [version for version, at in told.positions.items() if at <= middle]
            if known:
                expected[told.id] = told.shown[max(known)]
        past = await asked_for(self.world, f"position:{middle}")
        assert await build(self.world)
        ids = {"op": "in", "field": "lead_id", "values": [told.id for told in leads]}
        body = {"filter": ids, "columns": list(EVERYTHING)}
        found = await self.world.asked(f"/v1/pasts/{past}/search", body)
        assert {row["lead_id"]: row for row in found["leads"]} == expected
        await self.world.post(f"/v1/pasts/{past}/cancel", {})


@pytest.fixture
def grid(database_url: str) -> Iterator[Grid]:
    with asyncio.Runner() as runner:
        context = running(database_url)
        yield Grid(runner, runner.run(context.__aenter__()))
        runner.run(context.__aexit__(None, None, None))


def test_as_of_equals_what_the_grid_showed(grid: Grid) -> None:
    @settings(max_examples=EXAMPLES)
    @given(st.lists(st.tuples(st.integers(0, 1), KEEPING), min_size=8, max_size=20))
    def check(asked: list[tuple[int, Command]]) -> None:
        leads = [Told(), Told()]

        async def story() -> None:
            for told in leads:
                await grid.happen(told, created())
            for which, command in asked:
                await grid.ask(leads[which], command)
            for told in leads:
                await grid.check(told)
            await grid.check_list(leads)

        grid.run(story())

    check()
