"""Leads as a download: every lead of a list, as text that no spreadsheet carries out, of one
moment, or visibly broken off.
"""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from schemas import dnc
from schemas import lead as events
from schemas.organisation import ORGANISATION_ID, UserChanged
from schemas.view import ViewCreated
from services.kit import auth
from services.query import export, reading
from services.query.columns import COLUMNS
from tests.contract.query_service import AUTUMN, KEYS, SPRING, World, named, running, team

EVIL = "=HYPERLINK(1)"
FIRST, SECOND, THIRD = "+4915112345678", "+4915112345679", "+4915112345680"


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        contacts = [
            {"id": 1, "phone": SECOND, "typed": SECOND, "fields": {"role": "CTO"}},
            {"id": 2, "phone": THIRD, "typed": THIRD, "fields": {}},
        ]
        fields = {"city": 'Köln, "am" Rhein\nlinks', "vip": True, "age": 41}
        await world.lead(
            "a", phone=FIRST, personal_fields={"name": "Ana"}, fields=fields, contacts=contacts
        )
        await world.lead("b", phone="+4915112345681", personal_fields={"name": EVIL}, priority=9)
        await world.lead("c", phone="+4915112345682", owner=team("south"), campaign_id=AUTUMN)
        yield world


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def exported(world: World, by: str = "admin", **asked: Any) -> list[dict[str, str]]:
    response = await world.get("/v1/leads/export", by, **asked)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    return table(response.text)


async def test_every_lead_of_a_list_comes_in_its_order_with_the_columns_that_were_chosen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "LEADS_AT_ONCE", 1)
    for sort in ("-priority", "fields.age", "-name,lead_id", "pool_name", "status"):
        page = await world.read("/v1/leads", sort=sort, columns="lead_id,priority")
        rows = await exported(world, sort=sort, columns="lead_id,priority")
        listed = [(one["lead_id"], str(one["priority"])) for one in page["leads"]]
        assert [(row["lead_id"], row["priority"]) for row in rows] == listed, sort
        assert tuple(rows[0]) == ("lead_id", "priority", "do_not_call")
    narrow = await exported(world, campaign=SPRING, filter="priority > 8", columns="name")
    assert [row["name"] for row in narrow] == ["'" + EVIL]
    found = await world.post(
        "/v1/leads/export",
        {
            "filter": {"op": "equals", "field": "fields.age", "value": 41},
            "columns": ["fields.city"],
        },
    )
    assert found.headers["leads-position"] == str(await world.log.head())
    assert f'filename="leads-{await world.log.head()}.csv"' in found.headers["content-disposition"]
    assert table(found.text) == [
        {"fields.city": 'Köln, "am" Rhein\nlinks', "do_not_call": ""}
    ]  # fmt: skip


async def test_without_columns_there_is_every_column_and_template_field(world: World) -> None:
    (row,) = await exported(world, filter="fields.age = 41")
    own = ("age", "city", "born", "seen", "vip", "tier", "second phone")
    assert tuple(row) == (*COLUMNS, *(f"fields.{name}" for name in own), "do_not_call")
    assert (row["fields.vip"], row["fields.age"], row["active"]) == ("true", "41", "true")
    assert row["last_activity_at"] == "2026-03-04T12:00:00Z"
    assert row["phone"] == "'" + FIRST


async def test_secondary_contacts_come_if_wanted(world: World) -> None:
    rows = await exported(world, columns="name", contacts="true", sort="name")
    by_name = {row["name"]: row for row in rows}
    ana = by_name["Ana"]
    assert ana["contacts.1.phone"] == "'" + SECOND
    assert orjson.loads(ana["contacts.1.fields"]) == {"role": "CTO"}
    assert ana["contacts.2.phone"] == "'" + THIRD
    assert "contacts.3.phone" not in ana
    assert by_name["'" + EVIL]["contacts.1.phone"] == ""
    lines = await world.post("/v1/leads/export", {"format": "ndjson", "contacts": True})
    leads = [orjson.loads(line) for line in lines.content.splitlines()]
    (one,) = [lead for lead in leads if lead["name"] == "Ana"]
    assert [contact["phone"] for contact in one["contacts"]] == [SECOND, THIRD]
    assert (one["fields"]["age"], one["do_not_call"]) == (41, "")


async def test_no_cell_is_a_formula(world: World) -> None:
    rows = await exported(world, contacts="true")
    cells = [cell for row in rows for cell in row.values()]
    assert "'" + EVIL in cells
    assert not [one for one in cells if one.startswith(("=", "+", "-", "@", "\t", "＝", "＋"))]


async def test_numbers_that_must_not_be_called_are_marked_in_every_download(world: World) -> None:
    for number, scope, campaign in ((SECOND, "global", None), (FIRST, "campaign", SPRING)):
        entry = dnc.DncAdded(scope, campaign, reason="asked", number=number)
        await world.happen(named("dnc " + number), entry)
    rows = await exported(world, columns="lead_id", contacts="true")
    (row,) = [one for one in rows if one["lead_id"] == named("a")]
    marks = [row[name] for name in row if name.endswith("do_not_call")]
    assert marks == ["global", "", "campaign"]
    removed = dnc.DncRemoved("campaign", SPRING, reason="wrong number")
    await world.happen(named("dnc " + FIRST), removed)
    rows = await exported(world, columns="lead_id", filter="fields.age = 41")
    assert rows == [{"lead_id": named("a"), "do_not_call": ""}]


async def test_numbers_are_masked_for_who_must_not_see_them(world: World) -> None:
    for form in ("csv", "ndjson"):
        response = await world.get("/v1/leads/export", "auditor", contacts="true", format=form)
        assert "Ana" in response.text
        assert "151123456" not in response.text
    hidden = await world.get("/v1/leads/export", "auditor", sort="phone")
    assert hidden.status_code == 422


async def test_a_view_is_downloaded_with_its_filter_and_columns(world: World) -> None:
    view = named("adults")
    tree = {"op": "range", "field": "fields.age", "gte": 18}
    made = ViewCreated("Adults", named("admin"), filter=tree, columns=["name", "fields.age"])
    await world.happen(view, made)
    response = await world.get(f"/v1/views/{view}/export")
    assert table(response.text) == [{"name": "Ana", "fields.age": "41", "do_not_call": ""}]
    assert len(table((await world.get("/v1/views/all/export")).text)) == 3
    assert (await world.get(f"/v1/views/{view}/export", "agent")).status_code == 404


async def test_what_is_wrong_is_said_before_the_first_byte(world: World) -> None:
    for asked in ({"filter": "status ="}, {"columns": "nothing"}, {"limit": 3}, {"format": "xls"}):
        response = await world.get("/v1/leads/export", **asked)
        assert response.status_code == 422, asked
        assert response.headers["content-type"] == "application/problem+json"
    body = {"filter": {"op": "range", "field": "status", "gt": 3}}
    assert (await world.post("/v1/leads/export", body)).json()["errors"][0]["pointer"]
    assert (await world.client.get("/v1/leads/export")).status_code == 401


async def test_so_many_downloads_at_once_and_each_gives_its_place_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "AT_ONCE_MAX", 1)
    meanwhile: list[int] = []

    async def ask_too() -> None:
        meanwhile.append((await world.get("/v1/leads/export")).status_code)

    await read_with(world, ask_too)
    assert meanwhile == [429]
    for _ in range(3):
        assert (await world.get("/v1/leads/export", filter="status =")).status_code == 422
        assert (await world.get("/v1/leads/export")).status_code == 200


async def test_all_of_it_shows_one_moment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "LEADS_AT_ONCE", 1)

    async def change_all() -> None:
        for name in ("a", "b", "c"):
            await world.happen(named(name), events.LeadPriorityChanged(1))

    whole, text = await read_with(world, change_all)
    assert whole
    assert sorted(row["priority"] for row in table(text)) == ["5", "5", "9"]


async def test_who_may_see_less_from_now_on_gets_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "LEADS_AT_ONCE", 1)
    monkeypatch.setattr(export, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(auth, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(reading, "RECENT_SECONDS", -1.0)

    async def change_role() -> None:
        changed = UserChanged(named("inspector"), "agent", ())
        await world.happen(str(ORGANISATION_ID), changed)

    whole, text = await read_with(world, change_role, by="inspector")
    assert not whole
    assert len(table(text)) == 1


async def read_with(world: World, at_first: Any, by: str = "admin") -> tuple[bool, str]:
    """Download as a server would; do something once the first leads are there. Return whether the
    answer came to its end, and what came.
    """
    parts: list[bytes] = []
    whole = False
    done = False

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        nonlocal whole, done
        if message["type"] != "http.response.body":
            return
        parts.append(message.get("body", b""))
        whole = not message.get("more_body", False)
        if len(parts) == 2 and not done:
            done = True
            await at_first()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/v1/leads/export",
        "raw_path": b"/v1/leads/export",
        "root_path": "",
        "query_string": b"columns=lead_id,priority",
        "headers": [(b"authorization", f"Bearer {KEYS[by]}".encode())],
        "client": ("127.0.0.1", 1),
        "server": ("leads", 80),
    }
    await world.app(scope, receive, send)
    return whole, b"".join(parts).decode()
