"""Audit over HTTP: who changed what, and proof that it was so."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from schemas import lead as events
from schemas.envelope import Origin
from services.kit.append import Append, Commanded, NewEvent, StreamAppend
from services.kit.clock import FixedClock
from services.kit.ids import new_id
from services.kit.offline_verifier import verify_package
from services.kit.seal import SEGMENT_SECONDS, Sealer
from tests.contract.query_service import NOON, World, named, running, team, user
from tests.kit.event_logs import SIGNING, WHEN, tampering


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        yield world


async def changed(world: World, cause: str, by: str, *leads: str) -> None:
    """A change of several leads at once, as a bulk job makes it."""
    new = [NewEvent(events.LeadPriorityChanged(9, 5), NOON, Origin(user(by), cause))]
    streams = [StreamAppend(UUID(named(lead)), 1, new) for lead in leads]
    await world.log.append(Append([Commanded(new_id(), bytes(32))], streams))
    await world.project()


async def sealed(world: World, folder: Path) -> None:
    clock = FixedClock(WHEN)
    sealer = Sealer(world.log.pool, SIGNING, clock, folder / "seals")
    await sealer.step()
    clock.at = WHEN.replace(minute=int(SEGMENT_SECONDS))
    assert await sealer.step() is not None


async def test_the_changes_of_a_bulk_job_and_of_a_user_for_those_who_see_them(
    world: World,
) -> None:
    for name, owner in (("a", "north"), ("b", "south"), ("c", "north")):
        await world.lead(name, owner=team(owner))
    bulk = f"bulk:{named('job')}"
    await changed(world, bulk, "leader", "a", "b")
    await changed(world, "command:" + named("other"), "leader", "c")
    found = await world.read("/v1/changes", cause=bulk)
    assert found["radius"] == {
        "changes": 2,
        "leads": 2,
        "by_kind": {"lead.priority_changed": 2},
        "exact": True,
    }
    assert [one["lead_id"] for one in found["entries"]] == [named("b"), named("a")]
    assert found["entries"][0]["because"]["href"] == f"/v1/bulk-jobs/{named('job')}"
    assert found["entries"][0]["changes"] == [{"field": "priority", "before": 5, "after": 9}]
    mine = await world.read("/v1/changes", "leader", actor=user("leader"))
    assert [one["lead_id"] for one in mine["entries"]] == [named("c"), named("a")]
    assert mine["radius"]["changes"] == 2
    first = await world.read("/v1/changes", "leader", actor=user("leader"), limit=1)
    second = await world.read(
        "/v1/changes", "leader", actor=user("leader"), limit=1, cursor=first["next"]
    )
    assert first["entries"] + second["entries"] == mine["entries"]
    assert second["next"] is None
    assert (await world.read("/v1/changes", cause=bulk, kind="owner_changed"))["entries"] == []
    assert (await world.read("/v1/changes", cause=bulk, since="2100-01-01"))["entries"] == []
    assert len((await world.read("/v1/changes", cause=bulk, until="2100-01-01"))["entries"]) == 2
    for given in ({}, {"cause": "nothing"}, {"cause": bulk, "since": "soon"}, {"actor": "x"}):
        assert (await world.get("/v1/changes", **given)).status_code == 422, given


async def test_a_leads_history_is_proved_and_a_rewritten_one_is_not(
    world: World, tmp_path: Path, postgres: Any, database: str
) -> None:
    lead = await world.lead("lead", events.LeadNoteAdded(1, "secret"), owner=team("north"))
    await sealed(world, tmp_path)
    await world.happen(lead, events.LeadPriorityChanged(2))
    for by in ("admin", "agent"):
        proof = await world.read(f"/v1/leads/{lead}/proof", by)
        assert (proof["holds"], proof["events"], proof["sealed"]) == (True, 3, 2)
        assert proof["head"]["version"] == 3
        assert proof["inclusion"]["version"] == 2
        assert proof["public_key"] == SIGNING.public.hex()
    async with tampering(postgres.url("postgres", database)) as owner:
        await owner.execute("update log.events set data = '{}' where version = 3")
    proof = await world.read(f"/v1/leads/{lead}/proof")
    assert not proof["holds"]
    assert proof["faults"] == [f"event {lead}/3 was changed: its hash does not fit its content"]


async def test_a_package_convinces_with_nothing_but_python(world: World, tmp_path: Path) -> None:
    personal = {"name": "Ada", "second phone": "+4930111222"}
    note = events.LeadNoteAdded(1, "secret")
    lead = await world.lead("lead", note, owner=team("north"), personal_fields=personal)
    await sealed(world, tmp_path)
    response = await world.get(f"/v1/leads/{lead}/audit-package")
    assert response.headers["content-disposition"] == f'attachment; filename="lead-{lead}.json"'
    key = (await world.read("/v1/audit/key"))["public_key"]
    package = json.loads(response.content)
    assert verify_package(package, bytes.fromhex(key)) == []
    assert package["events"][0]["plain"]["personal_fields"] == personal
    assert package["events"][1]["plain"] == {"text": "secret"}
    program = await world.get("/v1/audit/verifier")
    assert b"def verify_package" in program.content

    masked = await world.get(f"/v1/leads/{lead}/audit-package", "auditor")
    assert verify_package(json.loads(masked.content), SIGNING.public) == []
    assert "Ada" in masked.text
    for number in ("15112345678", "30111222"):
        assert number not in masked.text
        assert number in response.text

    erasing = NewEvent(events.LeadAnonymised(), NOON, Origin(user("admin"), "command:test"))
    append = StreamAppend(UUID(lead), 2, [erasing])
    done = [Commanded(new_id(), bytes(32))]
    await world.log.append(Append(done, [append], destroyed_keys=[UUID(lead)]))
    world.reading.log.keys.put(UUID(lead), None)
    erased = await world.get(f"/v1/leads/{lead}/audit-package")
    assert verify_package(json.loads(erased.content), SIGNING.public) == []
    assert "Ada" not in erased.text
    assert all(event["plain"] is None for event in json.loads(erased.content)["events"])
