"""Builds a past: the log up to a position, folded by the fold of the grid, into tables of its own.

`python -m services.query.pasts` builds the one that waits, in a process of its own, because folding
keeps a processor busy. It stops when the past is cancelled, when it is told to, or when whoever
started it is gone, and leaves no tables then.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from services.kit.codec import READ_EVENTS, StoredEvent
from services.kit.telemetry import logger
from services.projections.decoding import ERASING, Decoder
from services.projections.folding import failure_text
from services.projections.lead import MODEL
from services.projections.model import Row
from services.projections.streams import FIRST, streams_between
from services.projections.tables import Table, columns_of
from services.query.pasts import jobs
from services.query.pasts.jobs import Past

EVENTS_A_BEAT = 20_000

_MAKE = """
create table past.lead_{n} (like read.{source} including defaults including storage);
alter table past.lead_{n} enable row level security;
create policy everybody on past.lead_{n} for select using (true);
create policy in_sight on past.lead_{n} as restrictive for select to leads_sight using (
  (select true from read.lead now where now.lead_id = lead_{n}.lead_id) is not null);
"""
_FINISH = """
alter table past.lead_{n} add primary key (lead_id);
create index on past.lead_{n} (last_modified_at, lead_id);
create index on past.lead_{n} (owner, last_modified_at, lead_id);
create index on past.lead_{n} (next_dial_at, lead_id) where next_dial_at is not null;
create table past.lead_search_{n} as {search};
alter table past.lead_search_{n} add primary key (lead_id);
alter table past.lead_search_{n} enable row level security;
create policy everybody on past.lead_search_{n} for select using (true);
create policy in_sight on past.lead_search_{n} as restrictive for select to leads_sight using (
  (select true from read.lead now where now.lead_id = lead_search_{n}.lead_id) is not null);
create index on past.lead_search_{n} using gin (found public.gin_trgm_ops);
create view past.lead_due_{n} with (security_invoker = true) as
  select lead_id, next_dial_at from past.lead_{n} where next_dial_at is not null;
create view past.lead_calls_{n} with (security_invoker = true) as
  select lead_id, call_attempts, latest_call_at from past.lead_{n};
create view past.lead_log_{n} with (security_invoker = true) as
  select * from read.lead_log where position <= {position};
analyze past.lead_{n};
analyze past.lead_search_{n};
"""
_SEARCH = (
    "select lead_id, read.search_text(name, email, phone, whatsapp, contacts, fields) as found"
    " from past.lead_{n}"
)
_SOURCE = "select name || '_v' || generation from read.models where name = $1"
_ERASED = "select stream_id, destroyed_at from log.lead_keys where destroyed_at >= $1"

_ERASED_TO = """
    update job.pasts
       set erased_to = greatest(erased_to, $2::timestamptz + interval '1 microsecond')
     where number = $1
"""


class NotWanted(Exception):
    """The past was cancelled, or the process is to stop."""


async def build_waiting(
    pool: "asyncpg.Pool[asyncpg.Record]", decoder: Decoder, stop: asyncio.Event
) -> bool:
    """Build the past that waits, if any; say whether there was one.

    `pool` acts as leads_projections.
    """
    past = await jobs.claim(pool)
    if past is None:
        return False
    try:
        await _build(pool, decoder, past, stop)
        logger().info("past-ready", past=str(past.id), position=past.position)
    except NotWanted:
        await jobs.fail(pool, past.number, "interrupted")
    except Exception as error:
        await jobs.fail(pool, past.number, failure_text(error))
        raise
    finally:
        await jobs.clear_away(pool)
    return True


async def _build(
    pool: "asyncpg.Pool[asyncpg.Record]", decoder: Decoder, past: Past, stop: asyncio.Event
) -> None:
    events = leads = told = 0
    async with pool.acquire() as reader, pool.acquire() as writer:
        table = await _table(writer)
        await writer.execute(_MAKE.format(n=past.number, source=table.name))
        async with reader.transaction(isolation="repeatable_read", readonly=True):
            async for chunk in streams_between(reader, FIRST, None):
                rows = await _folded(decoder, chunk, past.position)
                leads += len(rows)
                events += sum(len(stored) for _, stored in chunk)
                if rows:
                    await _copy(writer, past.number, table, rows)
                if events - told >= EVENTS_A_BEAT:
                    told = events
                    await _go_on(pool, past, min(events, past.position), stop)
    await _go_on(pool, past, past.position, stop)
    search = _SEARCH.format(n=past.number)
    statements = _FINISH.format(n=past.number, position=past.position, search=search)
    for statement in statements.split(";\n"):
        if statement.strip():
            await pool.execute(statement)
            await _go_on(pool, past, past.position, stop)
    if not await jobs.make_ready(pool, past.number, past.position, leads):
        raise NotWanted


async def _go_on(
    pool: "asyncpg.Pool[asyncpg.Record]", past: Past, events: int, stop: asyncio.Event
) -> None:
    if stop.is_set() or not await jobs.beat(pool, past.number, events):
        raise NotWanted


async def _table(connection: Any) -> Table:
    """Return the table of leads in use: a past's has the same columns."""
    source = await connection.fetchval(_SOURCE, MODEL.name)
    return Table(MODEL, source, await columns_of(connection, source))


async def _copy(connection: Any, number: int, table: Table, rows: Sequence[Row]) -> None:
    await connection.copy_records_to_table(
        f"lead_{number}",
        records=table.records_of(rows),
        columns=table.copied,
        schema_name="past",
    )


async def _folded(decoder: Decoder, chunk: list[Any], position: int) -> list[Row]:
    """Return the rows of those of these streams that were leads at the position."""
    streams = []
    for _, stored in chunk:
        if not stored[0].type.startswith("lead."):
            continue
        known = [one for one in stored if one.position <= position]
        if not known:
            continue
        if any(one.type in ERASING for one in stored):
            decoder.forget(stored[0].stream_id)
        streams.append(known)
    keys = await decoder.load_keys(one for known in streams for one in known)
    rows = []
    for known in streams:
        row, _ = MODEL.advance(None, decoder.decode_stream(known, keys))
        assert row is not None
        rows.append(row)
    return rows


async def apply_erasures(pool: "asyncpg.Pool[asyncpg.Record]", decoder: Decoder) -> int:
    """Take away from all pasts that are read what was erased since they were built (rule 16).

    Return the number of rows. Several may do this at once.
    """
    done = 0
    for row in await pool.fetch(
        "select number, position, erased_to from job.pasts where state = 'ready'"
    ):
        number, position, since = row
        erased = await pool.fetch(_ERASED, since)
        if not erased:
            continue
        for stream_id, _ in erased:
            decoder.forget(stream_id)
            await _erase(pool, decoder, number, position, stream_id)
            done += 1
        # A little more than the last one: equal times are looked at again, which changes nothing.
        await pool.execute(_ERASED_TO, number, max(moment for _, moment in erased))
    return done


async def _erase(
    pool: "asyncpg.Pool[asyncpg.Record]",
    decoder: Decoder,
    number: int,
    position: int,
    stream_id: UUID,
) -> None:
    stored = [
        StoredEvent(*row)
        for row in await pool.fetch(
            READ_EVENTS + " where stream_id = $1 order by version", stream_id
        )
    ]
    rows = await _folded(decoder, [(stream_id, stored)], position) if stored else []
    async with pool.acquire() as connection, connection.transaction():
        for table in (f"lead_{number}", f"lead_search_{number}"):
            await connection.execute(
                f"delete from past.{table} where lead_id = $1",  # noqa: S608 - our names
                stream_id,
            )
        if not rows:
            return
        await _copy(connection, number, await _table(connection), rows)
        search = _SEARCH.format(n=number)
        await connection.execute(
            f"insert into past.lead_search_{number} {search} where lead_id = $1", stream_id
        )
