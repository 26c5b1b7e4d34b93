"""Any file of rows, imported twice, or stopped and gone on with: each row once, each lead once."""

import asyncio
from unittest.mock import patch

from hypothesis import given, settings
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
                        await imports.worker.work_once(asyncio.Event())
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
