"""Do-not-call entries: who must not be called, where, until when, and who said so."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import FastAPI, Query, Request
from pydantic import Field
from starlette.responses import Response

from services.kit import errors
from services.kit.auth import require_role
from services.kit.cursors import CursorInvalid, fingerprint
from services.query import answers
from services.query.masking import masked
from services.query.parameters import LIMIT_DEFAULT, Current, Cursor, Id, Limit
from services.query.reading import Asked, Reading, answer
from services.query.sql import Arguments

ROLES = frozenset({"admin", "auditor", "team_leader"})


class DncParameters(Current):
    """Entries for this number, of this scope or campaign; `standing` leaves out what has ended."""

    number: Annotated[str, Field(pattern=r"^\+[0-9]{3,15}$")] | None = None
    scope: Literal["campaign", "global"] | None = None
    campaign: Id | None = None
    standing: Literal["true", "false"] = "true"
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class DncEntry(answers.Shape):
    """An entry; `number` is null once it was erased, and the entry still stands."""

    dnc_id: UUID
    scope: str
    campaign_id: str | None
    number: str | None
    reason: str
    added_by: str
    added_at: datetime
    expires_at: datetime | None
    removed_by: str | None
    removed_at: datetime | None


class DncPage(answers.Shown):
    """One page of do-not-call entries."""

    entries: list[DncEntry]
    next: str | None


_COLUMNS = (
    "d.stream_id, d.scope, d.campaign_id, d.number, d.reason, d.added_by, d.added_at,"
    " d.expires_at, d.removed_by, d.removed_at"
)


def _shown(row: Any, phones: bool) -> dict[str, Any]:
    entry = {"dnc_id": row["stream_id"], **row}
    del entry["stream_id"]
    entry["campaign_id"] = entry["campaign_id"] or None
    if entry["number"] is not None and not phones:
        entry["number"] = masked(entry["number"])
    return entry


def _condition(asked: Asked, given: DncParameters, arguments: Arguments) -> str:
    parts = ["true"]
    for column, value in (
        ("number", given.number),
        ("scope", given.scope),
        ("campaign_id", given.campaign),
    ):
        if value is not None:
            parts.append(f"d.{column} = {arguments.add(value, 'text')}")
    if given.standing == "true":
        now = arguments.add(asked.now, "timestamptz")
        parts.append(f"d.removed_at is null and (d.expires_at is null or d.expires_at > {now})")
    return " and ".join(parts)


async def dnc_page(reading: Reading, asked: Asked, given: DncParameters) -> Response:
    """Answer one page of entries."""
    if given.number is not None and not asked.shows_phones:
        raise errors.Forbidden("Asking for a number takes the right to see numbers.")
    arguments = Arguments()
    condition = _condition(asked, given, arguments)
    bound = fingerprint("dnc", given.number, given.scope, given.campaign, given.standing)
    if given.cursor is not None:
        try:
            stream, scope, campaign = reading.cursors.open(given.cursor, bound)
        except CursorInvalid as reason:
            detail = errors.Detail("invalid-cursor", str(reason), "/query/cursor")
            raise errors.Invalid("The cursor is not valid.", [detail]) from None
        place = (
            arguments.add(UUID(stream), "uuid"),
            arguments.add(scope, "text"),
            arguments.add(campaign, "text"),
        )
        condition += f" and (d.stream_id, d.scope, d.campaign_id) > ({', '.join(place)})"
    limit = arguments.add(given.limit + 1, "int8")
    order = "order by d.stream_id, d.scope, d.campaign_id limit"
    statement = ("select", _COLUMNS, "from read.dnc d where", condition, order, limit)
    found = await asked.connection.fetch(" ".join(statement), *arguments.values)
    following = None
    if len(found) > given.limit:
        found = found[: given.limit]
        last = found[-1]
        place_after = [str(last["stream_id"]), last["scope"], last["campaign_id"]]
        following = reading.cursors.seal(place_after, bound)
    shown = [_shown(row, asked.shows_phones) for row in found]
    return answer({"entries": shown, "next": following, **asked.currency()})


def install(app: FastAPI, reading: Reading) -> None:
    """Add the route of do-not-call entries."""

    @app.get("/v1/do-not-call", tags=["do-not-call"], responses={200: {"model": DncPage}})
    async def list_do_not_call(
        request: Request, given: Annotated[DncParameters, Query()]
    ) -> Response:
        """List do-not-call entries."""
        async with reading.asked(request, given.min_position) as asked:
            require_role(asked.principal, ROLES)
            return await dnc_page(reading, asked, given)
