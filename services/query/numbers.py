"""How the leads of something are doing: pools and segments show the same numbers.

Counted from the leads themselves, so they always agree with the list of those leads.
"""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from services.query import answers
from services.query.parameters import Current
from services.query.reading import Asked
from services.query.sight import sight_condition
from services.query.sql import Arguments
from services.query.status import statuses


class ScopeParameters(Current):
    """Whose leads the numbers count: those in sight, or for who has that right all."""

    scope: Literal["sight", "all"] = "sight"


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


NOTHING: dict[str, Any] = dict.fromkeys(Numbers.model_fields, 0)
_COUNTS = (
    "count(*) as uploaded,"
    " count(*) filter (where not l.deleted) as total,"
    " count(*) filter (where not l.deleted and l.status = any({open})) as open,"
    " count(*) filter (where not l.deleted and l.status = any({held})) as held,"
    " count(*) filter (where not l.deleted and l.status = any({closed})) as closed,"
    " count(*) filter (where not l.deleted and l.call_attempts > 0) as used,"
    " count(*) filter (where not l.deleted and l.active and l.status = any({dialable})"
    " and (not l.suppressed or l.suppressed_until <= {now})"
    " and (l.next_dial_at is null or l.next_dial_at <= {now})) as ready"
)


async def numbers_of(
    asked: Asked,
    column: Literal["pool_id", "segment_id"],
    ids: Sequence[UUID],
    *,
    everything: bool = False,
) -> dict[UUID, dict[str, Any]]:
    """Return the numbers of the leads in sight (or `everything`) by what `column` names."""
    arguments = Arguments()
    known = await statuses(asked)
    places = {
        group: arguments.add([one["code"] for one in known if one["group"] == group], "text[]")
        for group in ("open", "held", "closed")
    }
    dialable = [one["code"] for one in known if one["dialable"] and one["group"] == "open"]
    places["dialable"] = arguments.add(dialable, "text[]")
    places["now"] = arguments.add(asked.now, "timestamptz")
    sight = "true" if everything else sight_condition(asked.sight, arguments)
    wanted = f"l.{column} = any({arguments.add(list(ids), 'uuid[]')})"
    counts = _COUNTS.format(**places)
    pieces = ("select l." + column, ",", counts, "from read.lead l where", wanted, "and", sight)
    statement = " ".join((*pieces, "group by 1"))
    found = await asked.connection.fetch(statement, *arguments.values)
    counted = {row[column]: dict(row) for row in found}
    return {one: _with_shares(counted.get(one, {})) for one in ids}


def _with_shares(row: dict[str, Any]) -> dict[str, Any]:
    numbers = {**NOTHING, **{name: row[name] for name in row if name in NOTHING}}
    total = numbers["total"]
    for name in ("closed", "used"):
        numbers[f"percent_{name}"] = round(100 * numbers[name] / total, 1) if total else 0.0
    return numbers
