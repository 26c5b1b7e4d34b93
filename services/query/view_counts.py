"""How many leads each view has, under the caller's own sight, kept up to date as events arrive.

Counting is done once: the ids of up to 10,000 leads are remembered, and afterwards only leads that
had an event since are looked at again. What is larger is estimated, and what depends on the time is
counted anew, at most every so often. So no poll costs a slow query for each view.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import FastAPI, Query, Request
from pydantic import Field
from starlette.responses import Response

from services.query import answers
from services.query.counting import COUNT_EXACT_MAX
from services.query.lead import estimate, leads_condition
from services.query.parameters import Code
from services.query.reading import Asked, Reading, answer
from services.query.searching import look_up
from services.query.sql import Arguments
from services.query.view import TAG, ViewParameters, all_views
from services.query.view_parts import is_relative, parts_of

KEPT_MAX = 2_000
MEMBERS_MAX = 200_000
CHANGED_MAX = 5_000
"""After more events than this it is cheaper to count anew."""

PAUSE_SECONDS = 10.0
PAUSE_PER_COST = 50.0
"""What must be counted anew rests so many times as long as counting took, 10 s at least."""

BUDGET_SECONDS = 0.3
"""After this a request leaves the views nobody has counted yet to the next one."""

COUNT_MS_MAX = 2_000
_SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)


class CountsParameters(ViewParameters):
    """Of all views the caller has, or of these; one they do not have is left out."""

    view: list[Code] = Field(default=[], max_length=200)


class ViewCount(answers.Shape):
    """The leads of a view in the caller's sight; `exact` false: an estimate, for there are more
    than 10,000. null: not counted yet, ask again. `position`: what the count shows at least.
    """

    view: str
    count: int | None
    exact: bool
    position: int


class ViewCounts(answers.Shown):
    """A count for each view."""

    counts: list[ViewCount]


@dataclass(slots=True)
class Kept:
    """One count. `members` are the ids of the leads, None when they are too many to remember."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    position: int = -1
    count: int | None = None
    exact: bool = False
    members: set[bytes] | None = None
    counted_at: float = 0.0
    cost: float = 0.0

    @property
    def rests(self) -> bool:
        """Whether it is too early to count anew."""
        pause = max(PAUSE_SECONDS, PAUSE_PER_COST * self.cost)
        return self.counted_at > 0 and monotonic() - self.counted_at < pause


class Counting:
    """Counts by condition, shared by all who see the same leads."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()

    async def counts(
        self, asked: Asked, views: list[dict[str, Any]], min_position: int
    ) -> list[dict[str, Any]]:
        """Return the count of each view."""
        until = monotonic() + BUDGET_SECONDS
        changed: dict[int, list[UUID] | None] = {}
        counted = []
        for view in views:
            tree = parts_of(view, asked).tree
            kept = self._kept_for(asked, tree)
            if kept.lock.locked() and min_position <= max(kept.position, 0):
                counted.append(_shown(view, kept))  # somebody counts it now; nobody waits for that
                continue
            async with kept.lock:
                if kept.counted_at or monotonic() < until:
                    relative = is_relative(view["filter"])
                    await _bring_up(kept, asked, tree, relative, min_position, changed)
                counted.append(_shown(view, kept))
        self._forget()
        return counted

    def _kept_for(self, asked: Asked, tree: Any) -> Kept:
        arguments = Arguments()
        condition = leads_condition(tree, replace(asked, now=_SOME_TIME), arguments)
        key = (condition, repr(arguments.values))
        kept = self._kept.setdefault(key, Kept())
        self._kept.move_to_end(key)
        return kept

    def _forget(self) -> None:
        """Drop what was not asked for the longest, until what is left fits."""
        members = sum(len(kept.members or ()) for kept in self._kept.values())
        while self._kept and (len(self._kept) > KEPT_MAX or members > MEMBERS_MAX):
            _, gone = self._kept.popitem(last=False)
            members -= len(gone.members or ())


def _shown(view: Mapping[str, Any], kept: Kept) -> dict[str, Any]:
    position = max(kept.position, 0)
    return {"view": view["view"], "count": kept.count, "exact": kept.exact, "position": position}


async def _bring_up(
    kept: Kept,
    asked: Asked,
    tree: Any,
    relative: bool,
    min_position: int,
    changed: dict[int, list[UUID] | None],
) -> None:
    """Bring one count to the position the read models show, if it is worth it."""
    if kept.counted_at and (not relative or kept.rests):
        if kept.position >= asked.position:
            return
        if kept.members is None:
            if kept.rests and min_position <= kept.position:
                return
        else:
            if kept.position not in changed:
                changed[kept.position] = await _changed_since(asked, kept.position)
            leads = changed[kept.position]
            if leads is not None:
                await _look_again(kept, asked, tree, leads)
                return
    await _count(kept, asked, tree)


async def _changed_since(asked: Asked, position: int) -> list[UUID] | None:
    """Return the leads that had an event since; None when there were too many events."""
    if asked.position - position > CHANGED_MAX:
        return None
    found = await asked.connection.fetch(
        "select distinct e.stream_id from log.events e"
        " where e.position > $1 and e.position <= $2 and e.type like 'lead.%'",
        position,
        asked.position,
    )
    return [row[0] for row in found]


async def _look_again(kept: Kept, asked: Asked, tree: Any, leads: list[UUID]) -> None:
    """Let these leads come in or fall out."""
    assert kept.members is not None
    if leads:
        arguments = Arguments()
        condition = leads_condition(tree, asked, arguments)
        wanted = f"l.lead_id = any({arguments.add(leads, 'uuid[]')})"
        pieces = ("select l.lead_id from read.lead l where", wanted, "and", condition)
        found = await asked.connection.fetch(" ".join(pieces), *arguments.values)
        kept.members.difference_update(lead.bytes for lead in leads)
        kept.members.update(row[0].bytes for row in found)
    kept.position, kept.count = asked.position, len(kept.members)
    if kept.count > COUNT_EXACT_MAX:
        kept.members, kept.exact = None, False


async def _count(kept: Kept, asked: Asked, tree: Any) -> None:
    """Count anew: exactly up to 10,000. What takes too long keeps the count it had."""
    began = monotonic()
    try:
        async with asked.connection.transaction():
            await asked.connection.execute(f"set local statement_timeout = {COUNT_MS_MAX}")
            await _count_in_time(kept, asked, tree)
    except asyncpg.QueryCanceledError:
        kept.exact = False
    kept.counted_at = monotonic()
    kept.cost = kept.counted_at - began


async def _count_in_time(kept: Kept, asked: Asked, tree: Any) -> None:
    arguments = Arguments()
    searched = await look_up(asked, tree)
    condition = leads_condition(tree, asked, arguments, found=searched)
    matching = " ".join(("select l.lead_id from read.lead l where", condition))
    limited = f"{matching} limit {COUNT_EXACT_MAX + 1}"
    found = await asked.connection.fetch(limited, *arguments.values)
    count, members = len(found), None
    if count <= COUNT_EXACT_MAX:
        members = {row[0].bytes for row in found}
    else:
        count = max(count, await estimate(asked, matching, arguments))
    kept.count, kept.exact, kept.members = count, members is not None, members
    kept.position = asked.position


def install(app: FastAPI, reading: Reading) -> None:
    """Add the route of the counts."""
    counting = Counting()

    @app.get("/v1/views/counts", tags=[TAG], responses={200: {"model": ViewCounts}})
    async def count_views(
        request: Request, given: Annotated[CountsParameters, Query()]
    ) -> Response:
        """Count the leads of each view the caller has, in their own sight."""
        async with reading.asked(request, given.min_position) as asked:
            views = await all_views(asked, given.zone)
            if given.view:
                views = [view for view in views if view["view"] in given.view]
            counts = await counting.counts(asked, views, given.min_position)
            return answer({"counts": counts, **asked.currency()})
