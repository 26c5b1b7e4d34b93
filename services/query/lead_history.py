"""One lead, as it is or as it was, and what differs between two moments.

The past is folded from the log by the fold that makes the read model, so as-of equals the row the
grid showed then; only what was erased since stays erased (rule 16).
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Query, Request
from pydantic import Field
from starlette.responses import Response

from schemas.envelope import Recorded
from schemas.rights import sees
from services.kit import errors
from services.projections.decoding import ERASING
from services.query import answers, rows
from services.query.lead import TAG, LeadParameters, lead_at
from services.query.lead_log import Change
from services.query.lead_page import OF_LEAD, Parts, entries_then, parts_of
from services.query.masking import mask_changes
from services.query.parameters import Line
from services.query.past import Moment, Past, check_moment, differences, folded, read_moment
from services.query.reading import Asked, Reading, answer
from services.query.sql import Arguments

MOMENT = "An instant or relative time (what was known then), `version:3` or `position:1042`"


class ReadParameters(LeadParameters):
    """The lead now, or as it was `as_of`."""

    as_of: Annotated[Line, Field(description=MOMENT)] | None = None


class DiffParameters(LeadParameters):
    """Two moments of a lead."""

    from_: Annotated[Line, Field(alias="from", description=MOMENT)]
    to: Annotated[Line, Field(description=MOMENT + "; without it, now")] | None = None


class AsOf(answers.Shape):
    """The last event that counts at a moment."""

    version: int
    position: int
    recorded_at: datetime


class LeadThen(answers.LeadAnswer, Parts):
    """A lead with all its page shows; `as_of` is null when it is the present one."""

    as_of: AsOf | None


class Step(answers.Shape):
    """An event between the two moments."""

    version: int
    kind: str
    happened_at: datetime
    recorded_at: datetime
    actor: str
    cause: str


class LeadDiff(answers.Shown):
    """What differs between two moments of a lead, and the events that did it."""

    lead_id: UUID
    before: AsOf
    after: AsOf
    changes: list[Change]
    events: list[Step]


def _as_of(recorded: Recorded) -> dict[str, Any]:
    return {
        "version": recorded.version,
        "position": recorded.position,
        "recorded_at": recorded.recorded_at,
    }


def _erases(recorded: Recorded) -> bool:
    return recorded.event.TOPIC in ERASING


def _step(recorded: Recorded) -> dict[str, Any]:
    return {
        "version": recorded.version,
        "kind": recorded.event.TOPIC or getattr(recorded.event, "topic", ""),
        "happened_at": recorded.happened_at,
        "recorded_at": recorded.recorded_at,
        "actor": recorded.origin.actor,
        "cause": recorded.origin.cause,
    }


async def history(past: Past, asked: Asked, lead_id: UUID, min_version: int = 0) -> list[Recorded]:
    """Return all events of a lead that is in sight as it stands now; else NotFound. NotYet when it
    has not reached `min_version`: the log is never behind, so there is nothing to wait for.
    """
    stored = await past.events(asked.connection, lead_id)
    events = await past.decode(lead_id, stored)
    row = folded(events)
    if row is None or not sees(
        asked.sight, row["owner"] or "", row["active"], row["user_processed_by"]
    ):
        raise errors.NotFound
    version = events[-1].version
    if version < min_version:
        text = f"There is no version {min_version} yet; {version} is the latest."
        raise errors.NotYet(text, version=version)
    return events


def upto(asked: Asked, events: list[Recorded], moment: Moment, name: str) -> list[Recorded]:
    """Return the events known by then; Invalid when the lead did not exist yet, or when that moment
    has not come.
    """
    check_moment(moment, asked, events[-1].version, name, events[-1].recorded_at)
    found = [recorded for recorded in events if moment.holds(recorded)]
    if not found:
        detail = errors.Detail("too-early", "the lead did not exist then", f"/query/{name}")
        raise errors.Invalid("The lead did not exist then.", [detail])
    return found


def _page(_: Arguments) -> str:
    return f"l.*, {OF_LEAD}"


def _shown(row: dict[str, Any], asked: Asked) -> dict[str, Any]:
    ordered = {name: row[name] for name in rows.EVERYTHING}
    return rows.shown(ordered, asked.directory.kinds, asked.shows_phones)


def install(app: FastAPI, reading: Reading) -> None:
    """Add the routes of one lead."""
    past = Past(reading.log)

    async def then(asked: Asked, lead_id: UUID, text: str, min_version: int) -> Response:
        moment = read_moment(text, asked.now, "as_of")
        every = await history(past, asked, lead_id, min_version)
        events = upto(asked, every, moment, "as_of")
        row = folded(events)
        assert row is not None
        last = events[-1]
        entries = await entries_then(asked, lead_id, last.version)
        content = {
            "lead": _shown(row, asked),
            "as_of": _as_of(last),
            **parts_of(asked, row, entries, erased=any(map(_erases, every))),
            **asked.currency(),
        }
        return answer(content, {"ETag": f'"{last.version}"'})

    @app.get("/v1/leads/{lead_id}", tags=[TAG], responses={200: {"model": LeadThen}})
    async def read_lead(
        request: Request, lead_id: UUID, given: Annotated[ReadParameters, Query()]
    ) -> Response:
        """Read a lead with everything known of it. The ETag is its version."""
        if given.as_of is not None:
            async with reading.asked(request, given.min_position) as asked:
                return await then(asked, lead_id, given.as_of, given.min_version)
        async with lead_at(reading, request, lead_id, given, _page) as (asked, (row,)):
            erased = row["anonymised"] or row["deleted"]
            content = {
                "lead": _shown(row, asked),
                "as_of": None,
                **parts_of(asked, row, row["entries"], erased=erased),
                **asked.currency(),
            }
            return answer(content, {"ETag": f'"{row["version"]}"'})

    @app.get("/v1/leads/{lead_id}/diff", tags=[TAG], responses={200: {"model": LeadDiff}})
    async def diff_lead(
        request: Request, lead_id: UUID, given: Annotated[DiffParameters, Query()]
    ) -> Response:
        """Tell what differs between two moments of a lead."""
        async with reading.asked(request, given.min_position) as asked:
            first = read_moment(given.from_, asked.now, "from")
            last = Moment(position=asked.head)
            if given.to is not None:
                last = read_moment(given.to, asked.now, "to")
            events = await history(past, asked, lead_id, given.min_version)
            before = upto(asked, events, first, "from")
            after = upto(asked, events, last, "to")
            return answer(_diff(asked, lead_id, before, after))


def _diff(
    asked: Asked, lead_id: UUID, before: list[Recorded], after: list[Recorded]
) -> dict[str, Any]:
    old, new = folded(before), folded(after)
    assert old is not None
    assert new is not None
    changes: Any = differences(old, new)
    if not asked.shows_phones:
        changes = mask_changes(changes, asked.directory.kinds)
    between = sorted((len(before), len(after)))
    longer = max(before, after, key=len)
    return {
        "lead_id": lead_id,
        "before": _as_of(before[-1]),
        "after": _as_of(after[-1]),
        "changes": changes,
        "events": [_step(recorded) for recorded in longer[between[0] : between[1]]],
        **asked.currency(),
    }
