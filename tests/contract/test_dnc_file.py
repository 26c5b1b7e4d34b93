"""Do-not-call entries by file: planned by the real decisions, done once, reported row by row."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from schemas.dnc import DncAdded, DncRemoved
from services.command.dnc_file import work
from services.command.dnc_file.lines import LINE_BYTES_MAX, Lines, layout_of
from services.command.dnc_file.work import FileWorker
from services.command.seen import Seen
from tests.contract.command_service import KEYS, USER_IDS, Service, running

PLACE = "/v1/do-not-call-files"
FILE = (
    b"\xef\xbb\xbfname;phone\r\nAnn;+14155550100\r\n\r\nBob;+14155550101\r\n"
    b"Cy;0415\r\nDi\r\nAnn;+14155550100"
)


class Desk:
    """A command service and a worker that works when told to."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.worker = FileWorker(service.commanding, service.clock)

    async def upload(self, raw: bytes, query: str, by: str = "admin", **headers: str) -> Any:
        sent = {"content-type": "text/csv", "authorization": f"Bearer {KEYS[by]}", **headers}
        return await self.service.client.post(f"{PLACE}?{query}", content=raw, headers=sent)

    async def work(self) -> None:
        while await self.worker.work.once(asyncio.Event()):
            pass

    async def get(self, path: str, by: str = "admin") -> Any:
        headers = {"authorization": f"Bearer {KEYS[by]}"}
        return await self.service.client.get(PLACE + path, headers=headers)

    async def file(self, file: str) -> Any:
        return (await self.get(f"/{file}")).json()

    async def planned(self, raw: bytes, query: str = "scope=global&reason=asked") -> Any:
        answer = await self.upload(raw, query)
        assert answer.status_code == 202, answer.text
        await self.work()
        return await self.file(answer.json()["id"])

    async def done(self, raw: bytes, query: str = "scope=global&reason=asked") -> Any:
        file = await self.planned(raw, query)
        await self.execute(file)
        return await self.file(file["id"])

    async def execute(self, file: Any) -> None:
        path, body = f"{PLACE}/{file['id']}/execute", {"digest": file["digest"]}
        answer = await self.service.post(path, body)
        assert answer.status_code == 202, answer.text
        await self.work()

    async def rows(self, file: Any, query: str = "") -> list[tuple[int, str, str]]:
        found, after = [], 0
        while True:
            page = (await self.get(f"/{file['id']}/rows?limit=2&after={after}{query}")).json()
            found += [(row["row"], row["outcome"], row["code"]) for row in page["rows"]]
            if page["next"] is None:
                return found
            after = page["next"]

    async def told(self) -> list[Any]:
        recorded = await self.service.commanding.log.read(0, 100_000)
        return [one for one in recorded if one.event.TOPIC.startswith("dnc.")]


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with running(database_url) as service:
        yield Desk(service)


def counts(accepted: int, there: int, refused: int, empty: int = 0) -> dict[str, int]:
    return {"accepted": accepted, "there": there, "refused": refused, "empty": empty}


async def test_a_file_is_planned_then_done_and_reported_row_by_row(desk: Desk) -> None:
    query = "scope=global&reason=asked&column=Phone"
    file = await desk.planned(FILE, query)
    assert (file["state"], file["plan"]) == ("planned", counts(2, 1, 2, 2))
    assert await desk.told() == []
    await desk.execute(file)
    file = await desk.file(file["id"])
    assert (file["state"], file["done"], file["reached"]) == ("done", file["plan"], 7)
    assert await desk.rows(file) == [
        (2, "accepted", ""), (4, "accepted", ""), (5, "refused", "phone-not-e164"),
        (6, "refused", "phone-not-e164"), (7, "there", ""),
    ]  # fmt: skip
    assert await desk.rows(file, "&outcome=refused") == [
        (5, "refused", "phone-not-e164"), (6, "refused", "phone-not-e164"),
    ]  # fmt: skip
    report = (await desk.get(f"/{file['id']}/rows.csv?outcome=refused")).text
    assert report.startswith("row,outcome,code,reason\r\n5,refused,phone-not-e164,")
    told = await desk.told()
    assert [one.event for one in told] == [
        DncAdded("global", reason="asked", number=number)
        for number in ("+14155550100", "+14155550101")
    ]
    assert {one.origin.actor for one in told} == {f"user:{USER_IDS['admin']}"}
    assert {one.origin.cause for one in told} == {f"file:{file['id']}"}


async def test_the_same_file_again_adds_nothing_and_keeps_no_number(desk: Desk) -> None:
    raw = b"+14155550100\n+14155550101\n"
    first, again = await desk.done(raw), await desk.done(raw)
    assert (first["done"], again["done"]) == (counts(2, 0, 0), counts(0, 2, 0))
    assert len(await desk.told()) == 2
    pool = desk.service.commanding.log.pool
    assert await pool.fetchval("select count(*) from job.dnc_file_parts") == 0
    assert await pool.fetchval("select count(*) from job.dnc_files where wrapped is not null") == 0
    assert "4155550" not in str([tuple(row) for row in await pool.fetch(
        "select * from job.dnc_file_rows")])  # fmt: skip


async def test_while_it_waits_the_file_is_encrypted(desk: Desk) -> None:
    await desk.planned(b"+14155550100\n")
    parts = await desk.service.commanding.log.pool.fetch("select body from job.dnc_file_parts")
    assert len(parts) == 1
    assert b"4155550" not in parts[0]["body"]


async def test_one_campaign_with_an_end_and_numbers_as_people_write_them(desk: Desk) -> None:
    campaign = await desk.service.campaign()
    query = (
        f"scope=campaign&campaign_id={campaign}&default_region=US"
        "&expires_at=2026-05-01T00:00:00Z&column=2"
    )
    file = await desk.done(b'"Ann, A.",(415) 555-0100\n', query)
    assert file["done"] == counts(1, 0, 0)
    (told,) = await desk.told()
    assert told.event == DncAdded("campaign", campaign, "", "2026-05-01T00:00:00Z", "+14155550100")
    refused = await desk.service.post(
        f"/v1/leads/{await desk.service.lead(campaign)}/start-call", {"call_id": "c"}
    )
    assert "do-not-call-campaign" in refused.text


async def test_lifting_by_file_takes_a_reason_and_the_right(desk: Desk) -> None:
    await desk.done(b"+14155550100\n")
    lift = "action=lift&scope=global"
    assert (await desk.upload(b"+14155550100\n", lift)).status_code == 422
    assert (await desk.upload(b"x", lift + "&reason=mistake", "team_leader")).status_code == 403
    file = await desk.done(b"+14155550100\n+14155550199\n", lift + "&reason=mistake")
    assert file["done"] == counts(1, 1, 0)
    assert isinstance((await desk.told())[-1].event, DncRemoved)


async def test_who_may_and_who_sees(desk: Desk) -> None:
    for by, status in (("agent", 403), ("auditor", 403), ("dialer", 403), ("team_leader", 202)):
        assert (await desk.upload(b"+14155550100\n", "scope=global", by)).status_code == status
    (file,) = (await desk.get("")).json()["files"]
    for rest in ("", "/rows", "/rows.csv"):
        assert (await desk.get(f"/{file['id']}{rest}", "agent")).status_code == 404, rest
    assert (await desk.get("", "agent")).json()["files"] == []
    assert (await desk.get(f"/{file['id']}", "auditor")).status_code == 200
    await desk.work()
    digest = (await desk.file(file["id"]))["digest"]
    path = f"{PLACE}/{file['id']}"
    assert (await desk.service.post(path + "/execute", {"digest": digest})).status_code == 403
    wrong = await desk.service.post(path + "/execute", {"digest": "0-0-0.0"}, "team_leader")
    assert wrong.status_code == 409
    assert (await desk.service.post(path + "/cancel", by="auditor")).status_code == 403
    assert (await desk.service.post(path + "/cancel")).status_code == 202
    await desk.work()
    late = await desk.service.post(path + "/execute", {"digest": digest}, "team_leader")
    assert late.status_code == 409
    assert (await desk.file(file["id"]))["state"] == "cancelled"
    assert await desk.told() == []


@pytest.mark.parametrize(
    ("raw", "query", "status"),
    [
        (b"+1", "scope=everywhere", 422),
        (b"+1", "", 422),
        (b"+1", "scope=campaign", 422),
        (b"+1", "scope=global&more=1", 422),
        (b"+1", "scope=global&scope=global", 422),
        (b"+1", "scope=campaign&campaign_id=01920000-0000-7000-8000-000000000099", 422),
        (b"a;b\n", "scope=global&column=phone", 422),
        (b"", "scope=global", 422),
        (b"\n\n", "scope=global", 422),
    ],
)
async def test_what_cannot_be_is_refused_and_leaves_nothing(
    desk: Desk, raw: bytes, query: str, status: int
) -> None:
    assert (await desk.upload(raw, query)).status_code == status
    assert (await desk.get("")).json()["files"] == []
    pool = desk.service.commanding.log.pool
    assert await pool.fetchval("select count(*) from job.dnc_file_parts") == 0


async def test_other_media_and_too_much_are_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = {"content-type": "application/json"}
    assert (await desk.upload(b"{}", "scope=global", **odd)).status_code == 415
    monkeypatch.setattr("services.command.dnc_file.routes.FILE_BYTES_MAX", 20)
    assert (await desk.upload(b"+14155550100\n" * 2, "scope=global")).status_code == 413

    async def slowly() -> AsyncIterator[bytes]:
        yield b"+14155550100\n"
        yield b"+14155550101\n"

    answer = await desk.upload(slowly(), "scope=global")  # type: ignore[arg-type]  # streamed
    assert answer.status_code == 413
    assert (await desk.get("")).json()["files"] == []


async def test_a_repeated_upload_is_one_file(desk: Desk) -> None:
    key = {"idempotency-key": "k1"}
    first = await desk.upload(b"+14155550100\n", "scope=global", **key)
    again = await desk.upload(b"+14155550100\n", "scope=global", **key)
    assert first.json()["id"] == again.json()["id"]


async def test_many_runs_repeats_far_apart_and_other_writers(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "ROWS", 7)
    numbers = [f"+1415555{number:04d}" for number in range(100, 130)]
    raw = "\n".join([*numbers, *numbers[:5]]).encode()
    file = await desk.planned(raw)
    assert file["plan"] == counts(30, 5, 0)
    one = {"number": numbers[0], "scope": "global", "reason": "asked"}
    await desk.service.done("/v1/do-not-call/add", one)
    await desk.execute(file)
    assert (await desk.file(file["id"]))["done"] == counts(29, 6, 0)
    assert len(await desk.told()) == 30


async def test_who_lost_the_right_carries_nothing_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await desk.upload(b"+14155550100\n", "scope=global", "team_leader")
    await desk.work()
    file = await desk.file(answer.json()["id"])
    await desk.service.done(
        "/v1/organisation/change-user", {"user": USER_IDS["team_leader"], "role": "auditor"}
    )
    monkeypatch.setattr("services.command.dnc_file.tables.FAULTS_MAX", 1)
    path, body = f"{PLACE}/{file['id']}/execute", {"digest": file["digest"]}
    assert (await desk.service.post(path, body, "team_leader")).status_code == 202
    await desk.work()
    stalled = await desk.file(file["id"])
    assert (stalled["state"], stalled["fault"]) == ("stalled", "PermissionError")
    assert await desk.told() == []


def test_lines_come_whole_however_the_bytes_are_cut() -> None:
    raw = '\ufeffa,1\r\n\n"x,y",2\nö'.encode() + b"\xff" + b"z" * (LINE_BYTES_MAX + 5) + b"\nend"
    for size in (1, 2, 7, 100_000):
        lines = Lines()
        found = [
            line for at in range(0, len(raw), size) for line in lines.feed(raw[at : at + size])
        ]
        found += lines.end()
        assert found[:3] == ["a,1", "", '"x,y",2'], size
        assert (len(found), found[-1]) == (5, "end")
        assert found[3].startswith("ö\ufffdz")
    layout = layout_of("+1;x", None)
    assert (layout.delimiter, layout.header, layout.cell("+2;y")) == (";", False, "+2")
    assert layout_of('"a","tel"', "TEL").cell('"x,y","+3"') == "+3"
    assert layout_of("a|b", "c").missing
    assert layout_of("phone", None).header


def test_seen_remembers_each_once() -> None:
    seen = Seen(100)
    assert 2 not in seen
    assert [seen.add(2 + value % 50) for value in range(100)] == [True] * 50 + [False] * 50
    assert [one in seen for one in (1, 2, 51, 52)] == [False, True, True, False]
