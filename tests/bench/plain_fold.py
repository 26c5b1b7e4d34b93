"""The least a projection can do: events in memory, decoded and folded by one process, no rows
written.
"""

import time
from collections.abc import Sequence

from services.kit.codec import READ_EVENTS, StoredEvent
from services.kit.keys import KeyRing, MasterKey
from services.kit.postgres import connect_pool
from services.kit.settings import Settings
from services.projections.decoding import Decoder
from services.projections.model import ReadModel

EVENTS = 50_000
_READ = f"{READ_EVENTS} where type like 'lead.%' order by stream_id, version limit $1"


async def plain_fold(settings: Settings, models: Sequence[ReadModel]) -> float:
    """Return how many events a second are decoded and folded into all rows of these models."""
    pool = await connect_pool(settings.database_url, "leads_projections", largest=2)
    try:
        stored = [StoredEvent._make(row) for row in await pool.fetch(_READ, EVENTS)]
        decoder = Decoder(KeyRing(MasterKey(settings.master_key), pool))
        keys = await decoder.load_keys(stored)
    finally:
        await pool.close()
    streams: dict[object, list[StoredEvent]] = {}
    for one in stored:
        streams.setdefault(one.stream_id, []).append(one)
    began = time.perf_counter()
    for events in streams.values():
        recorded = decoder.decode_stream(events, keys)
        for model in models:
            model.advance(None, recorded)
    return len(stored) / (time.perf_counter() - began)
