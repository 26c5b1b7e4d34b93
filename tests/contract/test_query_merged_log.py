"""The log of a lead that absorbed others: theirs among its own, for as long as they are merged."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from schemas import lead as events
from services.query.causes import cause_of
from tests.contract.query_service import NOON, World, named, running, team, user


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        yield world


async def merge(world: World, other: str, into: str, at: int) -> None:
    when = NOON + timedelta(minutes=at)
    await world.happen(into, events.LeadAbsorbed(other), at=when)
    await world.happen(other, events.LeadMerged(into), at=when)


async def told(world: World, lead: str, by: str = "admin", **given: Any) -> list[tuple[str, str]]:
    """Return (lead, kind) of every entry, over small pages."""
    seen: list[tuple[str, str]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await world.read(f"/v1/leads/{lead}/log", by, limit=2, **given, **cursor)
        seen += [(one["lead_id"], one["kind"].removeprefix("lead.")) for one in page["entries"]]
        if page["next"] is None:
            return seen
        cursor = {"cursor": page["next"]}


async def test_merged_leads_tell_their_history_together_and_alone_again(world: World) -> None:
    # The agent sees the survivor alone: the others are inactive, and another team's at that.
    first = await world.lead("survivor", owner=user("agent"))
    second = await world.lead("second", owner=team("south"))
    third = await world.lead("third", owner=team("south"))
    await world.happen(third, events.LeadPriorityChanged(3), at=NOON + timedelta(minutes=1))
    await merge(world, third, second, 2)
    await world.happen(
        second, events.LeadNoteAdded(1, "call later"), at=NOON + timedelta(minutes=3)
    )
    await merge(world, second, first, 4)
    await world.happen(first, events.LeadPriorityChanged(9), at=NOON + timedelta(minutes=5))
    expected = [
        (first, "priority_changed"),
        (second, "merged"),
        (first, "absorbed"),
        (second, "note_added"),
        (third, "merged"),
        (second, "absorbed"),
        (third, "priority_changed"),
        (third, "created"),
        (second, "created"),
        (first, "created"),
    ]
    for by in ("admin", "agent"):
        assert await told(world, first, by) == expected, by
    assert (await world.read(f"/v1/leads/{first}/log"))["merged"] == [second, third]
    assert await told(world, first, kind="priority_changed") == [
        (first, "priority_changed"),
        (third, "priority_changed"),
    ]
    assert (await world.get(f"/v1/leads/{second}/log", "agent")).status_code == 404

    when = NOON + timedelta(minutes=6)
    await world.happen(first, events.LeadReleased(second), at=when)
    await world.happen(second, events.LeadUnmerged(first), at=when)
    alone = [(first, kind) for kind in ("released", "priority_changed", "absorbed", "created")]
    for by in ("admin", "agent"):
        assert await told(world, first, by) == alone, by
    together = await told(world, first, as_of="version:3")
    assert together == expected, "as it was told then"
    assert await told(world, first, as_of="version:1") == [(first, "created")]


async def test_a_cause_leads_to_its_bulk_job_command_or_call(world: World) -> None:
    job = named("job")
    assert cause_of(f"bulk:{job}")["href"] == f"/v1/bulk-jobs/{job}"
    for text in (f"import:{job}", f"import:{job}/undo"):
        assert (cause_of(text)["kind"], cause_of(text)["href"]) == ("import", f"/v1/imports/{job}")
    called = cause_of("call:dialer-7/a/b 1")
    assert (called["source"], called["id"], called["href"]) == ("dialer-7/a", "b 1", None)
    assert called["changes"] == "/v1/changes?cause=call:dialer-7%2Fa%2Fb%201"
    lead = await world.lead("lead")
    entry = (await world.read(f"/v1/leads/{lead}/log"))["entries"][0]
    assert entry["because"]["kind"] == "command"
    assert entry["cause"] == "command:test"
