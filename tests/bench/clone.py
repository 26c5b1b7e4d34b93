"""Twenty thousand leads with the histories of a real campaign are cloned into another campaign.

By the bulk runner: of every lead a new stream with personal fields of its own, its duplicate key
claimed, its numbers noted, in one transaction with the event on the source.
"""

from services.command.domain.campaign.commands import ActivateCampaign, CopyCampaign
from services.command.facts_loader import Order
from services.command.handler import Commanding
from services.kit.auth import Principal
from services.kit.clock import SystemClock
from services.kit.ids import new_id
from services.local.sample_data import CAMPAIGN
from tests.bench.bulk_work import ACTOR, make_leads, peak_mb, runner, select_all
from tests.bench.harness import Result, Stack, reached
from tests.kit.event_logs import opened

LEADS = 20_000
TARGET = 4_000


async def run(stack: Stack) -> Result:
    """Measure plan and execution."""
    database = await stack.database()
    rates: dict[str, float] = {}
    async with opened(database.url, largest=8) as log:
        commanding = Commanding(log, SystemClock())
        await make_leads(commanding, LEADS)
        target = str(await _target(commanding))
        async with runner(database.url) as process:
            drive = await select_all(commanding, database.owner_url)
            fields = {"target_campaign_id": target, "duplicate_search": "everywhere"}
            job, rates["plan, every campaign searched"] = await drive.plan("CloneLead", fields)
            job, rates["plan"] = await drive.plan("CloneLead", {"target_campaign_id": target})
            job, rate = await drive.execute(job)
            rates["memory, MB"] = peak_mb(process)
    assert job.done is not None
    assert job.done.applied == drive.count
    return reached("clone", rate, "leads/s", TARGET, rates)


async def _target(commanding: Commanding) -> object:
    """Make a campaign with the same template, and leave it on."""
    nobody, campaign = Principal("", ""), new_id()
    copy = CopyCampaign(campaign_id=str(CAMPAIGN), name="Second round")
    await commanding.handle(Order(copy, nobody, campaign, ACTOR))
    await commanding.handle(Order(ActivateCampaign(), nobody, campaign, ACTOR))
    return campaign
