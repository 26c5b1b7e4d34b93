"""What the numbers of everything are made of: the leads in sight, summed up by status.

Up to 100,000 leads are summed up whenever somebody asks. Of more, who asks is shown what was summed
up last, or a sample where nobody has done it yet, and they are summed up meanwhile.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from services.kit.postgres import RETRYABLE
from services.kit.telemetry import logger
from services.query.reading import Asked, Reading
from services.query.sampling import COST_EXACT_MAX, WHOLE, Source, planned, quickly, sample_of
from services.query.sight import sight_condition
from services.query.sql import Arguments
from services.query.wall import beside_wall

AT_ONCE = 100_000
"""More leads than that are not summed up while somebody waits: it takes about 40 ms."""

LEADS_A_SECOND = 100_000
"""They are summed up once in a second for each so many of them."""

KEPT_MAX = 1_000
_COLUMNS = (
    "l.status, count(*) as leads, count(*) filter (where l.active) as active,"
    " coalesce(sum(l.call_attempts), 0)::int8 as call_attempts,"
    " coalesce(max(l.call_attempts), 0) as call_attempts_max,"
    " coalesce(sum(l.contact_attempts), 0)::int8 as contact_attempts,"
    " coalesce(sum(l.talk_seconds), 0)::int8 as talk_seconds"
)
_COUNTED = ("leads", "active", "call_attempts", "contact_attempts", "talk_seconds")


@dataclass(frozen=True, slots=True)
class Summed:
    """The leads of each status in `rows`, as log position `position` has them; `exact` false:
    scaled up from a sample.
    """

    position: int
    on: datetime
    exact: bool
    rows: Sequence[Mapping[str, Any]]

    def stands(self, asked: Asked, wanted: int) -> bool:
        """Say whether it may be shown once more to who wants to see position `wanted`."""
        if self.position >= asked.position:
            return True
        leads = sum(row["leads"] for row in self.rows)
        rests = (asked.now - self.on).total_seconds() < leads / LEADS_A_SECOND
        return leads > AT_ONCE and rests and self.position >= wanted

    def counted(self) -> dict[str, Any]:
        """Return what the answer says of how its numbers were counted (Counted)."""
        return {"counted_at": self.position, "counted_on": self.on, "exact": self.exact}


class Sums:
    """Sums by campaign and by who sees the same leads."""

    def __init__(self, reading: Reading) -> None:
        """Keep nothing yet; sum up beside the reads of `reading`."""
        self._reading = reading
        self._kept: OrderedDict[str, Summed] = OrderedDict()
        self._summing: set[str] = set()

    async def of(self, asked: Asked, campaign: str | None, wanted: int) -> Summed:
        """Return the sums of the leads in sight that are not deleted, of one campaign or of all;
        they show position `wanted` at least.
        """
        arguments = Arguments()
        key = f"{_where(asked, campaign, arguments)} {arguments.values!r}"
        kept = self._kept.get(key)
        if kept is not None and kept.stands(asked, wanted):
            return kept
        sample = await sample_of(asked.connection)
        if sample is WHOLE:
            return await _sum(asked, campaign)
        if await _is_quick(asked, campaign):
            exact = await quickly(asked.connection, lambda: _sum(asked, campaign))
            if exact is not None:
                return exact
        self._sum_later(asked, campaign, key)
        if kept is not None and kept.position >= wanted:
            return kept
        return await _sum(asked, campaign, sample)

    def _sum_later(self, asked: Asked, campaign: str | None, key: str) -> None:
        """Sum up beside the reads, unless that is under way."""
        if key in self._summing:
            return
        self._summing.add(key)

        async def work() -> None:
            try:
                async with self._reading.aside(asked.principal) as again:
                    self._kept[key] = await _sum(again, campaign)
                    self._kept.move_to_end(key)
                while len(self._kept) > KEPT_MAX:
                    self._kept.popitem(last=False)
            except (*RETRYABLE, asyncpg.PostgresError) as fault:
                logger().warning("sums-not-made", why=type(fault).__name__)
            finally:
                self._summing.discard(key)

        self._reading.go_on(work())


def _where(asked: Asked, campaign: str | None, arguments: Arguments) -> str:
    condition = f"not l.deleted and {sight_condition(asked.sight, arguments)}"
    if campaign is not None:
        condition += f" and l.campaign_id = {arguments.add(campaign, 'uuid')}"
    return condition


async def _is_quick(asked: Asked, campaign: str | None) -> bool:
    """Say whether to sum up at once, by what the planner makes of it beside the wall."""
    arguments = Arguments()
    statement = " ".join(("select from read.lead l where", _where(asked, campaign, arguments)))
    async with beside_wall(asked.connection, asked.sight):
        cost, leads = await planned(asked.connection, statement, arguments)
    return cost <= COST_EXACT_MAX and leads <= AT_ONCE


async def _sum(asked: Asked, campaign: str | None, source: Source = WHOLE) -> Summed:
    arguments = Arguments()
    where = _where(asked, campaign, arguments)
    pieces = ("select", _COLUMNS, "from", source.sql, "where", where)
    statement = " ".join((*pieces, "group by l.status order by l.status"))
    found = await asked.connection.fetch(statement, *arguments.values)
    rows = [
        {**row, **{name: round(row[name] * source.weight) for name in _COUNTED}} for row in found
    ]
    return Summed(asked.position, asked.now, source is WHOLE, rows)
