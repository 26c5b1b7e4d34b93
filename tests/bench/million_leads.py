"""A million leads with names, numbers, fields and a log, made inside the database in minutes.

Two connections do it at once, one for each core.

Deterministic: lead n is the same in every run. Spread like a call centre's: few campaigns, some
hundred owners, most leads open, a Zipf-like number of calls.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import asyncpg

CAMPAIGNS = 8
TEAMS = 20
AGENTS = 200

_LEADS = """
insert into read.lead_v1 ({columns})
select {values}
from (
  select n,
    ('01980000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as id,
    (hashint8(n)::int8 + 2147483648) as a,
    (hashint8(n + 1000000007)::int8 + 2147483648) as b,
    (hashint8(n + 2000000014)::int8 + 2147483648) as c
  from generate_series($1::int8, $2::int8) n
) s,
lateral (select $3::timestamptz - (a % 7776000) * interval '1 second' as changed) t
"""
_OWNER = (
    "case when a % 10 < 3 then 'team:' || read_bench.uuid_of('team', (b % 20)::int)"
    " else 'user:' || read_bench.uuid_of('agent', (b % 200)::int) end"
)
_STATUS = (
    "(array['ready','created','no_answer','callback','automatic_redial','not_interested',"
    "'success','max_call_attempts','unqualified','paused'])"
    "[1 + floor(10 * power((c % 1000) / 1000.0, 1.7))::int]"
)
_VALUES: dict[str, str] = {
    "lead_id": "id",
    "version": "1 + (b % 12)::int",
    "position": "n",
    "campaign_id": "read_bench.uuid_of('campaign', (a % 8)::int)",
    "pool_id": "read_bench.uuid_of('pool', (a % 400)::int)",
    "segment_id": "case when c % 5 = 0 then read_bench.uuid_of('segment', (a % 40)::int) end",
    "source": "'upload'",
    "owner": _OWNER,
    "original_owner": _OWNER,
    "status": _STATUS,
    "active": "c % 20 <> 0",
    "suppressed": "c % 97 = 0",
    "priority": "1 + (c % 10)::int",
    "passes": "(b % 8)::int",
    "call_attempts": "(b % 8)::int",
    "contact_attempts": "(b % 5)::int",
    "contact_sessions": "'[]'",
    "talk_seconds": "(c % 900)::int",
    "next_dial_at": "case when c % 3 > 0 then $3::timestamptz"
    " + (b % 1209600 - 604800) * interval '1 second' end",
    "latest_call_at": "case when b % 8 > 0 then changed - interval '1 minute' end",
    "latest_call_by": "case when b % 8 > 0 then read_bench.uuid_of('agent', (c % 200)::int) end",
    "latest_end_cause": "case when b % 8 > 0 then"
    " (array['NoResponse','Busy','NormalDisconnect','VoiceMail'])[1 + (a % 4)::int] end",
    "user_processed_by": "case when c % 4 = 0 then read_bench.uuid_of('agent', (c % 200)::int) end",
    "user_processed_at": "case when c % 4 = 0 then changed end",
    "uploaded_by": "'user:' || read_bench.uuid_of('agent', 0)",
    "uploaded_at": "$3::timestamptz - interval '120 days' + (n % 90) * interval '1 day'",
    "created_at": "$3::timestamptz - interval '120 days' + (n % 90) * interval '1 day'",
    "last_modified_by": "'user:' || read_bench.uuid_of('agent', (c % 200)::int)",
    "last_modified_at": "changed",
    "last_activity_at": "changed",
    "phone": "'+4915' || lpad((a % 1000000000)::text, 9, '0')",
    "phone_typed": "'015' || lpad((a % 1000000000)::text, 9, '0')",
    "name": "read_bench.word((a % 7919)::int) || ' ' || read_bench.word((b % 104729)::int)",
    "email": "lower(read_bench.word((b % 104729)::int)) || n || '@example.com'",
    "contacts": "'[]'",
    "notes": "'{}'",
    "fields": "jsonb_build_object('age', 18 + (a % 70), 'city', read_bench.word((c % 500)::int),"
    " 'balance', (b % 100000) - 20000, 'housing', c % 2 = 0,"
    " 'job', (array['admin','technician','services','retired','student'])[1 + (c % 5)::int])",
    "personal_fields": "'[]'",
    "anonymised": "false",
    "deleted": "false",
}
_LOG = """
insert into read.lead_log_v1
  (lead_id, version, position, kind, happened_at, recorded_at, actor, cause, data)
select id, v, n * 6 + v, case when v = 1 then 'lead.created' else 'lead.call_recorded' end,
  $3::timestamptz - ((a + v * 7919) % 7776000) * interval '1 second',
  $3::timestamptz - ((a + v * 7919) % 7776000) * interval '1 second',
  'user:' || read_bench.uuid_of('agent', (a % 200)::int), 'call:' || n || '/' || v,
  case when v = 1 then jsonb_build_object('owner', 'x') else jsonb_build_object(
    'call_id', n || '/' || v, 'talk_seconds', a % 300, 'end_cause',
    (array['NoResponse','Busy','NormalDisconnect','VoiceMail'])[1 + ((a + v) % 4)::int]) end
from (
  select n, ('01980000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as id,
    (hashint8(n)::int8 + 2147483648) as a
  from generate_series($1::int8, $2::int8) n
) s, generate_series(1, 6) v
"""
_WORDS = """
create schema if not exists read_bench;
create or replace function read_bench.uuid_of(kind text, n int) returns uuid immutable
  language sql return md5(kind || n)::uuid;
create or replace function read_bench.word(n int) returns text immutable language sql return
  initcap((array['be','ka','lo','mi','nu','ra','se','ti','vo','wa'])[1 + n % 10] ||
  (array['n','r','l','s','t','m','d','k','b','g'])[1 + n / 10 % 10] ||
  (array['a','e','i','o','u','au','ei','ia','eo','ue'])[1 + n / 100 % 10] ||
  (array['r','n','s','l','k','t','m','ch','st','nd'])[1 + n / 1000 % 10] ||
  (array['o','a','e','i','u','er','en','us','in','el'])[1 + n / 10000 % 10]);
"""


_ORGANISATION = """
insert into read.team_v1 (team_id, version, position, parent_id, name)
  select read_bench.uuid_of('team', n), 1, 1,
    case when n > 0 then read_bench.uuid_of('team', 0) end, 'Team ' || n
  from generate_series(0, 19) n on conflict do nothing;
insert into read.app_user_v1
    (user_id, version, position, team_id, role, rights, active, name, email)
  select read_bench.uuid_of('agent', n), 1, 1, read_bench.uuid_of('team', n % 20),
    case n when 1 then 'team_leader' when 2 then 'admin' else 'agent' end, '[]', true,
    'Agent ' || n, 'agent' || n || '@example.com'
  from generate_series(0, 199) n on conflict do nothing;
insert into read.campaign_v1 (campaign_id, version, position, name, code, project, duplicate_key,
    fields, rules, active, changed_at, hours)
  select read_bench.uuid_of('campaign', n), 1, 1, 'Campaign ' || n, '', 'Project ' || n % 3,
    'phone',
    '[{"import_name": "age", "type": "number"}, {"import_name": "city", "type": "text"},
      {"import_name": "balance", "type": "number"}, {"import_name": "housing", "type": "boolean"},
      {"import_name": "job", "type": "picklist"}]', '[]', true, '2026-01-01',
    jsonb_build_object('windows', array_fill('[["00:00", "24:00"]]'::jsonb, array[7]))
  from generate_series(0, 7) n on conflict do nothing;
insert into read.pool_v1
    (pool_id, version, position, campaign_id, name, source, active, created_by, created_at,
    changed_at)
  select read_bench.uuid_of('pool', n), 1, 1, read_bench.uuid_of('campaign', n % 8),
    'Upload ' || n, 'upload', n % 10 > 0, 'service:bench', '2026-01-01', '2026-01-01'
  from generate_series(0, 399) n on conflict do nothing;
insert into read.segment_v1
    (segment_id, version, position, name, agents, active, created_by, changed_at)
  select read_bench.uuid_of('segment', n), 1, 1, 'Segment ' || n,
    (select jsonb_agg(user_id) from read.app_user_v1), n % 4 > 0,
    'service:bench', '2026-01-01'
  from generate_series(0, 39) n on conflict do nothing;
"""
_THESE_PAGES = "ctid >= $1 and ctid < $2"
_BESIDE = (
    f"""
insert into read.lead_search
  select lead_id, read.search_text(name, email, phone, whatsapp, contacts, fields)
    from read.lead_v1 where {_THESE_PAGES}""",
    f"""
insert into read.lead_due
  select lead_id, next_dial_at from read.lead_v1
    where next_dial_at is not null and {_THESE_PAGES}""",
    f"""
insert into read.lead_calls
  select lead_id, call_attempts, latest_call_at from read.lead_v1 where {_THESE_PAGES}""",
)
"""What the triggers do row by row, done for many rows at once."""
PAGES = 10_000
"""So many pages of the grid's table are gone through in one statement."""
FILLED = ("lead_v1", "lead_log_v1", "lead_search", "lead_due", "lead_calls")
CHOSEN_FIELDS = ("age", "balance", "city")
"""Template fields that have an index of their own."""
AGENT, LEADER, ADMIN = 4, 1, 2
"""The users who look at these leads, by their number."""


async def make_organisation(connection: "asyncpg.Connection[Any]") -> None:
    """Fill in teams, users and campaigns to which the leads belong."""
    await connection.execute(_WORDS)
    await connection.execute(_ORGANISATION)


async def make_leads(database_url: str, count: int, until: datetime, batch: int = 100_000) -> None:
    """Fill the read models with `count` leads and six log entries each, as their superuser.

    Indexes are made when the rows are there, which takes a third of the time.
    """
    owner = await asyncpg.connect(database_url)
    try:
        await owner.execute(_WORDS)
        keys, indexes = await _take_away(owner)
        await owner.execute("alter table read.lead_v1 disable trigger user")
        await _both(database_url, _fill, iter(range(1, count + 1, batch)), batch, count, until)
        await owner.execute("alter table read.lead_v1 enable trigger user")
        pages = await owner.fetchval("select pg_relation_size('read.lead_v1') / 8192 + 1")
        await _both(database_url, _fill_beside, iter(range(0, pages, PAGES)))
        await owner.execute("set maintenance_work_mem = '1GB'")
        for one in keys:
            await owner.execute(one)
        await _both(database_url, _make, iter(indexes))
        for table in FILLED:
            await owner.execute(f"vacuum analyze read.{table}")
    finally:
        await owner.close()


async def _both(database_url: str, work: Any, *given: Any) -> None:
    """Do the work on two connections at once; what is left to do they take from one iterator."""
    connections = [await asyncpg.connect(database_url) for _ in range(2)]
    try:
        for one in connections:
            await one.execute("set maintenance_work_mem = '1GB'; set synchronous_commit = off")
            await one.execute("set max_parallel_maintenance_workers = 0")
        await asyncio.gather(*(work(one, *given) for one in connections))
    finally:
        for one in connections:
            await one.close()


async def _fill(
    connection: "asyncpg.Connection[Any]",
    firsts: Iterator[int],
    batch: int,
    count: int,
    until: datetime,
) -> None:
    leads = _LEADS.format(columns=", ".join(_VALUES), values=", ".join(_VALUES.values()))
    for first in firsts:
        last = min(first + batch - 1, count)
        await connection.execute(leads, first, last, until)
        await connection.execute(_LOG, first, last, until)


async def _fill_beside(connection: "asyncpg.Connection[Any]", pages: Iterator[int]) -> None:
    for first in pages:
        for statement in _BESIDE:
            await connection.execute(statement, (first, 0), (first + PAGES, 0))


async def _make(connection: "asyncpg.Connection[Any]", indexes: Iterator[str]) -> None:
    for one in indexes:
        await connection.execute(one)


async def _take_away(connection: "asyncpg.Connection[Any]") -> tuple[list[str], list[str]]:
    """Take the keys and indexes of the tables away; return what makes them again, the slowest to
    make first.
    """
    keys: list[str] = []
    indexes: list[str] = []
    for table in FILLED:
        for one in await _without_indexes(connection, table):
            (keys if one.startswith("alter") else indexes).append(one)
    return keys, sorted(indexes, key=lambda one: "gin" not in one)


async def _without_indexes(connection: "asyncpg.Connection[Any]", table: str) -> list[str]:
    """Take a table's indexes and its key away; return the statements that make them again."""
    place = f"read.{table}"
    keys = await connection.fetch(
        "select conname, pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid = $1::text::regclass and contype = 'p'",
        place,
    )
    again = [f"alter table {place} add constraint {name} {what}" for name, what in keys]
    for name, _ in keys:
        await connection.execute(f"alter table {place} drop constraint {name}")
    indexes = await connection.fetch(
        "select indexname, indexdef from pg_indexes where schemaname = 'read' and tablename = $1",
        table,
    )
    for name, _ in indexes:
        await connection.execute(f"drop index read.{name}")
    return [*again, *(what for _, what in indexes)]
