"""Contracts of all leads in sight: which stand where in their life, by icon or step."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import FastAPI, Query, Request
from pydantic import Field
from starlette.responses import Response

from schemas.contracts import Icon, Step
from services.kit import errors
from services.kit.cursors import CursorInvalid, fingerprint
from services.query import answers
from services.query.lead import leads_condition
from services.query.parameters import LIMIT_DEFAULT, Current, Cursor, Id, Limit
from services.query.reading import Asked, Reading, answer
from services.query.sql import Arguments


class ContractParameters(Current):
    """Contracts with one of these icons or steps (where they stand now), of a campaign."""

    icon: list[Icon] = Field(default=[], max_length=20)
    step: list[Step] = Field(default=[], max_length=20)
    campaign: Id | None = None
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class LeadContract(answers.Shape):
    """A contract and whose it is."""

    lead_id: UUID
    campaign_id: UUID
    name: str | None
    owner: str | None
    contract: answers.Contract


class ContractPage(answers.Shown):
    """Contracts of up to `limit` leads, those whose leads were modified last first."""

    contracts: list[LeadContract]
    next: str | None


def _condition(given: ContractParameters, asked: Asked, arguments: Arguments) -> str:
    parts = [leads_condition(None, asked, arguments), "l.contract_icon is not null"]
    if given.campaign is not None:
        parts.append(f"l.campaign_id = {arguments.add(UUID(given.campaign), 'uuid')}")
    if given.icon or given.step:
        wanted = _wanted(given, "c", arguments)
        parts.append(f"exists (select from jsonb_array_elements(l.contracts) c where {wanted})")
    return " and ".join(parts)


def _wanted(given: ContractParameters, contract: str, arguments: Arguments) -> str:
    parts = []
    for name, values in (("icon", given.icon), ("step", given.step)):
        if values:
            parts.append(f"{contract} ->> '{name}' = any({arguments.add(values, 'text[]')})")
    return " and ".join(parts)


async def _page(reading: Reading, asked: Asked, given: ContractParameters) -> dict[str, Any]:
    arguments = Arguments()
    condition = _condition(given, asked, arguments)
    bound = fingerprint("contracts", given.icon, given.step, given.campaign)
    if given.cursor is not None:
        try:
            at, last = reading.cursors.open(given.cursor, bound)
        except CursorInvalid as reason:
            detail = errors.Detail("invalid-cursor", str(reason), "/query/cursor")
            raise errors.Invalid("The cursor is not valid.", [detail]) from None
        moment = arguments.add(datetime.fromisoformat(at), "timestamptz")
        place = arguments.add(UUID(last), "uuid")
        condition += f" and (l.last_modified_at, l.lead_id) < ({moment}, {place})"
    pieces = (
        "select l.lead_id, l.campaign_id, l.name, l.owner, l.contracts, l.last_modified_at",
        "from read.lead l where",
        condition,
        "order by l.last_modified_at desc, l.lead_id desc limit",
        arguments.add(given.limit + 1, "int8"),
    )
    found = await asked.connection.fetch(" ".join(pieces), *arguments.values)
    following = None
    if len(found) > given.limit:
        found = found[: given.limit]
        end = found[-1]
        where = [end["last_modified_at"].isoformat(), str(end["lead_id"])]
        following = reading.cursors.seal(where, bound)
    contracts = []
    for row in found:
        lead = {name: row[name] for name in ("lead_id", "campaign_id", "name", "owner")}
        own = orjson.loads(row["contracts"])
        contracts += [{**lead, "contract": one} for one in own if _fits(one, given)]
    return {"contracts": contracts, "next": following}


def _fits(contract: dict[str, Any], given: ContractParameters) -> bool:
    fits_icon = not given.icon or contract["icon"] in given.icon
    return fits_icon and (not given.step or contract["step"] in given.step)


def install(app: FastAPI, reading: Reading) -> None:
    """Add the route of contracts."""

    @app.get("/v1/contracts", tags=["work"], responses={200: {"model": ContractPage}})
    async def list_contracts(
        request: Request, given: Annotated[ContractParameters, Query()]
    ) -> Response:
        """List contracts by where they stand, with their timelines."""
        async with reading.asked(request, given.min_position) as asked:
            content = await _page(reading, asked, given)
            return answer({**content, **asked.currency()})
