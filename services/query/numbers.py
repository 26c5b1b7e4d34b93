"""How the leads of something are doing: pools, campaigns and segments show the same numbers.

Counted from the leads themselves, so they always agree with the list of those leads. What took many
leads to count is kept a while, as long as the leads are many, and says which position it shows.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from schemas.filters import Fault, FilterInvalid
from services.query import answers
from services.query.parameters import Code, Current, invalid
from services.query.reading import Asked
from services.query.sight import sight_condition
from services.query.sql import Arguments
from services.query.status import statuses

Column = Literal["pool_id", "campaign_id", "segment_id"]
FEW = 20_000
"""So many leads are counted anew whenever an event has come."""

LEADS_A_SECOND = 20_000
"""More leads than FEW are counted once in a second for each so many of them."""

TIME_SECONDS = 10.0
"""What is due depends on the time: after that numbers are counted anew without any event."""

KEPT_MAX = 5_000


class ScopeParameters(Current):
    """Whose leads the numbers count: those in sight, or for who has that right all."""

    scope: Literal["sight", "all"] = "sight"


class KpiParameters(ScopeParameters):
    """`kpi`: statuses to show as KPIs; without it none in lists, every one reached in summaries."""

    kpi: list[Code] = Field(default=[], max_length=50)


class Numbers(answers.Shape):
    """Leads in sight: all that came, and of those not deleted how many are how far.

    `ready` may be dialled now as far as the lead itself goes: open, active, not suppressed, a
    status that is dialled, due. `used` were tried at least once.
    """

    uploaded: int = Field(ge=0)
    total: int = Field(ge=0)
    open: int = Field(ge=0)
    ready: int = Field(ge=0)
    held: int = Field(ge=0)
    closed: int = Field(ge=0)
    used: int = Field(ge=0)
    percent_closed: float = Field(ge=0, le=100)
    percent_used: float = Field(ge=0, le=100)


class Kpi(answers.Shape):
    """How often a status was reached: `first_time` counts leads, each once, `all` every time.

    Deleted leads count too: what was reached stays a fact. `percent_first_time` is of `uploaded`.
    """

    status: str
    label: str
    first_time: int = Field(ge=0)
    all: int = Field(ge=0)
    percent_first_time: float = Field(ge=0, le=100)


@dataclass(slots=True)
class Tally:
    """What was counted of one thing, at a position of the log.

    reached: per status the leads that ever reached it, and how often they did.
    """

    position: int
    at: datetime
    leads: int = 0
    numbers: dict[str, Any] = field(default_factory=dict)
    by_status: dict[str, int] = field(default_factory=dict)
    reached: dict[str, tuple[int, int]] | None = None

    def stands(self, asked: Asked, wanted: int, *, reached: bool, leads: int) -> bool:
        """Say whether it may be shown once more; `leads` were counted together with it."""
        if reached and self.reached is None:
            return False
        age = (asked.now - self.at).total_seconds()
        if self.position >= asked.position:
            return 0 <= age < TIME_SECONDS
        rests = leads > FEW and age < leads / LEADS_A_SECOND
        return rests and self.position >= wanted


_GROUPED = (
    "select l.{column} as id, l.status, l.deleted, l.call_attempts > 0 as used,"
    " l.active and (not l.suppressed or coalesce(l.suppressed_until <= {now}, false))"
    " and (l.next_dial_at is null or l.next_dial_at <= {now}) as free,{reached}"
    " count(*) as leads from read.lead l where {where} group by {groups}"
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
    """Counts things, and keeps what was dear to count for all who see the same leads."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._kept: OrderedDict[tuple[str, UUID, str], Tally] = OrderedDict()

    async def shown(
        self,
        asked: Asked,
        column: Column,
        rows: Sequence[Mapping[str, Any]],
        given: KpiParameters,
        *,
        everything: bool,
    ) -> list[dict[str, Any]]:
        """Return rows, each with the numbers of its leads and the KPIs that were chosen."""
        labels = await kpi_labels(asked, given.kpi)
        tallies = await self.of(
            asked,
            column,
            [row[column] for row in rows],
            everything=everything,
            min_position=given.min_position,
            reached=bool(given.kpi),
        )
        shown = []
        for row in rows:
            tally = tallies[row[column]]
            kpis = kpis_of(tally, labels, given.kpi) if given.kpi else []
            shown.append({**row, "numbers": tally.numbers, "kpis": kpis})
        return shown

    async def of(
        self,
        asked: Asked,
        column: Column,
        ids: Sequence[UUID],
        *,
        everything: bool = False,
        min_position: int = 0,
        reached: bool = False,
    ) -> dict[UUID, Tally]:
        """Return a tally of the leads in sight (or `everything`) for each of these things."""
        arguments = Arguments()
        sight = "true" if everything else sight_condition(asked.sight, arguments)
        whose = f"{sight} {arguments.values!r}"
        kept = {one: self._kept.get((column, one, whose)) for one in ids}
        leads = sum(one.leads for one in kept.values() if one is not None)
        missing = [
            one
            for one, tally in kept.items()
            if tally is None or not tally.stands(asked, min_position, reached=reached, leads=leads)
        ]
        if missing:
            counted = await _count(asked, column, missing, everything=everything, reached=reached)
            for one, tally in counted.items():
                kept[one] = self._kept[column, one, whose] = tally
                self._kept.move_to_end((column, one, whose))
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return {one: tally for one, tally in kept.items() if tally is not None}


async def _count(
    asked: Asked, column: Column, ids: Sequence[UUID], *, everything: bool, reached: bool
) -> dict[UUID, Tally]:
    arguments = Arguments()
    sight = "true" if everything else sight_condition(asked.sight, arguments)
    wanted = f"l.{column} = any({arguments.add(list(ids), 'uuid[]')})"
    statement = _GROUPED.format(
        column=column,
        now=arguments.add(asked.now, "timestamptz"),
        where=f"{wanted} and {sight}",
        reached=" l.reached," if reached else "",
        groups="1, 2, 3, 4, 5, 6" if reached else "1, 2, 3, 4, 5",
    )
    if reached:
        statement = _WITH_REACHED.format(grouped=statement)
    tallies = {one: Tally(asked.position, asked.now) for one in ids}
    if reached:
        for tally in tallies.values():
            tally.reached = {}
    groups: dict[UUID, list[Any]] = {}
    for row in await asked.connection.fetch(statement, *arguments.values):
        known = tallies[row["id"]].reached
        if known is None or row["times"] is None:
            groups.setdefault(row["id"], []).append(row)
        else:
            known[row["status"]] = (row["leads"], row["times"])
    known_statuses = {one["code"]: one for one in await statuses(asked)}
    for one, tally in tallies.items():
        _add_up(tally, groups.get(one, ()), known_statuses)
    return tallies


def _add_up(tally: Tally, rows: Sequence[Any], known: Mapping[str, Mapping[str, Any]]) -> None:
    """Sum the groups of one thing. A status nobody knows counts as open and is not dialled."""
    numbers: dict[str, Any] = dict.fromkeys(Numbers.model_fields, 0)
    for row in rows:
        leads = row["leads"]
        numbers["uploaded"] += leads
        if row["deleted"]:
            continue
        status = known.get(row["status"], {"group": "open", "dialable": False})
        numbers["total"] += leads
        numbers[status["group"]] += leads
        numbers["used"] += leads * row["used"]
        if row["free"] and status["dialable"] and status["group"] == "open":
            numbers["ready"] += leads
        tally.by_status[row["status"]] = tally.by_status.get(row["status"], 0) + leads
    for name in ("closed", "used"):
        numbers[f"percent_{name}"] = _percent(numbers[name], numbers["total"])
    tally.numbers, tally.leads = numbers, numbers["uploaded"]


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


async def kpi_labels(asked: Asked, chosen: Sequence[str]) -> dict[str, str]:
    """Return the labels of all statuses; raise Invalid that names every chosen one unknown."""
    labels = {one["code"]: str(one["label"]) for one in await statuses(asked)}
    faults = [
        Fault("unknown-status", f"there is no status {code}", f"/{place}")
        for place, code in enumerate(chosen)
        if code not in labels
    ]
    if faults:
        raise invalid(FilterInvalid(faults), "/query/kpi")
    return labels


def kpis_of(tally: Tally, labels: Mapping[str, str], chosen: Sequence[str]) -> list[dict[str, Any]]:
    """Return the KPIs chosen, or, when none is, every status reached, in the catalogue's order."""
    reached = tally.reached or {}
    codes = list(dict.fromkeys(chosen)) or [code for code in labels if code in reached]
    found = []
    for code in codes:
        leads, times = reached.get(code, (0, 0))
        share = _percent(leads, tally.numbers["uploaded"])
        found.append(
            {
                "status": code,
                "label": labels[code],
                "first_time": leads,
                "all": times,
                "percent_first_time": share,
            }
        )
    return found
