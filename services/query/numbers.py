"""How the leads of something are doing: pools, campaigns and segments show the same numbers.

Counted from the leads themselves (tallies.py), so they always agree with the list of those leads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from schemas.filters import Fault, FilterInvalid
from services.query import answers
from services.query.parameters import Code, Current, invalid
from services.query.reading import Asked
from services.query.status import statuses

FEW = 20_000
"""So many leads are counted anew whenever an event has come."""

LEADS_A_SECOND = 20_000
"""More leads than FEW are counted once in a second for each so many of them."""

TIME_SECONDS = 10.0
"""What is due depends on the time: after that numbers are counted anew without any event."""


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


class Counted(answers.Shape):
    """`counted_at` is the log position that the numbers show, `counted_on` when they were counted:
    those of many leads are shown as they were counted last and counted anew meanwhile. `exact`
    false: many leads that nobody has counted yet, so it is scaled up from a sample; ask again.
    """

    counted_at: int
    counted_on: datetime
    exact: bool


@dataclass(slots=True)
class Tally:
    """What was counted of one thing, at a position of the log.

    reached: per status the leads that ever reached it, and how often they did.
    """

    position: int
    at: datetime
    exact: bool = True
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

    def counted(self) -> dict[str, Any]:
        """Return what every answer says of how its numbers were counted (Counted)."""
        return {"counted_at": self.position, "counted_on": self.at, "exact": self.exact}


def add_up(tally: Tally, rows: Sequence[Any], known: Mapping[str, Mapping[str, Any]]) -> None:
    """Sum the groups of one thing's leads into `tally`. A status nobody knows counts as open and is
    not dialled.
    """
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
