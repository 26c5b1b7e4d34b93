"""From stored bytes to facts, with the keys that a batch needs, however many they are."""

from schemas.lead import LeadDeleted
from services.kit.keys import KeyRing
from services.projections.decoding import Decoder
from services.projections.rebuild import rebuild
from tests.kit.event_logs import MASTER, opened
from tests.read_models.working import SECRET, Story, assert_equal_to_log, rows, settled, working


async def test_a_batch_of_more_leads_than_the_ring_holds_keeps_their_data(
    database_url: str,
) -> None:
    """Otherwise leads that live would read as erased."""
    async with opened(database_url) as log:
        story = Story(log)
        leads = await story.leads(9)
        await story.tell((leads[4], LeadDeleted("asked")))
        stored = await log.read_raw(0, 100)
        decoder = Decoder(KeyRing(MASTER, log.pool, most=2))
        read = await decoder.decode(stored)
    assert [one.stream_id for one in read if one.erased] == [leads[4]]
    numbers = {one.stream_id: vars(one.event).get("phone") for one in read if one.version == 1}
    assert [lead for lead in leads if numbers[lead] is None] == [leads[4]]


async def test_a_worker_with_few_keys_at_hand_writes_every_number(database_url: str) -> None:
    async with opened(database_url) as log:
        await Story(log).leads(30, calls=2)
        async with working(database_url, keys_kept=3):
            await settled(log)
        numbers = "select count(*) from read.lead where phone is not null"
        assert await rows(database_url, numbers) == [(30,)]
        await assert_equal_to_log(database_url)
        await rebuild("lead", database_url, SECRET)
        assert await rows(database_url, numbers) == [(30,)]
