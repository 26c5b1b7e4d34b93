"""The query service over HTTP: all read routes, and its health. It holds no state of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from schemas.catalogue import EVENTS
from services.kit.auth import Authenticator
from services.kit.clock import Clock, SystemClock
from services.kit.codec import EventCodec
from services.kit.cursors import Cursors
from services.kit.eventlog import EventLog
from services.kit.http import create_app
from services.kit.keys import KeyRing, MasterKey, SigningKey
from services.kit.oidc import TokenReader
from services.kit.serving import serve
from services.kit.settings import Settings, read_settings
from services.kit.telemetry import set_up_logging
from services.query import (
    activity,
    blast_radius,
    breakdown,
    campaign,
    contract,
    counting,
    dial_list,
    dnc,
    events,
    export,
    export_job,
    lead,
    lead_columns,
    lead_history,
    lead_log,
    mailing,
    me,
    organisation,
    pool,
    pool_log,
    pool_summary,
    proof,
    quarantine,
    segment,
    selection,
    stats,
    view,
    view_counts,
    worklist,
)
from services.query.api_key import KeyTable
from services.query.exports.desk import open_desk as open_exports_desk
from services.query.pasts import routes as pasts
from services.query.pasts.desk import open_desk
from services.query.reading import STATEMENT_MS_MAX, Reading, positions
from services.query.wall import connect_pools
from services.query.watch import sentence, watched

POOL_CONNECTIONS_MAX = 16
LAG_EVENTS_MAX = 100_000
"""More than this behind, /readyz says so: answers would be too old to work with."""

_ROUTES = (
    export,
    export_job,
    mailing,
    lead_columns,
    lead,
    counting,
    breakdown,
    lead_history,
    lead_log,
    activity,
    blast_radius,
    events,
    proof,
    pasts,
    campaign,
    pool,
    pool_summary,
    pool_log,
    segment,
    organisation,
    me,
    dial_list,
    dnc,
    quarantine,
    selection,
    stats,
    worklist,
    contract,
    view_counts,
    view,
)
FROM_LOG = "read models follow the event log, nothing is published (LEADS_TRANSPORT=log)"


def install(app: FastAPI, reading: Reading) -> None:
    """Add all reads to `app`, and to its health how far the read models have come."""
    app.state.authenticator = reading.authenticator
    for routes in _ROUTES:
        routes.install(app, reading)

    async def read_models_follow() -> str:
        position, head = await positions(reading.pool)
        behind = head - position
        return "" if behind <= LAG_EVENTS_MAX else f"{behind} events behind the log"

    async def rows_are_right() -> str:
        return sentence(await watched(reading.pool))

    async def fed_by_kafka() -> str:
        from_log = await reading.pool.fetchval("select bool_and(source = 'log') from read.offsets")
        return FROM_LOG if from_log else ""

    app.state.checks["read models"] = read_models_follow
    app.state.warnings["transport"] = fed_by_kafka
    app.state.warnings["read models"] = rows_are_right


@asynccontextmanager
async def connected(
    settings: Settings,
    clock: Clock,
    authenticator: Authenticator | None = None,
    largest: int = POOL_CONNECTIONS_MAX,
) -> AsyncIterator[Reading]:
    """Open what reads need, under roles that can store selections and files of exports and change
    nothing else.

    Without an `authenticator` keys are looked up in the read models.
    """
    pools = await connect_pools(
        settings.database_url, largest=largest, statement_timeout_ms=STATEMENT_MS_MAX
    )
    try:
        pool = pools.whole
        log = EventLog(pool, EventCodec(EVENTS), KeyRing(MasterKey(settings.master_key), pool))
        table, oidc = KeyTable(pool), settings.oidc
        tokens = None if oidc is None else TokenReader(oidc, table, clock)
        known = authenticator or Authenticator(table, clock, tokens=tokens)
        signing = SigningKey(settings.signing_key)
        reading = Reading(pools, log, known, Cursors(settings.master_key), clock, signing)
        try:
            yield reading
        finally:
            await reading.stop()
    finally:
        await pools.close()


@asynccontextmanager
async def open_reading(
    settings: Settings, clock: Clock, authenticator: Authenticator | None = None
) -> AsyncIterator[Reading]:
    """Open what reads need, and the desks that have pasts built and exports written."""
    async with (
        connected(settings, clock, authenticator) as reading,
        open_desk(settings),
        open_exports_desk(reading.pool),
    ):
        yield reading


async def run(settings: Settings) -> None:
    """Serve reads alone until told to stop."""
    clock = SystemClock()
    async with open_reading(settings, clock) as reading:
        app = create_app("leads: queries")
        install(app, reading)
        await serve(app, settings.http_port, host=settings.http_host)


def main() -> None:
    """Run the query service by itself, as `python -m services.query` does."""
    import uvloop

    set_up_logging("query")
    uvloop.run(run(read_settings()))
