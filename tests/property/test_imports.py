"""Any file of rows, imported twice, or stopped and gone on with: each row once, each lead once; and
what a preview says of it.
"""

import asyncio
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.command.imports import work
from services.kit import failpoints
from tests.contract.import_service import Imports, importing

CELLS = st.sampled_from(
    ["+14155550100", "+14155550101", "+14155550102", "+14155550103", "0415", "", '"x\ny"', "\ufffd"]
)
AGES = st.sampled_from(["1", "2", "old", ""])
ROWS = st.lists(st.tuples(CELLS, AGES), min_size=1, max_size=14)


async def outcomes(imports: Imports, one: str) -> list[tuple[int, str]]:
    return [(row["row"], row["outcome"]) for row in await imports.report(one)]


@settings(max_examples=15)
@given(ROWS, st.sampled_from(["skip", "update", "replace"]), st.integers(1, 5), st.integers(1, 6))
def test_a_file_is_imported_once_however_often_it_is_stopped_or_sent(
    database_url: str, rows: list[tuple[str, str]], duplicates: str, size: int, stop_at: int
) -> None:
    raw = "\n".join(["phone,age", *(",".join(row) for row in rows)]).encode()

    async def story() -> None:
        async with importing(database_url) as imports:
            with patch.object(work, "ROWS", 1_000):
                whole = await imports.done(raw, duplicates=duplicates)
            log = imports.service.commanding.log
            imports.campaign = await imports.service.campaign(
                fields=[{"import_name": "age", "type": "number"}]
            )
            one = await imports.mapped(raw, duplicates=duplicates)
            assert (await imports.ask(one, "run")).status_code == 202
            with patch.object(work, "ROWS", size):
                plan = {"imports.after_append": ("raise", stop_at)}
                with patch.object(failpoints, "_plan", plan):
                    try:
                        await imports.worker.work.once(asyncio.Event())
                    except failpoints.FailpointHit:
                        await log.pool.execute("update job.imports set lease_until = '-infinity'")
                await imports.work()
            done = await imports.shown(one)
            assert done["result"] == whole["result"]
            assert await outcomes(imports, one) == await outcomes(imports, whole["id"])
            made = [each for each in await imports.told(one) if each.version == 1]
            assert len(made) == done["result"]["created"]
            head = await log.head()
            again = await imports.done(raw, duplicates=duplicates)
            assert again["result"]["created"] == again["result"]["updated"] == 0
            recorded = await log.read(head, 1_000)
            assert {each.event.category() for each in recorded} == {"import"}

    asyncio.run(story())


FEW = st.sampled_from(["+14155550100", "+14155550101", "+14155550102", "0415", ""])
REPEATING = st.lists(st.tuples(FEW, AGES, FEW), min_size=3, max_size=12)


@settings(max_examples=12)
@given(REPEATING, REPEATING, st.sampled_from(["skip", "update", "replace"]), st.integers(1, 4))
@example(
    [("+14155550100", "1", "")], [("+14155550100", age, "") for age in ("2", "1", "1")], "update", 1
)
def test_a_run_comes_to_what_its_preview_said(
    database_url: str,
    there: list[tuple[str, str, str]],
    rows: list[tuple[str, str, str]],
    duplicates: str,
    size: int,
) -> None:
    def csv(rows: list[tuple[str, str, str]]) -> bytes:
        return "\n".join(["phone,age,phone 2", *(",".join(row) for row in rows)]).encode()

    async def story() -> None:
        async with importing(database_url) as imports:
            imports.campaign = await imports.service.campaign(
                fields=[{"import_name": "age", "type": "number"}]
            )
            await imports.done(csv(there[:2]))
            with patch.object(work, "ROWS", size):
                one = await imports.mapped(csv(rows), duplicates=duplicates)
                previewed = await imports.previewed(one)
                said = await imports.rows(one)
                done = await imports.ran(one)
            assert await imports.rows(one) == said
            counted = {name: count for name, count in done["result"].items() if count}
            assert previewed["preview"]["rows"] == counted

    asyncio.run(story())
