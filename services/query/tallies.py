"""Counts the leads of pools, campaigns and segments, and keeps what was dear to count.

No read waits for many leads to be counted: it shows what was counted last, or a sample where nobody
has counted yet, and they are counted meanwhile.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

import asyncpg
from fastapi import FastAPI

from services.kit.postgres import RETRYABLE
from services.kit.telemetry import logger
from services.query.lead import whole_scope
from services.query.numbers import KpiParameters, Tally, add_up, kpi_labels, kpis_of
from services.query.reading import Asked, Reading
from services.query.sampling import COST_EXACT_MAX, WHOLE, Source, planned, sample_of
from services.query.sight import sight_condition
from services.query.sql import Arguments
from services.query.status import statuses
from services.query.wall import beside_wall, lower_wall

Column = Literal["pool_id", "campaign_id", "segment_id"]
Key = tuple[Column, UUID, str]
AT_ONCE = 20_000
"""More leads than that are not counted while somebody waits: it takes about 150 ms."""

KEPT_MAX = 5_000
_GROUPED = (
    "select l.{column} as id, l.status, l.deleted, l.call_attempts > 0 as used,"
    " l.active and (not l.suppressed or coalesce(l.suppressed_until <= {now}, false))"
    " and (l.next_dial_at is null or l.next_dial_at <= {now}) as free,{reached}"
    " count(*) as leads from {source} where {where} group by {groups}"
)
# One look at the leads for both; rows with `times` tell what was reached.
_WITH_REACHED = (
    "with g as materialized ({grouped})"
    " select id, status, deleted, used, free, sum(leads)::int8 as leads, null::int8 as times"
    " from g group by 1, 2, 3, 4, 5 union all"
    " select g.id, k.key, null, null, null, sum(g.leads)::int8,"
    " sum(g.leads * k.value::int8)::int8 from g, jsonb_each_text(g.reached) k group by 1, 2"
)


class Tallies:
    """Tallies by what is counted and by who sees the same leads."""

    def __init__(self, reading: Reading) -> None:
        """Keep nothing yet; count beside the reads of `reading`."""
        self._reading = reading
        self._kept: OrderedDict[Key, Tally] = OrderedDict()
        self._counting: set[tuple[Key, bool]] = set()
        self._turn = asyncio.Lock()

    async def shown(
        self, asked: Asked, column: Column, rows: Sequence[Mapping[str, Any]], given: KpiParameters
    ) -> list[dict[str, Any]]:
        """Return rows, each with the numbers of its leads and the KPIs that were chosen."""
        labels = await kpi_labels(asked, given.kpi)
        ids = [row[column] for row in rows]
        tallies = await self.of(asked, column, ids, given, reached=bool(given.kpi))
        shown = []
        for row in rows:
            tally = tallies[row[column]]
            kpis = kpis_of(tally, labels, given.kpi) if given.kpi else []
            shown.append({**row, "numbers": tally.numbers, "kpis": kpis, **tally.counted()})
        return shown

    async def of(
        self,
        asked: Asked,
        column: Column,
        ids: Sequence[UUID],
        given: KpiParameters,
        *,
        reached: bool,
    ) -> dict[UUID, Tally]:
        """Return a tally for each of these things, of the leads that `given` asks for: in sight, or
        for who may all.
        """
        everything = await whole_scope(asked, given.scope)
        kept = {one: self._kept.get(_key(asked, column, one, everything)) for one in ids}
        leads = sum(tally.leads for tally in kept.values() if tally is not None)
        missing = [
            one
            for one, tally in kept.items()
            if tally is None
            or not tally.stands(asked, given.min_position, reached=reached, leads=leads)
        ]
        if not missing:
            return _known(kept)
        never = [
            one
            for one in missing
            if (tally := kept[one]) is None or (reached and tally.reached is None)
        ]
        behind = any(tally.position < given.min_position for tally in _known(kept).values())
        if behind or await _is_quick(asked, column, missing, everything):
            counted = await _count(asked, column, missing, everything=everything, reached=reached)
            self._keep(asked, column, everything, counted)
            return _known({**kept, **counted})
        self._count_later(asked, column, missing, everything=everything, reached=reached)
        if never:
            source = await sample_of(asked.connection)
            kept |= await _count(
                asked, column, never, everything=everything, reached=reached, source=source
            )
        return _known(kept)

    def _keep(
        self, asked: Asked, column: Column, everything: bool, counted: Mapping[UUID, Tally]
    ) -> None:
        for one, tally in counted.items():
            key = _key(asked, column, one, everything)
            known = self._kept.get(key)
            if known is None or known.position <= tally.position:
                self._kept[key] = tally
                self._kept.move_to_end(key)
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)

    def _count_later(
        self, asked: Asked, column: Column, ids: Sequence[UUID], *, everything: bool, reached: bool
    ) -> None:
        """Count these beside the reads, unless somebody does already; one after the other."""
        keys = {one: (_key(asked, column, one, everything), reached) for one in ids}
        wanted = [one for one, key in keys.items() if key not in self._counting]
        if not wanted:
            return
        taken = {keys[one] for one in wanted}
        self._counting |= taken

        async def count() -> None:
            try:
                async with self._turn, self._reading.aside(asked.principal) as again:
                    if everything:
                        await lower_wall(again.connection, again.sight)
                    counted = await _count(
                        again, column, wanted, everything=everything, reached=reached
                    )
                    self._keep(again, column, everything, counted)
            except (*RETRYABLE, asyncpg.PostgresError) as fault:
                logger().warning("numbers-not-counted", why=type(fault).__name__)
            finally:
                self._counting -= taken

        self._reading.go_on(count())


def tallies_of(app: FastAPI, reading: Reading) -> Tallies:
    """Return the tallies that all routes of `app` share."""
    if not hasattr(app.state, "tallies"):
        app.state.tallies = Tallies(reading)
    shared: Tallies = app.state.tallies
    return shared


def _known(tallies: Mapping[UUID, Tally | None]) -> dict[UUID, Tally]:
    return {one: tally for one, tally in tallies.items() if tally is not None}


def _key(asked: Asked, column: Column, thing: UUID, everything: bool) -> Key:
    arguments = Arguments()
    sight = "true" if everything else sight_condition(asked.sight, arguments)
    return column, thing, f"{sight} {arguments.values!r}"


async def _is_quick(asked: Asked, column: Column, ids: Sequence[UUID], everything: bool) -> bool:
    """Say whether to count at once, by what the planner makes of it: beside the wall, behind which
    it may not use all that it knows.
    """
    arguments = Arguments()
    pieces = ("select from read.lead l where", _where(asked, column, ids, everything, arguments))
    async with beside_wall(asked.connection, asked.sight):
        cost, leads = await planned(asked.connection, " ".join(pieces), arguments)
    return cost <= COST_EXACT_MAX and leads <= AT_ONCE


def _where(
    asked: Asked, column: Column, ids: Sequence[UUID], everything: bool, arguments: Arguments
) -> str:
    sight = "true" if everything else sight_condition(asked.sight, arguments)
    return f"l.{column} = any({arguments.add(list(ids), 'uuid[]')}) and {sight}"


async def _count(
    asked: Asked,
    column: Column,
    ids: Sequence[UUID],
    *,
    everything: bool,
    reached: bool,
    source: Source = WHOLE,
) -> dict[UUID, Tally]:
    arguments = Arguments()
    statement = _GROUPED.format(
        column=column,
        source=source.sql,
        now=arguments.add(asked.now, "timestamptz"),
        where=_where(asked, column, ids, everything, arguments),
        reached=" l.reached," if reached else "",
        groups="1, 2, 3, 4, 5, 6" if reached else "1, 2, 3, 4, 5",
    )
    if reached:
        statement = _WITH_REACHED.format(grouped=statement)
    exact = source is WHOLE
    tallies = {one: Tally(asked.position, asked.now, exact) for one in ids}
    if reached:
        for tally in tallies.values():
            tally.reached = {}
    groups: dict[UUID, list[dict[str, Any]]] = {}
    for found in await asked.connection.fetch(statement, *arguments.values):
        row = {**found, "leads": round(found["leads"] * source.weight)}
        known = tallies[row["id"]].reached
        if known is None or row["times"] is None:
            groups.setdefault(row["id"], []).append(row)
        else:
            known[row["status"]] = (row["leads"], round(row["times"] * source.weight))
    known_statuses = {one["code"]: one for one in await statuses(asked)}
    for one, tally in tallies.items():
        add_up(tally, groups.get(one, ()), known_statuses)
    return tallies
