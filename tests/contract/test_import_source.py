"""A connected source pushes leads, in batches, with keys of its own: each row at most once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from schemas.lead import LeadCreated
from schemas.pool import PoolCreated
from tests.contract.command_service import SOUTH, TOP, USER_IDS
from tests.contract.import_service import FIELDS, Imports, importing

PLACE = "/v1/imports/rows"


@pytest.fixture
async def imports(database_url: str) -> AsyncIterator[Imports]:
    async with importing(database_url) as found:
        right = {"user": USER_IDS["agent"], "rights": ["lead_pools"]}
        await found.service.done("/v1/organisation/change-user", right)
        code = {"owner": SOUTH, "ownership_code": "south"}
        await found.service.done("/v1/organisation/set-ownership-code", code)
        yield found


async def push(imports: Imports, *rows: tuple[str, dict[str, Any]], **more: Any) -> Any:
    body = {
        "campaign_id": imports.campaign,
        "source": "leadsforce",
        "rows": [{"key": key, "fields": fields} for key, fields in rows],
        **more,
    }
    by = body.pop("by", "agent")
    return await imports.service.post(PLACE, body, by)


def outcomes(answer: Any) -> list[tuple[str, str, list[str]]]:
    assert answer.status_code == 200, answer.text
    return [
        (row["key"], row["outcome"], [reason["code"] for reason in row["reasons"]])
        for row in answer.json()["rows"]
    ]


ANN = ("a1", {"phone": "+14155550100", "name": "Ann", "age": 44})
BOB = ("b 2", {"phone": "+14155550101", "system:ownership_code": "", "job": None})
BAD = ("c3", {"phone": "0415", "age": True})


async def test_rows_of_a_source_become_leads_and_each_is_answered(imports: Imports) -> None:
    answer = await push(imports, ANN, BOB, BAD, ownership_code="south")
    assert outcomes(answer) == [
        ("a1", "created", []), ("b 2", "created", []),
        ("c3", "refused", ["phone-not-e164", "field-not-number"]),
    ]  # fmt: skip
    told = answer.json()
    assert told["counts"] == {"created": 2, "refused": 1}
    lead = await imports.lead(told["rows"][0]["lead_id"])
    assert (lead.owner, lead.source, lead.pool_id) == (SOUTH, "api", told["pool_id"])
    assert (lead.personal["name"], lead.fields) == ("Ann", {"age": 44, "job": "clerk"})
    recorded = await imports.service.commanding.log.read(0, 10_000)
    made = [each for each in recorded if each.origin.cause == "source:leadsforce"]
    assert [type(each.event) for each in made] == [LeadCreated, LeadCreated]
    assert {each.origin.actor for each in made} == {f"user:{USER_IDS['agent']}"}
    (begun,) = await imports.service.events(told["pool_id"])
    assert isinstance(begun, PoolCreated)
    assert (begun.name, begun.source) == ("leadsforce 2026-03-02", "api")


async def test_what_comes_again_is_known_by_its_key_and_makes_nothing(imports: Imports) -> None:
    first = await push(imports, ANN, BAD)
    head = await imports.service.commanding.log.head()
    again = await push(imports, ANN, ("a1x", {"phone": "+14155550100"}))
    assert outcomes(again) == [
        ("a1", "unchanged", ["unchanged"]),
        ("a1x", "skipped", ["duplicate"]),
    ]
    ann = first.json()["rows"][0]["lead_id"]
    assert [row["lead_id"] for row in again.json()["rows"]] == [ann, ann]
    assert await imports.service.commanding.log.head() == head
    mended = await push(imports, ("c3", {"phone": "+14155550102"}))
    assert outcomes(mended) == [("c3", "created", [])]
    update = ("a1y", {"phone": "+14155550100", "age": 45})
    assert outcomes(await push(imports, update, duplicates="update")) == [("a1y", "updated", [])]
    assert (await imports.lead(ann)).fields["age"] == 45


async def test_who_was_erased_does_not_come_back_under_the_same_key(imports: Imports) -> None:
    ann = (await push(imports, ANN)).json()["rows"][0]["lead_id"]
    await imports.service.done(f"/v1/leads/{ann}/delete")
    assert outcomes(await push(imports, ANN)) == [("a1", "unchanged", ["unchanged"])]
    assert (await imports.lead(ann)).deleted


async def test_two_batches_at_once_make_one_lead_a_row(imports: Imports) -> None:
    rows = [(f"k{number}", {"phone": f"+1415555{number:04d}"}) for number in range(100, 130)]
    answers = await asyncio.gather(*(push(imports, *rows) for _ in range(4)))
    told = [outcomes(answer) for answer in answers]
    assert sum(row[1] == "created" for one in told for row in one) == 30
    assert {row[1] for one in told for row in one} <= {"created", "unchanged"}
    assert len({row["lead_id"] for answer in answers for row in answer.json()["rows"]}) == 30


async def test_another_campaign_has_rows_of_its_own(imports: Imports) -> None:
    first = (await push(imports, ANN)).json()["rows"][0]["lead_id"]
    imports.campaign = await imports.service.campaign(fields=FIELDS)
    other = await push(imports, ANN)
    assert outcomes(other) == [("a1", "created", [])]
    assert other.json()["rows"][0]["lead_id"] != first
    assert (await imports.lead(first)).owner == TOP


async def test_who_may_push_and_what_is_no_batch(imports: Imports) -> None:
    for by, status in (("agent_south", 403), ("dialer", 403), ("auditor", 403), ("admin", 200)):
        assert (await push(imports, ANN, by=by)).status_code == status, by
    wrong: list[tuple[Any, dict[str, Any]]] = [
        ((), {}),
        ((ANN, ANN), {}),
        ((("k", {}),), {}),
        ([(f"k{row}", {f"f{row}-{one}": "" for one in range(200)}) for row in range(3)], {}),
        ((("", {"phone": "+14155550100"}),), {}),
        ((("k", {"shoe": 1}),), {}),
        ((("k", {"phone": "a\0b"}),), {}),
        ((("k", {"phone": "+14155550100"}),) * 2, {}),
        ((ANN,), {"source": "two words"}),
        ((ANN,), {"campaign_id": "01920000-0000-7000-8000-000000000099"}),
        ((ANN,), {"more": 1}),
        ([(f"k{number}", {}) for number in range(1_001)], {}),
    ]
    for rows, more in wrong:
        assert (await push(imports, *rows, **more)).status_code == 422, (rows[:2], more)
    odd = await push(
        imports, ("k", {"age": 1}), ("l", {}), ("m", {"phone": 14155550100, "age": 1.5e14}),
        ("n", {"phone": "+14155550199", "system:priority": True}),
    )  # fmt: skip
    assert outcomes(odd) == [
        ("k", "refused", ["unreachable"]), ("l", "blank", []),
        ("m", "refused", ["phone-not-e164"]), ("n", "refused", ["int-type"]),
    ]  # fmt: skip
