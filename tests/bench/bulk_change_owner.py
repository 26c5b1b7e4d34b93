"""A hundred thousand leads with the histories of a real campaign get another owner, and back.

Planned, executed, undone by the bulk runner as a process of its own, whose memory is measured too.
"""

from services.command.handler import Commanding
from services.kit.clock import SystemClock
from tests.bench.bulk_work import SOUTH, make_leads, peak_mb, runner, select_all
from tests.bench.harness import Result, Stack
from tests.kit.event_logs import opened

LEADS = 100_000
EXECUTE, PLAN, UNDO, MEMORY_MB = 8_000, 15_000, 8_000, 250


async def run(stack: Stack) -> Result:
    """Measure plan, execution and undo."""
    database = await stack.database()
    async with opened(database.url, largest=8) as log:
        commanding = Commanding(log, SystemClock())
        await make_leads(commanding, LEADS)
        async with runner(database.url) as process:
            rates = await measured(commanding, database.owner_url)
            rates["memory, MB"] = peak_mb(process)
    held = (
        rates["execute"] >= EXECUTE
        and rates["plan"] >= PLAN
        and rates["undo"] >= UNDO
        and rates["memory, MB"] <= MEMORY_MB
    )
    target = f"≥ {EXECUTE:,} leads/s, plan ≥ {PLAN:,}, undo ≥ {UNDO:,}, ≤ {MEMORY_MB} MB"
    return Result("bulk-change-owner", rates.pop("execute"), "leads/s", target, held, detail=rates)


async def measured(commanding: Commanding, owner_url: str) -> dict[str, float]:
    """Plan, execute, and both again for the undo; return leads per second of each."""
    drive = await select_all(commanding, owner_url)
    rates: dict[str, float] = {}
    fields = {"owner": SOUTH}
    change, rates["plan"] = await drive.plan("ChangeOwner", fields)
    change, rates["execute"] = await drive.execute(change)
    assert change.done is not None
    assert change.done.applied == drive.count
    undo, rates["undo plan"] = await drive.plan("ChangeOwner", fields, undoes=change)
    undo, rates["undo"] = await drive.execute(undo)
    return rates
