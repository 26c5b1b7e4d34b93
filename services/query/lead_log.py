"""The log of a lead: every call and change, newest first, who, when, why, before and after.

Newest by when the fact happened, so a call that arrived late stands where it belongs (rule 9); both
times are told. What happened to leads that were merged into this one stands among its own.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import FastAPI, Query, Request
from pydantic import AfterValidator, Field
from starlette.responses import Response

from schemas.filter_names import LOG_KINDS
from schemas.instants import format_instant
from services.kit import errors
from services.kit.cursors import CursorInvalid, fingerprint
from services.query import answers
from services.query.causes import Cause, cause_of
from services.query.changes import changes_of, complete, has_personal
from services.query.lead import TAG, LeadParameters, lead_at
from services.query.masking import mask_event
from services.query.merged_logs import erased_among, leads_of_log, moment_of_log
from services.query.parameters import LIMIT_DEFAULT, Actor, Cursor, Limit, Line
from services.query.past import Moment, check_moment, read_moment
from services.query.reading import Asked, Reading, answer
from services.query.sql import Arguments


def _known_kind(name: str) -> str:
    if "lead." + name.removeprefix("lead.") not in LOG_KINDS:
        listed = ", ".join(kind.removeprefix("lead.") for kind in LOG_KINDS)
        raise ValueError(f"there is no kind of event {name}; there are: {listed}")
    return name


Kind = Annotated[str, Field(pattern=r"^(lead\.)?[a-z_]{1,60}$"), AfterValidator(_known_kind)]


class LogParameters(LeadParameters):
    """Which entries: of these kinds (`call_recorded`), by these actors, known by `as_of`."""

    kind: list[Kind] = Field(default=[], max_length=50)
    actor: list[Actor] = Field(default=[], max_length=50)
    as_of: Annotated[Line, Field(description="An instant, or `version:3`")] | None = None
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class Change(answers.Shape):
    """One field and its values then."""

    field: str
    before: Any
    after: Any


class LogEntry(answers.Shape):
    """One event of the lead, or of one merged into it (`lead_id`, whose `version` it is).

    `happened_at` is the fact's own time, `recorded_at` when it was learned. `erased`: it had
    personal fields and they are gone for good (rule 16).
    """

    lead_id: UUID
    version: int
    position: int
    kind: str
    happened_at: datetime
    recorded_at: datetime
    actor: str
    cause: str
    because: Cause
    data: dict[str, Any]
    changes: list[Change]
    erased: bool


class LogPage(answers.Shown):
    """One page of a lead's log, newest first."""

    lead_id: UUID
    version: int = Field(description="The version of the lead the log reaches to")
    merged: list[UUID] = Field(description="Leads merged into it, whose entries are among these")
    entries: list[LogEntry]
    next: str | None


def _page_of(
    reading: Reading,
    lead_id: UUID,
    given: LogParameters,
    moment: Moment | None,
    whose: str,
    arguments: Arguments,
) -> str:
    """Return what selects the entries of a page, and one more, of the leads that `whose` is about.

    Raises Invalid for a cursor of another question.
    """
    parts = [f"g.lead_id = {whose}"]
    if given.kind:
        kinds = ["lead." + kind.removeprefix("lead.") for kind in given.kind]
        parts.append(f"g.kind = any({arguments.add(kinds, 'text[]')})")
    if given.actor:
        parts.append(f"g.actor = any({arguments.add(given.actor, 'text[]')})")
    if moment is not None and moment.position is not None:
        parts.append(f"g.position <= {arguments.add(moment.position, 'int8')}")
    if moment is not None and moment.time is not None:
        parts.append(f"g.recorded_at <= {arguments.add(moment.time, 'timestamptz')}")
    if given.cursor is not None:
        try:
            happened_at, below = reading.cursors.open(given.cursor, _bound(lead_id, given))
        except CursorInvalid as reason:
            detail = errors.Detail("invalid-cursor", str(reason), "/query/cursor")
            raise errors.Invalid("The cursor is not valid.", [detail]) from None
        time_place = arguments.add(datetime.fromisoformat(happened_at), "timestamptz")
        place = arguments.add(below, "int8")
        parts.append(f"(g.happened_at, g.position) < ({time_place}, {place})")
    limit = arguments.add(given.limit + 1, "int8")
    order = "order by g.happened_at desc, g.position desc limit"
    return " ".join(("select g.* from read.lead_log g where", " and ".join(parts), order, limit))


def _bound(lead_id: UUID, given: LogParameters) -> bytes:
    return fingerprint("log", str(lead_id), given.kind, given.actor, given.as_of)


_LEAD = "l.lead_id as of_lead, l.absorbed, l.anonymised, l.deleted"


@asynccontextmanager
async def _read(
    reading: Reading, request: Request, lead_id: UUID, given: LogParameters
) -> AsyncIterator[tuple[Asked, Any, list[UUID], list[Any]]]:
    """Begin a read of a lead's log; yield the lead, the leads whose log it is, and the entries.

    Nearly all logs are one lead's, and come with it in one statement.
    """
    if given.as_of is None:

        def with_entries(arguments: Arguments) -> str:
            page = _page_of(reading, lead_id, given, None, "l.lead_id", arguments)
            return f"left join lateral ({page}) g on true"

        whole = lead_at(reading, request, lead_id, given, lambda _: f"{_LEAD}, g.*", with_entries)
    else:
        whole = lead_at(reading, request, lead_id, given, lambda _: _LEAD)
    async with whole as (asked, rows):
        lead = rows[0]
        if given.as_of is None and lead["absorbed"] == "[]":
            yield asked, lead, [lead_id], [row for row in rows if row["lead_id"] is not None]
            return
        moment = None
        if given.as_of is not None:
            moment = read_moment(given.as_of, asked.now, "as_of")
            check_moment(moment, asked, lead["lead_version"], "as_of")
            moment = await moment_of_log(asked, lead_id, moment)
        leads = await leads_of_log(asked, lead_id, moment)
        arguments = Arguments()
        whose = f"any({arguments.add(leads, 'uuid[]')})"
        statement = _page_of(reading, lead_id, given, moment, whose, arguments)
        yield asked, lead, leads, await asked.connection.fetch(statement, *arguments.values)


async def log_page(
    reading: Reading, request: Request, lead_id: UUID, given: LogParameters
) -> Response:
    """Answer one page of the log of a lead."""
    async with _read(reading, request, lead_id, given) as (asked, lead, leads, found):
        following, shown = None, found[: given.limit]
        if len(found) > given.limit:
            last = shown[-1]
            place_of_last = [format_instant(last["happened_at"]), last["position"]]
            following = reading.cursors.seal(place_of_last, _bound(lead_id, given))
        erased = lead["anonymised"] or lead["deleted"]
        content = {
            "lead_id": lead_id,
            "version": lead["lead_version"],
            "merged": leads[1:],
            "entries": await entries(asked, shown, {lead_id: erased}),
            "next": following,
            **asked.currency(),
        }
        return answer(content)


async def entries(
    asked: Asked, found: list[Any], known: Mapping[UUID, bool] | None = None
) -> list[dict[str, Any]]:
    """Return rows of the log as people read them. `known`: of some leads, whether they are
    erased.
    """
    known = known or {}
    unsure = {
        row["lead_id"]
        for row in found
        if row["personal"] is None and row["lead_id"] not in known and has_personal(row["kind"])
    }
    erased = {lead_id for lead_id, gone in known.items() if gone}
    if unsure:
        erased |= await erased_among(asked, sorted(unsure))
    return [entry(asked, row, erased=row["lead_id"] in erased) for row in found]


def entry(asked: Asked, row: Any, *, erased: bool) -> dict[str, Any]:
    """Return a row of the log as its reader may see it; `erased` says that the lead was."""
    kind, kinds = row["kind"], asked.directory.kinds
    data = orjson.loads(row["data"])
    personal = None if row["personal"] is None else orjson.loads(row["personal"])
    if not asked.shows_phones:
        data = mask_event(kind, data, kinds, personal=False)
        if personal is not None:
            personal = mask_event(kind, personal, kinds, personal=True)
    whole = complete(kind, data, personal)
    return {
        "lead_id": row["lead_id"],
        "version": row["version"],
        "position": row["position"],
        "kind": kind,
        "happened_at": row["happened_at"],
        "recorded_at": row["recorded_at"],
        "actor": row["actor"],
        "cause": row["cause"],
        "because": cause_of(row["cause"]),
        "data": whole,
        "changes": changes_of(kind, whole),
        "erased": erased and personal is None and has_personal(kind),
    }


def install(app: FastAPI, reading: Reading) -> None:
    """Add the route of a lead's log."""

    @app.get("/v1/leads/{lead_id}/log", tags=[TAG], responses={200: {"model": LogPage}})
    async def read_log(
        request: Request, lead_id: UUID, given: Annotated[LogParameters, Query()]
    ) -> Response:
        """Read what happened to a lead and to those merged into it, newest first."""
        return await log_page(reading, request, lead_id, given)
