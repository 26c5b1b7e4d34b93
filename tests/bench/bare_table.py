"""The bare minimum to compare appends with: the events table with its indexes, and nothing else."""

from typing import Any

import asyncpg

MAKE = """
    create table public.bare (like log.events including storage including constraints);
    alter table public.bare add primary key (position);
    alter table public.bare add unique (stream_id, version);
    create sequence public.bare_position;
    alter table public.bare alter column position set default nextval('public.bare_position');
    grant all on public.bare, public.bare_position to leads_app;
    grant usage on schema public to leads_app;
"""
COLUMNS = (
    "recorded_at, happened_at, stream_id, version, schema_version, type, hash, data, meta, personal"
)
INSERT_ONE = f"insert into public.bare ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
INSERT_MANY = (
    f"insert into public.bare ({COLUMNS}) select * from unnest($1::timestamptz[],"
    " $2::timestamptz[], $3::uuid[], $4::int[], $5::smallint[], $6::text[], $7::bytea[],"
    " $8::bytea[], $9::bytea[], $10::bytea[])"
)


async def make_bare(owner_url: str) -> None:
    """Make the table."""
    connection = await asyncpg.connect(owner_url)
    await connection.execute(MAKE)
    await connection.close()


async def bare_pool(url: str, size: int) -> "asyncpg.Pool[Any]":
    """Open `size` connections."""
    return await asyncpg.create_pool(url, min_size=size, max_size=size)
