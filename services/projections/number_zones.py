"""The zones of phone numbers by what they begin with, as a table that SQL can look into.

For the dial list: leads whose zones are closed are skipped without looking at them.
"""

from uuid import UUID
from zlib import crc32

import asyncpg

from schemas.number_zones import zones_by_prefix

BATCH = 20_000
_FILL = """
    insert into read.number_zone as z (prefix, zone, zones)
    select prefix, zone, string_to_array(zones, ',')
    from unnest($1::text[], $2::int[], $3::text[]) as n(prefix, zone, zones)
    on conflict (prefix) do update set zone = excluded.zone, zones = excluded.zones
      where z.zone <> excluded.zone
    returning 1
"""
_MEND = """
    with part as (
      select lead_id, zone, read.dial_zone(begins, own_zone) as known
      from read.lead_dial where lead_id > $1 order by lead_id limit $2
    ), mended as (
      update read.lead_dial d set zone = s.known from part s
      where d.lead_id = s.lead_id and s.zone <> s.known
    )
    select max(lead_id::text)::uuid from part
"""


def zone_key(zones: tuple[str, ...]) -> int:
    """Return the number that stands for these zones, the same in every version of the table."""
    return crc32(",".join(zones).encode()) & 0x7FFFFFFF


async def fill_number_zones(
    database: "asyncpg.Pool[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]",
) -> None:
    """Bring the table up to what this code knows, and after a change the leads it is about."""
    known = {prefix: zones for prefix, zones in zones_by_prefix().items() if zones}
    changed = await database.fetch(
        _FILL,
        list(known),
        [zone_key(zones) for zones in known.values()],
        [",".join(zones) for zones in known.values()],
    )
    last: UUID | None = UUID(int=0)
    while changed and last is not None:
        last = await database.fetchval(_MEND, last, BATCH)
