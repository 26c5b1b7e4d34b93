"""Who sees which lead (rule 2): every read operation × every role × every place a lead can have.

The table of operations (sight_matrix.py) is checked against the app, so a new read without a row
fails.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from schemas import lead as events
from schemas.organisation import ORGANISATION_ID, TeamMoved
from tests.contract.query_service import NOON, USERS, World, named, team
from tests.contract.sight_matrix import (
    NOT_OF_LEADS,
    OPERATIONS,
    leaks,
    operations_of,
    show_leads,
    standing,
    tried,
)

ROOT = Path(__file__).parents[2]
ELSEWHERE = {
    "test_dial_list.py::test_only_what_this_agent_may_dial_now": {"/v1/dial-list"},
    "test_callable.py::test_who_may_ask": {"/v1/leads/{lead_id}/callable"},
    "test_bulk_jobs.py::test_only_who_planned_executes_and_others_do_not_see_it": {
        "/v1/bulk-jobs",
        "/v1/bulk-jobs/{job_id}",
        "/v1/bulk-jobs/{job_id}/outcomes",
        "/v1/bulk-jobs/{job_id}/refused.csv",
    },
    "test_dnc_file.py::test_who_may_and_who_sees": {
        "/v1/do-not-call-files",
        "/v1/do-not-call-files/{file_id}",
        "/v1/do-not-call-files/{file_id}/rows",
        "/v1/do-not-call-files/{file_id}/rows.csv",
    },
    "test_imports.py::test_who_sees_an_import_and_what_stands_in_its_file": {
        "/v1/imports",
        "/v1/imports/{import_id}",
        "/v1/imports/{import_id}/columns",
        "/v1/imports/{import_id}/rows",
        "/v1/imports/{import_id}/rows.csv",
        "/v1/imports/{import_id}/refused.csv",
    },
    "test_export_jobs.py::test_who_sees_which_exports": {"/v1/exports/{export_id}/file"},
    "test_export_mail.py::test_what_is_no_link_of_ours_opens_nothing": {"/v1/export-links/{token}"},
}
"""The tests that hold the reads of the services beside the query service."""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with standing(database_url) as world:
        yield world


async def test_every_operation_has_a_row(world: World) -> None:
    rows = {one for one in OPERATIONS if " as of" not in one[1]} | set(NOT_OF_LEADS)
    # What an agent dials next has a matrix of its own, in test_dial_list.py.
    assert operations_of(world) == rows | {("GET", "/v1/dial-list")}


def test_every_read_of_the_whole_interface_is_held_by_a_test() -> None:
    """What other services read is not of leads in sight, but of whose it is: tested where it is."""
    described = json.loads((ROOT / "schemas/generated/openapi.json").read_bytes())
    reads = {path for path, operations in described["paths"].items() if "get" in operations}
    here = {path for method, path in {*OPERATIONS, *NOT_OF_LEADS} if method == "GET"}
    assert reads - here == {path for paths in ELSEWHERE.values() for path in paths}
    for place in ELSEWHERE:
        file, _, test = place.partition("::")
        assert f"async def {test}(" in (ROOT / "tests/contract" / file).read_text(), place


async def test_everybody_sees_what_is_theirs_and_nothing_else(world: World) -> None:
    assert await leaks(world) == []


async def test_other_reads_are_for_their_roles(world: World) -> None:
    for (method, path), allowed in NOT_OF_LEADS.items():
        for by in USERS:
            expected = {200, 202, 404, 429} if by in allowed else {403}
            assert await tried(world, method, path, by) in expected, (path, by)


async def test_without_a_key_nothing_is_read(world: World) -> None:
    for method, path in {*OPERATIONS, *NOT_OF_LEADS}:
        assert await tried(world, method, path) == 401, path


async def test_numbers_are_masked_and_cannot_be_guessed(world: World) -> None:
    noted = events.LeadCreated(
        named("spring"),
        team("top"),
        phone="+4915112345678",
        personal_fields={"second phone": "+4930111222"},
        contacts=[{"id": 1, "phone": "+4930999888", "typed": "030 999888", "fields": {}}],
    )
    await world.happen(named("with numbers"), noted)
    lead = (await world.read(f"/v1/leads/{named('with numbers')}", "auditor"))["lead"]
    assert lead["phone"] == "•" * 12 + "78"
    assert lead["contacts"][0]["phone"] == "•" * 9 + "88"
    assert lead["fields"]["second phone"] == "•" * 9 + "22"
    whole = (await world.read(f"/v1/leads/{named('with numbers')}", "inspector"))["lead"]
    assert whole["phone"] == "+4915112345678"
    log = await world.get(f"/v1/leads/{named('with numbers')}/log", "auditor")
    for secret in ("15112345678", "30111222", "30999888"):
        assert secret not in log.text
    assert await world.found({"op": "search", "value": "15112345"}, "auditor") == []
    for body in (
        {"filter": {"op": "starts", "field": "phone", "value": "4915"}},
        {"filter": {"op": "equals", "field": "fields.second phone", "value": "x"}},
        {"sort": [{"field": "phone"}]},
    ):
        assert (await world.post("/v1/leads/search", body, "auditor")).status_code == 422
    assert (
        await world.post("/v1/leads/breakdown", {"field": "phone"}, "auditor")
    ).status_code == 422


async def test_sight_follows_a_moved_team_at_once(world: World) -> None:
    move = TeamMoved(named("south"), named("north"), named("top"))
    await world.happen(str(ORGANISATION_ID), move, at=NOON)
    assert "foreign" in await show_leads(world, "leader")
