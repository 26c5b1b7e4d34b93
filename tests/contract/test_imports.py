"""Files of leads: proposed, mapped, previewed by the real decisions, done once, told row by row."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from schemas.lead import LeadCreated
from services.command.first_start import team_id
from services.command.imports import work
from services.command.imports.tables import ImportRow, ImportTables
from tests.contract.command_service import NORTH, SOUTH, TOP, USER_IDS
from tests.contract.import_service import Imports, importing

FILE = (
    b"Mobile,Name,Age,City,Job,Owner code,Note\r\n"
    b'+14155550100,"Ann, A.",44,Lisbon,baker,,x\r\n'
    b"+14155550101,Bob,,,,,\r\n"
    b",,,,,,\r\n"
    b"0415,Cy,old,,king,nobody,\r\n"
    b"+14155550100,Ann again,45,Porto,,,\r\n"
)


@pytest.fixture
async def imports(database_url: str) -> AsyncIterator[Imports]:
    async with importing(database_url) as found:
        yield found


def counts(**rows: int) -> dict[str, int]:
    names = ("created", "updated", "unchanged", "skipped", "refused", "blank")
    return dict.fromkeys(names, 0) | rows


EXPECTED = [
    (2, "created", []),
    (3, "created", []),
    (4, "blank", []),
    (5, "refused", ["unknown-ownership-code", "phone-not-e164", "field-not-number",
                    "field-not-picklist"]),
    (6, "skipped", ["duplicate"]),
]  # fmt: skip


async def test_a_file_becomes_leads_and_every_row_is_told(imports: Imports) -> None:
    answer = await imports.upload(FILE, "&file_name=march.csv")
    assert answer.status_code == 201, answer.text
    told = answer.json()
    columns = told["proposal"]["columns"]
    assert [one["field"] for one in columns] == [
        "phone", "name", "age", "town", "job", "system:ownership_code", None,
    ]  # fmt: skip
    assert told["proposal"]["first_rows"][0][:2] == ["+14155550100", "Ann, A."]
    assert (told["state"], told["file_name"], told["bytes"]) == ("open", "march.csv", len(FILE))
    one = told["id"]
    assert (await imports.ask(one, "run")).status_code == 409  # not mapped yet
    assert (await imports.put(one, told["proposal"]["settings"])).status_code == 200

    expected = counts(created=2, skipped=1, refused=1, blank=1)
    previewed = await imports.previewed(one)
    assert (previewed["previewed"], previewed["preview"]["rows"]) == (True, {
        name: count for name, count in expected.items() if count})  # fmt: skip
    assert await imports.rows(one) == EXPECTED
    assert await imports.told(one) == []

    done = await imports.ran(one)
    assert (done["state"], done["result"], done["progress"]["reached"]) == ("finished", expected, 6)
    assert await imports.rows(one) == EXPECTED
    events = await imports.told(one)
    assert [type(each.event) for each in events] == [LeadCreated, LeadCreated]
    assert {each.origin.actor for each in events} == {f"user:{USER_IDS['admin']}"}
    report = await imports.report(one)
    assert report[0]["lead_id"] == report[4]["lead_id"] == str(events[0].stream_id)
    first = events[0].event
    assert (first.phone, first.personal_fields, first.fields) == (
        "+14155550100", {"name": "Ann, A."}, {"age": 44, "town": "Lisbon", "job": "baker"},
    )  # fmt: skip
    assert (first.source, first.owner, first.pool_id) == ("upload", TOP, done["pool_id"])
    assert events[1].event.fields == {"job": "clerk"}
    pool = await imports.service.events(done["pool_id"])
    assert [each.name for each in pool] == ["march"]  # type: ignore[attr-defined]  # PoolCreated
    csv = (await imports.get(f"/{one}/rows.csv?outcome=created")).text.splitlines()
    assert csv[1] == f"2,created,{events[0].stream_id},,"


async def test_the_same_file_again_adds_nothing_and_says_so(imports: Imports) -> None:
    first = await imports.done(FILE)
    before = await imports.service.commanding.log.head()
    again = await imports.mapped(FILE)
    assert (await imports.shown(again))["earlier"] == [first["id"]]
    assert (await imports.previewed(again))["preview"]["rows"]["unchanged"] == 3
    second = await imports.ran(again)
    assert second["result"] == counts(unchanged=3, refused=1, blank=1)
    assert second["pool_id"] == first["pool_id"]
    assert [row["lead_id"] for row in await imports.report(again)] == [
        row["lead_id"] for row in await imports.report(first["id"])
    ]
    recorded = await imports.service.commanding.log.read(before, 1_000)
    assert {each.event.category() for each in recorded} == {"import"}


async def test_what_was_refused_is_tried_again_when_the_file_comes_again(imports: Imports) -> None:
    await imports.done(b"phone,code\n+14155550100,x9\n+14155550101,\n", duplicates="update")
    code = {"owner": SOUTH, "ownership_code": "x9"}
    raw = b"phone,ownership code\n+14155550100,x9\n+14155550101,\n"
    first = await imports.done(raw)
    assert first["result"] == counts(skipped=2)
    raw = b"phone,ownership code\n+14155550102,x9\n+14155550103,\n"
    first = await imports.done(raw)
    assert first["result"] == counts(created=1, refused=1)
    await imports.service.done("/v1/organisation/set-ownership-code", code)
    second = await imports.done(raw)
    assert second["result"] == counts(created=1, unchanged=1)
    lead = await imports.lead((await imports.report(second["id"]))[0]["lead_id"])
    assert lead.owner == SOUTH


async def test_doubles_are_updated_or_replaced_as_asked(imports: Imports) -> None:
    await imports.done(FILE)
    raw = b"phone,name,age,city\n+14155550100,,45,\n+14155550101,Bob,,\n+14155550107,Di,,\n"
    updated = await imports.done(raw, duplicates="update")
    assert updated["result"] == counts(updated=1, unchanged=1, created=1)
    ann = (await imports.report(updated["id"]))[0]["lead_id"]
    lead = await imports.lead(ann)
    assert (lead.personal["name"], lead.fields["age"], lead.fields["town"]) == (
        "Ann, A.", 45, "Lisbon",
    )  # fmt: skip
    replaced = await imports.done(raw, duplicates="replace")
    assert replaced["result"] == counts(updated=1, unchanged=2)
    lead = await imports.lead(ann)
    assert ("name" in lead.personal, lead.fields) == (False, {"age": 45, "job": "baker"})


async def test_a_row_is_decided_on_what_the_rows_before_it_leave(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = b"phone,age,phone 2\n" + b"".join(
        b"+1415555%04d,%d,+1415555%04d\n" % (100 + turn % 3, turn, 200 + turn) for turn in range(9)
    )
    for rows in (1_000, 2):
        monkeypatch.setattr(work, "ROWS", rows)
        imports.campaign = await imports.service.campaign()
        done = await imports.done(raw, duplicates="update")
        assert done["result"] == counts(created=3, updated=6)
        leads = [await imports.lead(row["lead_id"]) for row in await imports.report(done["id"])]
        assert [(lead.fields["age"], len(lead.contacts)) for lead in leads[:3]] == [
            (6, 3), (7, 3), (8, 3),
        ]  # fmt: skip


async def test_owners_pools_contacts_and_what_a_row_says_of_its_lead(imports: Imports) -> None:
    pool = {"campaign_id": imports.campaign, "name": "Mine"}
    made = (await imports.service.done("/v1/pools", pool))["id"]
    code = {"owner": SOUTH, "ownership_code": "s1"}
    await imports.service.done("/v1/organisation/set-ownership-code", code)
    raw = (
        b"Phone;First name;Last name;Phone 2;Ownership code;Priority;Status;Valid until\n"
        b"(415) 555-0100;Ann;Ash;415 555 0101;s1;9;ready;2027-01-01T00:00:00Z\n"
        b"(415) 555-0102;;Bo;;;;;\n"
        b"(415) 555-0103;;;4155550103;;12;;tomorrow\n"
    )
    done = await imports.done(raw, default_region="US", owner=NORTH, pool_id=made)
    assert (done["result"], done["pool_id"]) == (counts(created=2, refused=1), made)
    report = await imports.report(done["id"])
    ann, bo = [await imports.lead(row["lead_id"]) for row in report[:2]]
    assert (ann.owner, ann.priority, ann.status, ann.active_until) == (
        SOUTH, 9, "ready", "2027-01-01T00:00:00Z",
    )  # fmt: skip
    assert (ann.personal["name"], [one.phone for one in ann.contacts]) == (
        "Ann Ash", ["+14155550101"],
    )  # fmt: skip
    assert (bo.owner, bo.priority, bo.status, bo.pool_id) == (NORTH, 5, "created", made)
    assert {reason["field"] for reason in report[2]["reasons"]} == {"priority", "active_until"}


async def test_who_imports_and_whose_leads_they_may_make(imports: Imports) -> None:
    for by, status in (("agent", 403), ("auditor", 403), ("dialer", 403), ("team_leader", 201)):
        assert (await imports.upload(FILE, by=by)).status_code == status, by
    raw = b"phone,ownership code\n+14155550100,\n"
    refused = await imports.upload(raw, by="team_leader")
    settings = refused.json()["proposal"]["settings"]
    one = refused.json()["id"]
    assert (await imports.put(one, {**settings, "owner": SOUTH}, "team_leader")).status_code == 403
    assert (await imports.put(one, {**settings, "owner": NORTH}, "team_leader")).status_code == 200
    new_pool = await imports.ask(one, "run", "team_leader")
    assert new_pool.status_code == 403
    pool = {"campaign_id": imports.campaign, "name": "Theirs"}
    made = (await imports.service.done("/v1/pools", pool))["id"]
    done = await imports.done(raw, by="team_leader", owner=NORTH, pool_id=made)
    assert done["result"] == counts(created=1)
    # A lead of another team's is not theirs to update.
    await imports.service.lead(imports.campaign, phone="+14155550101", owner=SOUTH)
    raw = b"phone,age\n+14155550101,3\n"
    done = await imports.done(raw, by="team_leader", duplicates="update", pool_id=made)
    assert await imports.rows(done["id"], by="team_leader") == [
        (2, "refused", ["lead-out-of-reach"])
    ]
    right = {"user": USER_IDS["agent"], "rights": ["lead_pools"]}
    await imports.service.done("/v1/organisation/change-user", right)
    done = await imports.done(b"phone\n+14155550109\n", by="agent")
    assert done["result"] == counts(created=1)


async def test_who_sees_an_import_and_what_stands_in_its_file(imports: Imports) -> None:
    one = await imports.mapped(FILE, by="team_leader")
    for by, status in (("team_leader", 200), ("admin", 200), ("auditor", 200), ("agent", 404)):
        assert (await imports.get(f"/{one}", by)).status_code == status, by
        listed = (await imports.get("", by)).json()["imports"]
        assert bool(listed) == (status == 200), by
    for rest in ("/columns", "/rows", "/rows.csv", "/refused.csv"):
        assert (await imports.get(f"/{one}{rest}", "agent")).status_code == 404, rest
    assert (await imports.get(f"/{one}/columns")).status_code == 403
    assert (await imports.get(f"/{one}/refused.csv")).status_code == 403
    assert (await imports.ask(one, "run")).status_code == 403
    assert (await imports.ask(one, "preview")).status_code == 403
    assert (await imports.put(one, {"columns": []})).status_code == 403
    assert (await imports.ask(one, "cancel", "auditor")).status_code == 409
    assert (await imports.ask(one, "cancel")).status_code == 202
    await imports.work()
    assert (await imports.shown(one))["state"] == "finished"
    assert (await imports.ask(one, "run", "team_leader")).status_code == 409


async def test_refused_rows_come_back_as_they_were_with_their_reasons(imports: Imports) -> None:
    raw = b"phone,name,remark\n+14155550100,Zo\xc3\xab,x\n0415,=Cy,a\n\xff,Di,b\n"
    one = await imports.mapped(raw)
    await imports.previewed(one)
    expected = (
        "row,codes,reasons,phone,name,remark\r\n"
        '3,phone-not-e164,"Write the number in international form without spaces, like '
        "'+14155550100.\",0415,'=Cy,a\r\n"
    ).replace("'+1", "+1")
    assert (await imports.get(f"/{one}/refused.csv")).text.startswith(
        expected.replace(",phone,name,remark", "")
    )
    await imports.ran(one)
    told = (await imports.get(f"/{one}/refused.csv")).text
    assert told.startswith(expected)
    assert told.splitlines()[2].startswith("4,broken-characters,")
    assert told.splitlines()[2].endswith(",?,Di,b")


async def test_nothing_of_the_file_stands_anywhere_in_clear(imports: Imports) -> None:
    pool = imports.service.commanding.log.pool
    raw = FILE.replace(b"nobody", b"+14155550177")
    one = await imports.mapped(raw)
    await imports.previewed(one)
    await imports.ran(one)
    tables = ("imports", "import_parts", "import_rows")
    rows = [str([tuple(row) for row in await pool.fetch(f"select * from job.{one}")])
            for one in tables]  # fmt: skip
    planted = ("4155550101", "4155550177", "Ann", "0415,", "march")
    assert not [text for text in rows if any(one in text for one in planted)]
    assert await pool.fetchval("select count(*) from job.import_parts") == 0
    assert await pool.fetchval("select count(*) from job.imports where wrapped is null") == 0
    clean = await imports.done(b"phone\n+14155550155\n")
    assert await pool.fetchval(
        "select wrapped is null from job.imports where id = $1", clean["id"]
    )  # nothing was refused, so nothing is kept
    await pool.execute("update job.imports set file_until = now() - interval '1 s'")
    await imports.worker.clear()
    assert await pool.fetchval("select count(*) from job.imports where wrapped is not null") == 0
    assert await pool.fetchval("select count(*) from job.import_rows where cells is not null") == 0
    assert (await imports.get(f"/{one}/refused.csv")).status_code == 404


async def test_what_has_just_ended_tells_all_at_once(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sees the end asks no more, so nothing may come after it."""
    one = await imports.mapped(b"phone\n+14155550155\n0415\n")
    let_go = imports.worker.tables.let_file_go
    seen = []

    async def asked_before(row: ImportRow) -> None:
        seen.append(await imports.shown(one))
        await let_go(row)

    monkeypatch.setattr(imports.worker.tables, "let_file_go", asked_before)
    after = await imports.ran(one)
    (before,) = seen
    assert (before["state"], before["result"]) == ("finished", after["result"])
    assert before["progress"] == after["progress"]
    assert before["file_until"] is not None
    assert before["file_until"] <= after["file_until"]


async def test_an_import_is_told_as_its_state_was_or_later(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await imports.mapped(b"phone\n+14155550155\n")
    assert (await imports.ask(one, "run")).status_code == 202
    find = ImportTables.find

    async def ends_after(tables: ImportTables, sought: UUID) -> ImportRow | None:
        found = await find(tables, sought)
        monkeypatch.setattr(ImportTables, "find", find)
        await imports.work()
        return found

    monkeypatch.setattr(ImportTables, "find", ends_after)
    told = await imports.shown(one)
    assert (told["state"], told["progress"]["rows"]["created"]) == ("finished", 1)


async def test_a_file_nobody_imports_is_dropped_after_a_week(imports: Imports) -> None:
    one = await imports.mapped(FILE)
    pool = imports.service.commanding.log.pool
    await pool.execute("update job.imports set updated_at = now() - interval '8 days'")
    await imports.worker.clear()
    await imports.work()
    assert (await imports.shown(one))["cancelled"]
    assert await pool.fetchval("select count(*) from job.import_parts") == 0


async def test_who_lost_the_right_carries_nothing_out(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await imports.mapped(FILE, by="team_leader")
    pool = {"campaign_id": imports.campaign, "name": "Theirs"}
    made = (await imports.service.done("/v1/pools", pool))["id"]
    settings = (await imports.shown(one))["settings"]
    await imports.put(one, {**settings, "pool_id": made}, "team_leader")
    assert (await imports.ask(one, "run", "team_leader")).status_code == 202
    await imports.service.done(
        "/v1/organisation/change-user", {"user": USER_IDS["team_leader"], "role": "agent"}
    )
    monkeypatch.setattr("services.command.imports.tables.FAULTS_MAX", 1)
    await imports.work()
    shown = await imports.shown(one)
    assert (shown["stalled"], shown["fault"]) == (True, "Unauthorised")
    assert await imports.told(one) == []


async def test_cancelled_in_the_middle_what_is_done_stays(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "ROWS", 5)
    raw = b"phone\n" + b"".join(b"+1415555%04d\n" % number for number in range(100, 150))
    one = await imports.mapped(raw)
    noted = ImportWorkerNoted(imports, one)
    monkeypatch.setattr(imports.worker.tables, "store", noted.store)
    done = await imports.ran(one)
    assert (done["state"], done["cancelled"]) == ("finished", True)
    made = done["result"]["created"]
    assert 0 < made < 50
    assert (
        len(await imports.told(one))
        == made
        == len([row for row in await imports.rows(one) if row[1] == "created"])
    )


class ImportWorkerNoted:
    """Cancels an import when its third run is noted."""

    def __init__(self, imports: Imports, one: str) -> None:
        self._imports, self._one = imports, one
        self._store = imports.worker.tables.store
        self._times = 0

    async def store(self, *given: object) -> None:
        self._times += 1
        if self._times == 3:
            assert (await self._imports.ask(self._one, "cancel")).status_code == 202
        await self._store(*given)  # type: ignore[arg-type]  # as they came


async def test_others_at_the_same_leads_and_a_campaign_that_changes(imports: Imports) -> None:
    one = await imports.mapped(b"phone,age\n+14155550100,1\n+14155550101,2\n", duplicates="update")
    decide = work._Rows.decide
    calls = 0

    async def beside(run: work._Rows, *given: object) -> object:
        nonlocal calls
        calls += 1
        decided = await decide(run, *given)  # type: ignore[arg-type]  # as they came
        if calls == 1:
            await imports.service.lead(imports.campaign, phone="+14155550100")
        return decided

    work._Rows.decide = beside  # type: ignore[method-assign,assignment]  # to come in between
    try:
        done = await imports.ran(one)
    finally:
        work._Rows.decide = decide  # type: ignore[method-assign]  # as it was
    assert calls == 2
    assert done["result"] == counts(created=1, updated=1)


async def test_a_team_that_leads_belong_to_is_named(imports: Imports) -> None:
    done = await imports.done(b"phone\n+14155550100\n", owner=f"team:{team_id('North')}")
    lead = await imports.lead((await imports.report(done["id"]))[0]["lead_id"])
    assert lead.owner == NORTH
