"""Rule 16 in what imports keep: files that wait, refused rows; again after a kill, with nothing."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.command.hashes import dnc_stream
from services.command.imports.erasing import ImportErasing, NumberFinder
from tests.contract.import_service import Imports, importing
from tests.kit.event_logs import MASTER

GONE = "+14155550177"
FILE = b"phone,name,age\n+14155550177,Ann,old\n+14155550102,Bob,old\n+14155550103,Cy,3\n"


@pytest.fixture
async def imports(database_url: str) -> AsyncIterator[Imports]:
    async with importing(database_url) as found:
        yield found


async def erase(imports: Imports, number: str = GONE) -> None:
    erased = {"number": number, "reason": "asked"}
    await imports.service.done("/v1/do-not-call/erase-number", erased)


async def swept(imports: Imports, sweeper: ImportErasing | None = None) -> None:
    await (sweeper or ImportErasing(imports.service.commanding)).sweep()
    await imports.work()


async def kept(imports: Imports) -> list[int]:
    """How many keys, parts of files, and runs with refused rows are kept."""
    pool = imports.service.commanding.log.pool
    return [
        await pool.fetchval(f"select count(*) from job.{what}")
        for what in (
            "imports where wrapped is not null",
            "import_parts",
            "import_rows where cells is not null",
        )
    ]


async def outcomes(imports: Imports, one: str) -> list[tuple[str, list[str]]]:
    return [(outcome, codes) for _, outcome, codes in await imports.rows(one)]


async def test_a_waiting_file_goes_with_a_number_in_it(imports: Imports) -> None:
    one = await imports.mapped(FILE)
    await imports.previewed(one)
    other = await imports.mapped(FILE.replace(b"0177", b"0178"))
    await swept(imports)
    assert await kept(imports) == [2, 2, 1]
    await erase(imports)
    await swept(imports)
    shown = await imports.shown(one)
    assert (shown["state"], shown["cancelled"], shown["cancelled_for"]) == (
        "finished", True, "number-erased",
    )  # fmt: skip
    assert await kept(imports) == [1, 1, 0]
    refused = await imports.get(f"/{one}/refused.csv")
    assert refused.status_code == 404
    assert (await imports.ask(one, "run")).status_code == 409
    assert (await imports.ran(other))["result"]["created"] == 1
    # What came after the erasure is no business of it, until it is asked for again.
    again = await imports.mapped(FILE)
    await swept(imports)
    assert not (await imports.shown(again))["cancelled"]
    await erase(imports)
    await swept(imports)
    assert (await imports.shown(again))["cancelled_for"] == "number-erased"


async def test_refused_rows_go_with_a_number_in_them(imports: Imports) -> None:
    one = await imports.mapped(FILE)
    await imports.previewed(one)
    done = await imports.ran(one)
    assert done["result"]["refused"] == 2
    await erase(imports)
    sweeper = ImportErasing(imports.service.commanding)
    for _ in range(2):
        await swept(imports, sweeper)
        assert await outcomes(imports, one) == [
            ("erased", ["erased"]), ("refused", ["field-not-number"]), ("created", []),
        ]  # fmt: skip
        told = (await imports.get(f"/{one}/refused.csv")).text
        assert ("0177" in told, "Ann" in told, "+14155550102,Bob" in told) == (False, False, True)
        assert [row["row"] for row in await imports.report(one, "&outcome=erased")] == [2]
        assert (await outcomes(imports, one))[0] == ("erased", ["erased"])
    plan = await imports.report(one, "&step=plan")
    assert [row["outcome"] for row in plan] == ["erased", "refused", "created"]
    await erase(imports, "+14155550102")
    await swept(imports)
    assert (await kept(imports))[2] == 0


@pytest.mark.parametrize("how", ["delete", "anonymise"])
async def test_refused_rows_go_with_the_lead_they_were_about(imports: Imports, how: str) -> None:
    raw = b"phone,age\n+14155550177,1\n+14155550178,1\n"
    first = await imports.done(raw)
    lead = (await imports.report(first["id"]))[0]["lead_id"]
    second = (await imports.done(raw.replace(b",1", b",old"), duplicates="update"))["id"]
    assert [row[0] for row in await outcomes(imports, second)] == ["refused", "refused"]
    await imports.service.done(f"/v1/leads/{lead}/{how}", {"reason": "asked"})
    await swept(imports)
    assert [row[0] for row in await outcomes(imports, second)] == ["erased", "refused"]
    told = (await imports.get(f"/{second}/refused.csv")).text
    assert ("0177" in told, "0178" in told) == (False, True)


async def test_a_kill_in_between_is_made_good(
    imports: Imports, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await imports.mapped(FILE)
    await erase(imports)
    sweeper = ImportErasing(imports.service.commanding)

    async def killed(_: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(sweeper.tables, "forget_file", killed)
    with pytest.raises(ConnectionError):
        await sweeper.sweep()
    assert (await kept(imports))[:2] == [1, 1]
    await swept(imports)
    assert (await kept(imports))[:2] == [0, 0]
    assert (await imports.shown(one))["cancelled_for"] == "number-erased"


@pytest.mark.parametrize(
    ("text", "region", "stands"),
    [
        ("x," + GONE, None, True),
        ("x;14155550177;y", None, True),
        ("+1 (415) 555-0177", None, True),
        ("0014155550177", None, True),
        ("call (415) 555-0177 mornings", "US", True),
        ("4155550177", None, False),
        ("4155550177", "US", True),
        ("+141555501770,+1415555017", "US", False),
        ("2026-11-27,12.5,", "US", False),
    ],
)
def test_numbers_are_found_however_they_are_written(
    text: str, region: str | None, stands: bool
) -> None:
    numbers = frozenset({dnc_stream(MASTER, GONE)})
    assert NumberFinder(MASTER, numbers, region).holds(text) is stands
