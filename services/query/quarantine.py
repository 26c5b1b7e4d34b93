"""Dialer payloads that could not be taken in: a list by state, and one with its raw bytes (rule 9).

Raw payloads hold numbers, so who may not see numbers gets no bytes.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from schemas.instants import format_instant
from services.kit import errors
from services.kit.auth import require_role
from services.kit.cursors import CursorInvalid, fingerprint
from services.query import answers
from services.query.parameters import LIMIT_DEFAULT, Code, Current, Cursor, Limit
from services.query.reading import Asked, Reading, answer
from services.query.sql import Arguments

ROLES = frozenset({"admin", "auditor", "dialer"})


class QuarantineParameters(Current):
    """Payloads in this state, held for this reason."""

    state: Literal["open", "mended", "reprocessed", "discarded", "erased"] | None = None
    code: Code | None = None
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class Held(answers.Shape):
    """A held payload. `raw` and `mended` are its text, null for callers who may not see numbers."""

    quarantine_id: UUID
    version: int
    state: str
    code: str
    reason: str
    source: str
    call_id: str | None
    raw: str | None
    mended: str | None
    mended_by: str | None
    lead_id: UUID | None
    discarded_for: str | None
    held_at: datetime
    changed_at: datetime


class HeldPage(answers.Shown):
    """One page of held payloads, the latest first."""

    held: list[Held]
    next: str | None


class HeldAnswer(answers.Shown):
    """One held payload."""

    held: Held


_COLUMNS = (
    "q.quarantine_id, q.version, q.state, q.code, q.reason, q.source, q.call_id, q.raw, q.mended,"
    " q.mended_by, q.lead_id, q.discarded_for, q.held_at, q.changed_at"
)


def _shown(row: Any, phones: bool) -> dict[str, Any]:
    held = dict(row)
    for name in ("raw", "mended"):
        raw = held[name]
        held[name] = raw.decode("utf-8", "replace") if phones and raw is not None else None
    return held


async def held_page(reading: Reading, asked: Asked, given: QuarantineParameters) -> Response:
    """Answer one page of the quarantine."""
    arguments = Arguments()
    parts = ["true"]
    if given.state is not None:
        parts.append(f"q.state = {arguments.add(given.state, 'text')}")
    if given.code is not None:
        parts.append(f"q.code = {arguments.add(given.code, 'text')}")
    bound = fingerprint("quarantine", given.state, given.code)
    if given.cursor is not None:
        try:
            held_at, last = reading.cursors.open(given.cursor, bound)
        except CursorInvalid as reason:
            detail = errors.Detail("invalid-cursor", str(reason), "/query/cursor")
            raise errors.Invalid("The cursor is not valid.", [detail]) from None
        time = arguments.add(datetime.fromisoformat(held_at), "timestamptz")
        parts.append(
            f"(q.held_at, q.quarantine_id) < ({time}, {arguments.add(UUID(last), 'uuid')})"
        )
    condition = " and ".join(parts)
    order = "order by q.held_at desc, q.quarantine_id desc limit"
    limit = arguments.add(given.limit + 1, "int8")
    statement = ("select", _COLUMNS, "from read.quarantine q where", condition, order, limit)
    found = await asked.connection.fetch(" ".join(statement), *arguments.values)
    following = None
    if len(found) > given.limit:
        found = found[: given.limit]
        last_row = found[-1]
        place = [format_instant(last_row["held_at"]), str(last_row["quarantine_id"])]
        following = reading.cursors.seal(place, bound)
    shown = [_shown(row, asked.shows_phones) for row in found]
    return answer({"held": shown, "next": following, **asked.currency()})


def install(app: FastAPI, reading: Reading) -> None:
    """Add the routes of the quarantine."""

    @app.get("/v1/quarantine", tags=["quarantine"], responses={200: {"model": HeldPage}})
    async def list_quarantine(
        request: Request, given: Annotated[QuarantineParameters, Query()]
    ) -> Response:
        """List held payloads, the latest first."""
        async with reading.asked(request, given.min_position) as asked:
            require_role(asked.principal, ROLES)
            return await held_page(reading, asked, given)

    @app.get(
        "/v1/quarantine/{quarantine_id}",
        tags=["quarantine"],
        responses={200: {"model": HeldAnswer}},
    )
    async def read_quarantine(
        request: Request, quarantine_id: UUID, given: Annotated[Current, Query()]
    ) -> Response:
        """Read one held payload."""
        async with reading.asked(request, given.min_position) as asked:
            require_role(asked.principal, ROLES)
            statement = ("select", _COLUMNS, "from read.quarantine q where q.quarantine_id = $1")
            row = await asked.connection.fetchrow(" ".join(statement), quarantine_id)
            if row is None:
                raise errors.NotFound
            return answer({"held": _shown(row, asked.shows_phones), **asked.currency()})
