"""Exports as jobs, from the question to the file: one moment, the sight of their asker, and gone in
time.
"""

import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.kit.ids import new_id
from services.query.exports import files, writing
from tests.contract.command_service import SOUTH, TOP, USER_IDS
from tests.contract.export_service import Exports, exporting

PHONES = ("+14155550151", "+14155550152", "+14155550153")
READY = {"op": "equals", "field": "fields.age", "value": 41}


@pytest.fixture
async def exports(database_url: str) -> AsyncIterator[Exports]:
    async with exporting(database_url) as exports:
        yield exports


async def three(exports: Exports) -> list[str]:
    """Three leads: of North, of the top team, of South."""
    campaign = await exports.service.campaign()
    made = []
    first: dict[str, Any] = {"fields": {"age": 41, "name": "=SUM(1)"}}
    for phone, more in zip(PHONES, (first, {"owner": TOP}, {"owner": SOUTH}), strict=True):
        made.append(await exports.service.lead(campaign, phone=phone, **more))
    return made


def table(texts: dict[str, str]) -> list[dict[str, str]]:
    (text,) = (text for name, text in texts.items() if name.endswith(".csv"))
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def codes(exports: Exports, path: str, by: str = "admin") -> list[str]:
    answer = await exports.take(path, by)
    assert answer.status_code in (403, 404, 409), answer.text
    return [one["code"] for one in answer.json().get("errors", ())]


async def test_a_file_holds_what_was_asked_for_and_says_what_it_is(exports: Exports) -> None:
    leads = await three(exports)
    asked: dict[str, Any] = {
        "filter": READY,
        "columns": ["lead_id", "name", "phone"],
        "name": "Forty-one",
    }
    export = await exports.asked(**asked)
    before = await exports.shown(export)
    assert (before["state"], before["filter"], before["progress"]) == ("requested", READY, None)
    assert await exports.write() == 1
    shown = await exports.shown(export)
    assert (shown["state"], shown["leads"], shown["by"]) == ("finished", 1, USER_IDS["admin"])
    texts = await exports.file(export)
    (row,) = table(texts)
    assert row == {
        "lead_id": leads[0], "name": "'=SUM(1)", "phone": "'" + PHONES[0], "do_not_call": "",
    }  # fmt: skip
    about = texts["about.txt"]
    for line in ("name:      Forty-one", "leads:     1", f"position:  {shown['shown']}",
                 f"asked by:  user:{USER_IDS['admin']}", "fields.age = 41"):  # fmt: skip
        assert line in about
    assert (await exports.shown(export))["downloads"] == 1
    answer = await exports.take(f"/v1/exports/{export}/file")
    assert (len(answer.content), answer.headers["leads-position"]) == (
        shown["size"], str(shown["shown"]),
    )  # fmt: skip
    again = await exports.done(format="ndjson", columns=["lead_id"], contacts=True)
    lines = next(text for name, text in (await exports.file(again)).items() if "ndjson" in name)
    assert len(lines.splitlines()) == 3
    assert await exports.write() == 0


async def test_everybody_takes_out_what_they_see_and_no_number_they_do_not(
    exports: Exports,
) -> None:
    lead, *_ = await three(exports)
    auditor = {"user": USER_IDS["auditor"], "rights": []}
    await exports.service.done("/v1/organisation/change-user", auditor)
    for by, seen in (("admin", 3), ("agent", 2), ("team_leader", 1), ("auditor", 3)):
        export = await exports.done(by, columns=["lead_id", "phone"])
        rows = table(await exports.file(export, by))
        assert len(rows) == seen, by
        hidden = [row for row in rows if "•" in row["phone"]]
        assert len(hidden) == (3 if by == "auditor" else 0)
        assert lead in {row["lead_id"] for row in rows}
    by_phone = {"op": "equals", "field": "phone", "value": PHONES[0]}
    hidden_field = await exports.done("auditor", filter=by_phone)
    failed = await exports.shown(hidden_field, "auditor")
    assert (failed["state"], failed["code"]) == ("failed", "not-usable")
    assert failed["filter"]["value"] == "••••••••••51"


async def test_who_sees_which_exports(exports: Exports) -> None:
    mine = await exports.done("agent", columns=["lead_id"])
    for by, status in (("agent", 200), ("agent_south", 404), ("admin", 200), ("auditor", 200)):
        assert (await exports.read(f"/v1/exports/{mine}", by)).status_code == status, by
    assert await codes(exports, f"/v1/exports/{mine}/file", "admin") == ["not-your-export"]
    assert await codes(exports, f"/v1/exports/{mine}/file", "agent_south") == []
    assert await codes(exports, f"/v1/exports/{new_id()}/file") == []
    assert (await exports.take(f"/v1/exports/{mine}/file", "")).status_code == 401
    other = await exports.done("agent_south", columns=["lead_id"])
    listed = (await exports.read("/v1/exports", "agent")).json()["exports"]
    assert [one["id"] for one in listed] == [mine]
    assert (await exports.read("/v1/exports", "agent", whose="all")).status_code == 403
    first = (await exports.read("/v1/exports", "auditor", whose="all", limit=1)).json()
    rest = (await exports.read("/v1/exports", "auditor", whose="all", cursor=first["next"])).json()
    assert [one["id"] for one in first["exports"] + rest["exports"]] == [other, mine]
    failed = await exports.read("/v1/exports", "agent", state="failed")
    assert failed.json()["exports"] == []


async def test_a_filter_that_cannot_be_used_takes_out_nothing(exports: Exports) -> None:
    await three(exports)
    unknown = {"op": "equals", "field": "fields.nothing", "value": 1}
    for asked in (
        {"filter": {"op": "and", "of": [READY, unknown]}},
        {"columns": ["no_such_column"]},
        {"sort": [{"field": "nothing"}]},
    ):
        export = await exports.done(**asked)
        shown = await exports.shown(export)
        assert (shown["state"], shown["code"], shown["size"]) == ("failed", "not-usable", None)
        assert "there is no" in shown["detail"]
        assert await codes(exports, f"/v1/exports/{export}/file") == ["file-gone"]


async def test_an_export_that_is_cancelled_is_not_written_and_its_file_goes(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    await three(exports)
    monkeypatch.setattr(writing, "LEADS_AT_ONCE", 1)
    monkeypatch.setattr(writing, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(writing, "PIECE_BYTES", 1)
    export = await exports.asked()
    go_on = files.go_on
    begun: list[Any] = []

    async def then_cancelled(connection: Any, file: Any, *far: int) -> None:
        if begun == [export]:
            await exports.service.done(f"/v1/exports/{export}/cancel")
            await exports.shown(export)
        begun.append(str(file.job.id))
        await go_on(connection, file, *far)

    monkeypatch.setattr(files, "go_on", then_cancelled)
    assert await exports.write() == 1
    assert len(begun) == 2, "it stopped at the first look"
    assert (await exports.shown(export))["state"] == "cancelled"
    monkeypatch.setattr(files, "go_on", go_on)
    ready = await exports.done()
    await exports.service.done(f"/v1/exports/{ready}/cancel")
    assert await codes(exports, f"/v1/exports/{ready}/file") == ["file-gone"]
    await exports.clerk.step()
    assert await kept(exports) == 0


async def kept(exports: Exports) -> int:
    """How many pieces of files there are."""
    pool = exports.service.commanding.log.pool
    return int(await pool.fetchval("select count(*) from job.export_pieces"))


async def test_a_file_goes_after_a_day_with_its_asker_and_with_a_lead_that_is_erased(
    exports: Exports,
) -> None:
    leads = await three(exports)
    clock = exports.service.clock
    old = await exports.done()
    clock.at += timedelta(hours=24)
    assert await codes(exports, f"/v1/exports/{old}/file") == ["file-gone"]
    await exports.clerk.step()
    assert (await exports.shown(old))["code"] == "expired"

    agents = await exports.done("agent", columns=["lead_id"])
    left = {"user": USER_IDS["agent"]}
    await exports.service.done("/v1/organisation/deactivate-user", left)
    await exports.clerk.step()
    assert (await exports.shown(agents))["code"] == "asker-inactive"

    with_lead = await exports.done(filter=READY)
    without = await exports.done(filter={"op": "not", "of": READY})
    await exports.service.done(f"/v1/leads/{leads[0]}/delete", {"reason": "asked for it"})
    # At once, before anybody has looked; and the file goes with the next look.
    assert await codes(exports, f"/v1/exports/{with_lead}/file") == ["file-gone"]
    await exports.clerk.step()
    assert (await exports.shown(with_lead))["code"] == "lead-erased"
    assert len(table(await exports.file(without))) == 2
    assert await kept(exports) == 1


async def test_erasing_a_number_takes_exports_that_hold_or_look_for_it(exports: Exports) -> None:
    await three(exports)
    with_number = await exports.done()
    looking = await exports.done(filter={"op": "equals", "field": "phone", "value": "+14155550199"})
    for number in (PHONES[1], "+14155550199"):
        body = {"number": number, "reason": "asked for it"}
        await exports.service.done("/v1/do-not-call/erase-number", body)
    await exports.clerk.step()
    assert (await exports.shown(with_number))["code"] == "lead-erased"
    shown = await exports.shown(looking)
    assert (shown["state"], shown["filter"], shown["code"]) == ("removed", None, "filter-erased")
    assert await kept(exports) == 0


async def test_beside_running_commands_a_file_shows_one_moment(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads = await three(exports)
    monkeypatch.setattr(writing, "LEADS_AT_ONCE", 1)
    monkeypatch.setattr(writing, "PIECE_BYTES", 1)
    asked: dict[str, Any] = {"columns": ["lead_id", "priority"], "sort": [{"field": "lead_id"}]}
    export = await exports.asked(**asked)
    put, changed = files.put, list[str]()

    async def amid_changes(*given: Any) -> None:
        if not changed:
            campaign = await exports.service.campaign(name="Later")
            changed.append(await exports.service.lead(campaign, phone=exports.service.phone()))
            for lead in leads:
                await exports.service.done(f"/v1/leads/{lead}/set-priority", {"priority": 9})
            await exports.shown(export)
        await put(*given)

    monkeypatch.setattr(files, "put", amid_changes)
    head = await exports.service.commanding.log.head()
    await exports.write()
    assert (await exports.shown(export))["shown"] == head
    rows = table(await exports.file(export))
    assert [row["lead_id"] for row in rows] == sorted(leads)
    assert {row["priority"] for row in rows} == {"5"}
    later = table(await exports.file(await exports.done(**asked)))
    assert len(later) == 4
    assert sorted(row["priority"] for row in later) == ["5", "9", "9", "9"]


async def test_a_writer_that_died_leaves_nothing_that_counts(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    await three(exports)
    monkeypatch.setattr(writing, "LEADS_AT_ONCE", 1)
    monkeypatch.setattr(writing, "PIECE_BYTES", 1)
    export = await exports.asked(columns=["lead_id"])
    put, pieces = files.put, 0

    async def dies(*given: Any) -> None:
        nonlocal pieces
        pieces += 1
        await put(*given)
        if pieces == 2:
            raise ConnectionError

    monkeypatch.setattr(files, "put", dies)
    assert await exports.write() == 2
    assert len(table(await exports.file(export))) == 3
    pool = exports.service.commanding.log.pool
    assert await pool.fetchval("select count(distinct turn) from job.export_pieces") == 1


async def test_a_person_keeps_so_many_and_no_more(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "KEPT_MAX", 2)
    found = [await exports.done(columns=["lead_id"]) for _ in range(3)]
    states = [(await exports.shown(one))["state"] for one in found]
    assert states == ["finished", "finished", "failed"]
    assert (await exports.shown(found[2]))["code"] == "too-many-exports"
    await exports.service.done(f"/v1/exports/{found[0]}/cancel")
    assert (await exports.shown(await exports.done()))["state"] == "finished"


async def test_the_log_tells_who_took_which_leads_out(exports: Exports) -> None:
    await three(exports)
    export = await exports.done("agent", columns=["lead_id"])
    await exports.file(export, "agent")
    recorded = (await exports.service.commanding.log.load([UUID(export)]))[UUID(export)]
    told = [(one.event.TOPIC, one.origin.actor) for one in recorded]
    agent = f"user:{USER_IDS['agent']}"
    assert told == [
        ("export.requested", agent),
        ("export.finished", "service:exports"),
        ("export.downloaded", agent),
    ]


async def test_what_is_no_export_is_refused_and_changes_nothing(exports: Exports) -> None:
    lead = (await three(exports))[0]
    post = exports.service.post
    for body in ({"format": "xlsx"}, {"columns": "name"}, {"filter": {"op": "x"}}, {"no": 1}):
        assert (await post("/v1/exports", body)).status_code == 422, body
    for export in (lead, new_id()):
        assert (await post(f"/v1/exports/{export}/cancel")).status_code == 404
        assert (await exports.take(f"/v1/exports/{export}/file")).status_code == 404
        assert (await exports.read(f"/v1/exports/{export}")).status_code == 404
    assert (await exports.read("/v1/exports", cursor="made-up")).status_code == 422
    assert (await exports.read("/v1/exports")).json()["exports"] == []
