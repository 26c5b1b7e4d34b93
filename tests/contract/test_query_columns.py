"""What a page is told before it shows anything: who is asking, and which columns there are."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from schemas.campaign import CampaignTemplateChanged
from schemas.filters import OPERATORS
from schemas.organisation import ORGANISATION_ID, StatusAdded, UserChanged
from services.query.columns import COLUMNS
from tests.contract.query_service import AUTUMN, SPRING, USERS, World, named, running, user

Columns = dict[str, dict[str, Any]]


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        yield world


async def _columns(world: World, by: str = "admin", **params: Any) -> Columns:
    listed = (await world.read("/v1/leads/columns", by, **params))["columns"]
    columns = {one["name"]: one for one in listed}
    assert len(columns) == len(listed)
    return columns


async def test_everybody_is_told_who_they_are(world: World) -> None:
    for name, (of_team, role, rights) in USERS.items():
        me = await world.read("/v1/me", name)
        assert me == {
            "user_id": named(name),
            "name": name,
            "role": role,
            "rights": sorted(rights),
            "team_id": named(of_team),
            "team_name": "Top" if of_team == "top" else of_team,
            "actor": user(name),
            "position": me["position"],
            "lag": 0,
        }


async def test_a_new_name_is_told_once_it_is_waited_for(world: World) -> None:
    changed = UserChanged(named("agent"), "agent", name="Ann")
    at = await world.happen(str(ORGANISATION_ID), changed)
    assert (await world.read("/v1/me", "agent", min_position=at))["name"] == "Ann"


async def test_every_column_is_told_with_what_it_takes(world: World) -> None:
    columns = await _columns(world)
    assert list(columns)[: len(COLUMNS)] == list(COLUMNS)
    assert columns["call_attempts"] == {
        "name": "call_attempts",
        "label": "Call attempts",
        "kind": "number",
        "nullable": False,
        "show": True,
        "filter": True,
        "sort": True,
        "breakdown": True,
        "operators": sorted(OPERATORS["number"]),
        "type": None,
        "values": [],
        "campaigns": [],
    }
    assert "Busy" in columns["latest_end_cause"]["values"]
    assert columns["notes"]["show"]
    assert not columns["notes"]["filter"]
    assert columns["contacts.phone"]["filter"]
    assert not columns["contacts.phone"]["show"]
    own = StatusAdded("warm", "Warm", "open", True, "working")
    at = await world.happen(str(ORGANISATION_ID), own)
    assert (await _columns(world, min_position=at))["status"]["values"][-1] == "warm"


async def test_template_fields_are_merged_over_campaigns(world: World) -> None:
    more = (
        {"import_name": "tier", "type": "picklist", "values": ["tin", "lead"], "label": "Tier"},
        {"import_name": "name", "type": "text", "label": "Called"},
        {"import_name": "phone", "type": "text"},
    )
    await world.happen(AUTUMN, CampaignTemplateChanged(put=more))
    columns = await _columns(world, "agent")
    tier = columns["fields.tier"]
    assert (tier["label"], tier["kind"], tier["type"]) == ("Tier", "keyword", "picklist")
    assert set(tier["values"]) == {"gold", "tin", "lead"}
    assert set(tier["campaigns"]) == {SPRING, AUTUMN}
    assert columns["fields.vip"]["campaigns"] == [SPRING]
    assert columns["contacts.tier"]["label"] == "Contact: Tier"
    assert columns["fields.second phone"]["label"] == "second phone"
    # A field that is a column of every lead is told once.
    assert "fields.name" not in columns
    assert columns["name"]["label"] == "Name"


@pytest.mark.parametrize("by", ["admin", "auditor", "agent", "dialer"])
async def test_the_service_does_what_it_says_of_each_column(world: World, by: str) -> None:
    columns = await _columns(world, by)
    for name, one in columns.items():
        empty = {"filter": {"op": "is_empty", "field": name}}
        asked = {
            "show": ("/v1/leads/search", {"columns": [name]}),
            "filter": ("/v1/leads/count", empty),
            "sort": ("/v1/leads/search", {"sort": [{"field": name}], "columns": ["lead_id"]}),
            "breakdown": ("/v1/leads/breakdown", {"field": name}),
        }
        for what, (path, body) in asked.items():
            status = (await world.post(path, body, by)).status_code
            assert status == (200 if one[what] else 422), (name, what)
        assert bool(one["operators"]) == one["filter"]
    # Masked numbers are shown, and cannot be asked about.
    assert columns["phone"]["show"]
    assert columns["phone"]["filter"] == (by in ("admin", "agent"))
