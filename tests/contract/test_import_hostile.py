"""Files as strangers send them: each is taken row by row, or refused in a sentence, never a 5xx."""

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest

from services.command.imports import uploading
from services.command.imports.reading import ROW_CHARS_MAX
from services.command.imports.routes import install_imports
from services.kit.http import create_app
from tests.contract.command_service import KEYS
from tests.contract.import_service import PLACE, Imports, importing
from tests.workbooks import sheet, workbook, worksheet

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
UNKNOWN = "01920000-0000-7000-8000-000000000099"


@pytest.fixture(scope="module")
def raw_table() -> list[list[str]]:
    return [["phone", "name", "city"], ["+14155550100", "Zoë; \n", "Łódź"], ["+14155550101"]]


@pytest.fixture
async def imports(database_url: str) -> AsyncIterator[Imports]:
    async with importing(database_url) as found:
        yield found


async def test_the_same_table_in_many_dresses_makes_the_same_leads(
    imports: Imports, raw_table: list[list[str]]
) -> None:
    def dressed(delimiter: str, end: str) -> str:
        return end.join(delimiter.join(f'"{cell}"' for cell in row) for row in raw_table)

    dresses = {
        "bom": b"\xef\xbb\xbf" + dressed(",", "\r\n").encode(),
        "semicolon": dressed(";", "\n").encode(),
        "pipe": dressed("|", "\r").encode(),
        "tab": dressed("\t", "\n").encode("utf-16"),
        "workbook": workbook(sheet(raw_table)),
    }
    for name, raw in dresses.items():
        imports.campaign = await imports.service.campaign(
            fields=[{"import_name": "city", "type": "text"}]
        )
        media = XLSX if name == "workbook" else "text/csv"
        answer = await imports.upload(raw, media=media)
        assert answer.status_code == 201, (name, answer.text)
        told = answer.json()
        assert (await imports.put(told["id"], told["proposal"]["settings"])).status_code == 200
        await imports.ran(told["id"])
        leads = [await imports.lead(row["lead_id"]) for row in await imports.report(told["id"])]
        told = [(one.phone, one.personal.get("name"), one.fields.get("city")) for one in leads]
        assert told == [("+14155550100", "Zoë;", "Łódź"), ("+14155550101", None, None)], name


async def test_rows_that_cannot_be_are_refused_and_take_none_along(imports: Imports) -> None:
    raw = (
        b"phone,name,age,age\n"
        b"+14155550100,Ann,1,1,more,cells\n"
        b"+14155550101\n"
        b"+14155550102,B\0b,2\n"
        b"+14155550103,C\xc3,3\n"
        b"+14155550104,\"open,4\n"
        b"+14155550105,D,1e999\n"
        b"+14155550106,E,99999999999999999999\n"
        b"4.91E+11,F,5\n"
        b"+14155550107," + b"g" * 5_000 + b",6\n"
        b"+14155550108," + b"h" * (ROW_CHARS_MAX + 1) + b",6\n"
        b"\"+14155550109\",=cmd(),7\n"
        + "+14155550110,Zoë Muñoz,8".encode()
    )  # fmt: skip
    done = await imports.done(raw)
    assert await imports.rows(done["id"]) == [
        (2, "created", []),
        (3, "created", []),
        (4, "refused", ["broken-characters"]),
        (5, "refused", ["broken-characters"]),
        (6, "refused", ["quote-not-closed"]),
        (7, "refused", ["field-not-number"]),
        (8, "refused", ["field-not-number"]),
        (9, "refused", ["phone-not-e164"]),
        (10, "refused", ["string-too-long"]),
        (11, "refused", ["row-too-long"]),
        (12, "created", []),
        (13, "created", []),
    ]


async def test_files_that_are_none_are_refused_and_leave_nothing(imports: Imports) -> None:
    bomb = workbook(worksheet(" " * 70_000_000))
    whole = workbook(sheet([["phone"]]))
    for raw, query, media, status in [
        (b"", "", "text/csv", 422),
        (b"\r\n \n", "", "text/csv", 422),
        (b"x" * 3, "", "application/json", 415),
        (gzip.compress(b"phone\n"), "", "text/csv", 422),
        (b"\xd0\xcf\x11\xe0 old", "", XLSX, 422),
        (b"PK\x03\x04 no archive", "", XLSX, 422),
        (bomb, "", XLSX, 422),
        (whole, "&sheet=Third", XLSX, 422),
        (b"phone\n", "&sheet=First", "text/csv", 422),
        (b"phone\n", "&encoding=klingon", "text/csv", 422),
        (b"phone\n", "&more=1", "text/csv", 422),
    ]:
        answer = await imports.upload(raw, query, media=media)
        assert answer.status_code == status, (raw[:20], answer.text)
    imports.campaign = UNKNOWN
    assert (await imports.upload(b"phone\n")).status_code == 422
    assert (await imports.get("")).json()["imports"] == []
    pool = imports.service.commanding.log.pool
    assert await pool.fetchval("select count(*) from job.import_parts") == 0
    assert await pool.fetchval("select count(*) from job.imports") == 0


async def test_a_header_alone_one_column_and_no_header(imports: Imports) -> None:
    alone = await imports.done(b"phone\n")
    assert alone["result"] == dict.fromkeys(alone["result"], 0)
    answer = (await imports.upload(b"+14155550100\n+14155550101\n")).json()
    assert (answer["proposal"]["header"], answer["proposal"]["settings"]) == (False, None)
    one = answer["id"]
    settings = {"columns": [{"column": 1, "field": "phone"}], "header": False}
    assert (await imports.put(one, settings)).status_code == 200
    done = await imports.ran(one)
    assert done["result"]["created"] == 2
    again = (await imports.get(f"/{one}/columns")).status_code
    assert again == 409  # its file is gone


async def test_a_wrong_guess_is_put_right(imports: Imports) -> None:
    raw = "phone,name\n+14155550100,Łukasz\n".encode("windows-1250")
    one = (await imports.upload(raw)).json()
    assert one["proposal"]["encoding"] == "windows-1252"
    path = f"/{one['id']}/columns?encoding=windows-1250&delimiter=,&header=true"
    proposal = (await imports.get(path)).json()
    assert proposal["first_rows"] == [["+14155550100", "Łukasz"]]
    assert (await imports.put(one["id"], proposal["settings"])).status_code == 200
    done = await imports.ran(one["id"])
    lead = await imports.lead((await imports.report(done["id"]))[0]["lead_id"])
    assert lead.personal["name"] == "Łukasz"
    odd = await imports.get(f"/{one['id']}/columns?delimiter=%22")
    assert odd.status_code == 409


async def test_settings_that_no_row_could_be_imported_with_are_refused_whole(
    imports: Imports,
) -> None:
    one = (await imports.upload(b"phone,name\n")).json()["id"]
    wrong = {
        "columns": [{"column": 1, "field": "name"}, {"column": 2, "field": "shoe"}],
        "owner": f"team:{UNKNOWN}", "pool_id": UNKNOWN, "status": "odd",
    }  # fmt: skip
    answer = await imports.put(one, wrong)
    assert answer.status_code == 422
    assert {error["code"] for error in answer.json()["errors"]} == {
        "unknown-field", "unreachable", "unknown-pool", "unknown-owner", "unknown-status",
    }  # fmt: skip
    assert (await imports.shown(one))["settings"] is None
    bodies: tuple[dict[str, object], ...] = (
        {},
        {"columns": []},
        {"columns": [{"column": "1", "field": "phone"}]},
    )
    for body in bodies:
        assert (await imports.put(one, body)).status_code == 422


async def test_too_large_is_said_at_once_or_while_it_comes(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"+14155550100\n" * 30

    service, app = imports.service, create_app("small")
    install_imports(app, service.commanding, service.authenticator, service.clock, limit=1_000)
    headers = {"authorization": f"Bearer {KEYS['admin']}", "content-type": "text/csv"}
    path = f"{PLACE}?campaign_id={imports.campaign}"
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://leads") as client:
        answer = await client.post(path, content=slowly(), headers=headers)
        assert answer.status_code == 413
        told = {**headers, "content-length": "1001"}
        answer = await client.post(path, content=b"x", headers=told)
        assert answer.status_code == 413
    monkeypatch.setattr(uploading, "WORKBOOK_BYTES_MAX", 100)
    answer = await imports.upload(workbook(sheet([["phone"]])), media=XLSX)
    assert answer.status_code == 413
    assert (await imports.get("")).json()["imports"] == []


async def test_a_repeated_upload_is_one_import(imports: Imports) -> None:
    first = await imports.upload(b"phone\n+14155550100\n", idempotency_key="k1")
    again = await imports.upload(b"phone\n+14155550100\n", idempotency_key="k1")
    assert (first.json()["id"], again.status_code) == (again.json()["id"], 201)


async def test_what_is_not_there_is_not_found(imports: Imports) -> None:
    for path in ("x", UNKNOWN, UNKNOWN.upper()):
        for rest in ("", "/rows", "/rows.csv", "/refused.csv", "/columns"):
            assert (await imports.get(f"/{path}{rest}")).status_code == 404
        for verb in ("run", "preview", "cancel", "undo"):
            assert (await imports.ask(path, verb)).status_code == 404
    one = await imports.mapped(b"phone\n+14155550100\n")
    for query in ("step=x", "outcome=x", "limit=0", "after=-1", "more=1"):
        assert (await imports.get(f"/{one}/rows?{query}")).status_code == 422
    assert (await imports.get(f"/{one}/refused.csv")).status_code == 409
