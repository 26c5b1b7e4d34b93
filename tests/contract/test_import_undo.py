"""An import is taken back: what it made is deleted, what it updated restored, others' work kept."""

from collections.abc import AsyncIterator

import pytest

from schemas.lead import LeadCreated, LeadDeleted, LeadFieldsChanged
from services.command.imports import work
from tests.contract.import_service import Imports, importing

FIRST = b"phone,age\n+14155550100,1\n+14155550101,2\n+14155550102,3\n"
SECOND = (
    b"phone,age,phone 2\n+14155550100,11,\n+14155550101,12,\n+14155550102,13,+14155550103\n"
    b"+14155550104,14,\n+14155550105,15,\n+14155550104,16,\nx,,\n"
)


@pytest.fixture
async def imports(database_url: str) -> AsyncIterator[Imports]:
    async with importing(database_url) as found:
        yield found


@pytest.mark.parametrize("rows", [1_000, 2])
async def test_undone_where_nobody_changed_the_lead_since(
    imports: Imports, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(work, "ROWS", rows)
    await imports.done(FIRST)
    second = await imports.done(SECOND, duplicates="update")
    assert (second["result"]["created"], second["result"]["updated"]) == (2, 4)
    one = second["id"]
    leads = {row["row"]: row["lead_id"] for row in await imports.report(one)}
    await imports.service.done(f"/v1/leads/{leads[3]}/update-fields", {"set": {"age": 99}})
    await imports.service.done(f"/v1/leads/{leads[6]}/add-note", {"text": "called us"})
    assert (await imports.ask(one, "undo", "auditor")).status_code == 403

    undone = await imports.undone(one)
    assert (undone["state"], undone["undo"]["rows"]) == (
        "undone", {"reversed": 2, "kept": 2, "refused": 1},
    )  # fmt: skip
    assert await imports.rows(one) == [
        (2, "reversed", []),  # updated, and so again
        (3, "kept", ["changed-since"]),
        (4, "refused", ["cannot-be-undone"]),  # a contact was added, which nothing takes away
        (5, "reversed", []),  # made, and updated by row 7
        (6, "kept", ["changed-since"]),
    ]
    states = {row: await imports.lead(lead) for row, lead in leads.items() if lead}
    assert [states[row].fields.get("age") for row in (2, 3, 4)] == [1, 99, 13]
    assert (states[5].deleted, states[6].deleted) == (True, False)
    kinds = [type(each.event) for each in await imports.told(one)]
    assert (kinds.count(LeadCreated), kinds.count(LeadDeleted)) == (2, 1)
    assert kinds[-2:] in (
        [LeadFieldsChanged, LeadDeleted], [LeadDeleted, LeadFieldsChanged],
    )  # fmt: skip
    again = await imports.ask(one, "undo")
    assert (again.status_code, again.json()["state"]) == (202, "undone")


async def test_after_an_undo_the_same_file_makes_its_leads_anew(imports: Imports) -> None:
    first = await imports.done(FIRST)
    assert (await imports.undone(first["id"]))["undo"]["rows"]["reversed"] == 3
    again = await imports.done(FIRST)
    assert (again["result"]["created"], again["earlier"]) == (3, [])
    old = {row["lead_id"] for row in await imports.report(first["id"])}
    assert old.isdisjoint({row["lead_id"] for row in await imports.report(again["id"])})


async def test_nothing_is_undone_before_the_end_or_where_nothing_was_done(
    imports: Imports,
) -> None:
    one = await imports.mapped(FIRST)
    answer = await imports.ask(one, "undo")
    assert answer.json()["errors"][0]["code"] == "import-not-finished"
    await imports.ran(one)
    again = await imports.done(FIRST)
    assert (await imports.ask(again["id"], "undo")).status_code == 409
    other = await imports.done(FIRST, by="team_leader", pool_id=again["pool_id"])
    assert (await imports.ask(other["id"], "undo", "team_leader")).status_code in (403, 409)
