"""Leads from a connected source: another system pushes them, in batches, with keys of its own.

A source is a user with an API key and the right to import. Its rows are decided on as those of a
file are, at once, and each answered. What makes a row the same one is its key, so a batch that is
sent again makes nothing twice, whatever else is in it.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID, uuid5

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

from schemas.envelope import Origin
from schemas.organisation import ORGANISATION_ID
from services.command.answers import refusal
from services.command.domain.decider import Reason, Refused
from services.command.domain.facts import Actor
from services.command.domain.imports.commands import may_import
from services.command.domain.imports.state import Import
from services.command.domain.pool.commands import CreatePool
from services.command.domain.types import Code, FieldMap, Id, Line, Name, OwnerRef, Region
from services.command.facts_loader import Order, actor_of
from services.command.handler import Commanding
from services.command.imports.answers import row_answers
from services.command.imports.deciding import Decided, ImportJudge, Pending
from services.command.imports.reading import COLUMNS_MAX, Row
from services.command.imports.settings import Duplicates, ImportSettings, unknown_fields
from services.command.imports.tables import Run
from services.command.imports.work import ROUNDS_MAX, appended
from services.kit import errors
from services.kit.auth import Authenticator, Principal
from services.kit.clock import Clock
from services.kit.errors import Detail
from services.kit.http import json_response, read_json, trace_of
from services.kit.ids import named_id, new_id

ROWS_MAX = 1_000
BODY_BYTES_MAX = 8 << 20
SOURCES = UUID("01920000-0000-7000-8000-736f75726365")
"""Namespace of what sources name: their rows, and the pools of their days."""

Key = Annotated[Line, Field(min_length=1)]


class SourceRow(BaseModel):
    """A lead as the source has it. `key` is the source's own name for it, for ever the same.

    fields: `phone`, `name`, `email`, `whatsapp`, import names of the template, and whatever else a
    column of a file may be for (`contact:1`, `system:ownership_code`, …).
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    key: Key
    fields: FieldMap


class SourceRows(BaseModel):
    """A batch of a source. Its leads go into the source's pool of the day.

    The owner is the one of the row's ownership code, else of the batch's, else `owner`, else the
    top-level team.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    campaign_id: Id
    source: Code
    rows: Annotated[tuple[SourceRow, ...], Field(min_length=1, max_length=ROWS_MAX)]
    owner: OwnerRef | None = None
    ownership_code: Name | None = None
    duplicates: Duplicates = "skip"
    default_region: Region | None = None

    @model_validator(mode="after")
    def _fits(self) -> "SourceRows":
        keys = [row.key for row in self.rows]
        if len(keys) != len(set(keys)):
            raise ValueError("name each row by a key of its own")
        if not 0 < len(self.names) <= COLUMNS_MAX:
            raise ValueError(f"name at least one field, and at most {COLUMNS_MAX}")
        return self

    @property
    def names(self) -> list[str]:
        """The fields that rows name, each once; with the batch's code that of codes too."""
        code = [CODE] if self.ownership_code is not None else []
        return list(dict.fromkeys([name for row in self.rows for name in row.fields] + code))


CODE = "system:ownership_code"


class SourceRowAnswer(BaseModel):
    """What became of a row: `created`, `updated`, `unchanged`, `skipped`, `refused`, or `blank`."""

    key: str
    outcome: str
    lead_id: str | None
    reasons: list[dict[str, str]]


class SourceAnswer(BaseModel):
    """What became of the rows, in their order, and how many had which outcome."""

    pool_id: str
    counts: dict[str, int]
    rows: list[SourceRowAnswer]


class SourceJudge(ImportJudge):
    """Decides on rows as on those of a file; the leads they make are named by their keys."""

    def __init__(
        self, commanding: Commanding, clock: Clock, one: Import, source: str, keys: Sequence[str]
    ) -> None:
        """Decide on the rows with these keys, numbered from 1."""
        super().__init__(commanding, clock, one)
        self.origin = Origin(f"user:{one.by}", f"source:{source}")
        self.lead_source = "api"
        self._leads = [named_id(self.stream, key) for key in keys]

    def lead_of(self, row: int) -> UUID:
        """Return the id of the lead that a row makes."""
        return self._leads[row - 1]

    @property
    def leads(self) -> Mapping[UUID, int]:
        """The rows by the lead each would make."""
        return {lead: row for row, lead in enumerate(self._leads, 1)}


class SourceDesk:
    """Takes rows in and answers what became of each."""

    def __init__(self, commanding: Commanding, authenticator: Authenticator, clock: Clock) -> None:
        """Decide and append with `commanding`."""
        self._commanding = commanding
        self._authenticator = authenticator
        self._clock = clock

    async def take(self, request: Request) -> Response:
        """Take a batch in."""
        principal = await self._authenticator.principal_of(request.scope)
        states, _ = await self._commanding.states.get({ORGANISATION_ID: "organisation"})
        actor = actor_of(principal, states[ORGANISATION_ID])
        if not may_import(actor):
            text = f"Your role ({actor.role}) may not import leads."
            raise errors.Forbidden(text, [Detail("role-not-allowed", text)])
        asked = await read_json(request, SourceRows, BODY_BYTES_MAX)
        settings = await self._settings(asked)
        pool = await self._pool(request, principal, asked)
        one = _import_of(asked, settings, actor, pool)
        keys = [row.key for row in asked.rows]
        judge = SourceJudge(self._commanding, self._clock, one, asked.source, keys)
        run = await self._done(judge, _rows(asked))
        answered = [{**row, "key": keys[row.pop("row") - 1]} for row in _told(run, judge)]
        counts: dict[str, int] = {}
        for row in answered:
            counts[row["outcome"]] = counts.get(row["outcome"], 0) + 1
        return json_response({"pool_id": str(pool), "counts": counts, "rows": answered})

    async def _done(self, judge: SourceJudge, rows: Sequence[Row]) -> Run:
        """Decide on the rows and append what they come to, all at once."""
        for _ in range(ROUNDS_MAX):
            there = await self._commanding.log.versions(judge.leads)
            earlier = {judge.leads[lead]: lead for lead in there}
            decided: Decided = await judge.decide(1, rows, 0, Pending(), earlier)
            run = await appended(self._commanding.log, new_id(), decided)
            if run is not None:
                return run
        raise errors.Contended(retry_after_seconds=1)

    async def _settings(self, asked: SourceRows) -> ImportSettings:
        """Return the batch as settings of a file whose columns are the fields; raise Invalid."""
        campaign = UUID(asked.campaign_id)
        states = await self._commanding.states.refresh({campaign: "campaign"})
        columns = [{"column": place, "field": name} for place, name in enumerate(asked.names, 1)]
        settings = ImportSettings.model_validate(
            {
                "columns": tuple(columns),
                "owner": asked.owner,
                "duplicates": asked.duplicates,
                "default_region": asked.default_region,
            }
        )
        reasons = [
            Reason("unknown-field", f"No lead of this campaign has a field {name}.", "rows")
            for name in unknown_fields(settings, states[campaign].template)
        ]
        if not states[campaign].version:
            reasons = [Reason("unknown-campaign", "There is no such campaign.", "campaign_id")]
        if reasons:
            raise refusal(Refused(reasons))
        return settings

    async def _pool(self, request: Request, principal: Principal, asked: SourceRows) -> UUID:
        """Return the pool of the source's day, having begun it with its first batch."""
        name = f"{asked.source} {self._clock.now():%Y-%m-%d}"
        pool = uuid5(SOURCES, f"pool {asked.campaign_id} {name}")
        states = await self._commanding.states.refresh({pool: "pool"})
        if states[pool].version:
            return pool
        command = CreatePool(campaign_id=asked.campaign_id, name=name, source="api")
        order = Order(command, principal, pool, trace=trace_of(request))
        try:
            await self._commanding.handle(order)
        except errors.Conflict:
            states = await self._commanding.states.refresh({pool: "pool"})
            if not states[pool].version:
                raise
        except Refused as refused:
            raise refusal(refused) from None
        return pool


def _import_of(asked: SourceRows, settings: ImportSettings, actor: Actor, pool: UUID) -> Import:
    """Return what stands for the source where rows are decided on; it has no stream of its own."""
    stream = uuid5(SOURCES, f"{asked.campaign_id} {asked.source}")
    return Import(
        id=str(stream),
        by=actor.user_id or "",
        campaign_id=asked.campaign_id,
        settings=settings.model_dump(mode="json"),
        pool_id=str(pool),
    )


def _rows(asked: SourceRows) -> list[Row]:
    names = asked.names
    return [
        Row(number, [_cell(row.fields.get(name), name, asked) for name in names])
        for number, row in enumerate(asked.rows, 1)
    ]


def _cell(value: Any, name: str, asked: SourceRows) -> str:
    if value is None or value == "":
        return asked.ownership_code or "" if name == CODE else ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _told(run: Run, judge: SourceJudge) -> list[dict[str, Any]]:
    told = row_answers(run, judge.stream, "done")
    for row in told:
        if row["outcome"] == "created":
            row["lead_id"] = str(judge.lead_of(row["row"]))
    return told
