"""Bulk jobs over HTTP: plan, execute, cancel, undo; progress, outcomes, the refused leads as CSV.

Who asked for a job sees it; so do administrators and auditors.
"""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID, uuid5

import orjson
from fastapi import FastAPI, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response, StreamingResponse

from schemas.organisation import ORGANISATION_ID
from services.command.answers import Answer, refusal
from services.command.bulk import answers
from services.command.bulk.clearing import OUTCOMES_KEPT
from services.command.bulk.offered import bulk_command, offered_in_bulk
from services.command.bulk.tables import JobTables, Step
from services.command.domain.bulk.commands import CancelBulk, ExecuteBulk, RequestBulk, seen
from services.command.domain.bulk.state import BulkJob
from services.command.domain.decider import Command, Refused
from services.command.domain.facts import Actor
from services.command.facts_loader import Order, actor_of
from services.command.handler import Commanding, require_role
from services.command.routes import request_headers
from services.kit import errors
from services.kit.auth import Authenticator, Principal
from services.kit.csv_text import csv_line
from services.kit.errors import Detail
from services.kit.http import invalid, json_response, read_json, trace_of
from services.kit.ids import new_id
from services.kit.path_ids import id_in_path

PAGE_MAX = 1_000
CSV_PAGE = 5_000
TAG = "bulk"
JOBS = UUID("01920000-0000-7000-8000-62756c6b6a6f")
"""Namespace of the ids of jobs that were asked for with an Idempotency-Key."""

_SEE_ALL = frozenset({"admin", "auditor"})
_JSON = orjson.OPT_UTC_Z
_OUTCOMES_GONE = (
    f"The outcomes of a job are kept for {OUTCOMES_KEPT.days} days after its end; these are gone."
)


class PageQuery(BaseModel):
    """Which page: the rows after `cursor`, the `next` of an earlier answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=PAGE_MAX)] = 100
    cursor: Annotated[str, Field(max_length=40, pattern=r"^[0-9a-f-]+$")] | None = None


class OutcomesQuery(PageQuery):
    """`step` is `plan` or `done` (default: the latest there is); `outcome` leaves one of them."""

    step: Annotated[str, Field(pattern="^(plan|done)$")] | None = None
    outcome: Annotated[str, Field(max_length=20, pattern="^[a-z_]+$")] | None = None


class Caller(BaseModel):
    """Who asks, as known now."""

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)

    principal: Principal
    actor: Actor


class BulkDesk:
    """Takes jobs in and shows them."""

    def __init__(self, commanding: Commanding, authenticator: Authenticator) -> None:
        """Ask for jobs on the log of `commanding`; a runner carries them out."""
        self._commanding = commanding
        self._authenticator = authenticator
        self._tables = JobTables(commanding.log.pool)

    async def caller(self, request: Request) -> Caller:
        """Return who asks, with the role and rights they have now."""
        principal = await self._authenticator.principal_of(request.scope)
        states, _ = await self._commanding.states.get({ORGANISATION_ID: "organisation"})
        return Caller(principal=principal, actor=actor_of(principal, states[ORGANISATION_ID]))

    async def plan(self, request: Request) -> Response:
        """Ask for a plan: one command for all leads of a selection."""
        caller = await self.caller(request)
        asked = await read_json(request, answers.NewJob)
        command = _command_of(asked.command)
        try:
            require_role(type(command), caller.actor)
        except Refused as refused:
            raise refusal(refused) from None
        row = await self._tables.selection(UUID(asked.selection))
        if row is None or str(row["made_by"]) != caller.principal.user_id:
            text = "There is no such selection of yours, or it has expired; make it anew."
            raise errors.Invalid(text, [Detail("unknown-selection", text, "/selection")])
        if row["digest"] != asked.digest:
            text = (
                f"You saw {seen(asked.digest)}, this selection holds {seen(row['digest'])};"
                " look at it again."
            )
            raise errors.Conflict(text, [Detail("digest-differs", text, "/digest")])
        request_bulk = RequestBulk(
            command=type(command).__name__,
            fields=command.model_dump(mode="json", exclude_unset=True),
            selection=asked.selection,
            selected=row["count"],
            digest=asked.digest,
        )
        return await self._give(request, caller, request_bulk, _new_job(request, caller))

    async def execute(self, request: Request, job_id: str) -> Response:
        """Carry out a plan."""
        caller = await self.caller(request)
        job = await self._visible(job_id, caller)
        asked = await read_json(request, answers.ExecuteJob)
        if job.undoes is not None:
            await self._keep_outcomes(job.undoes)
        return await self._give(request, caller, ExecuteBulk(digest=asked.digest), UUID(job.id))

    async def cancel(self, request: Request, job_id: str) -> Response:
        """Cancel a job."""
        caller = await self.caller(request)
        job = await self._visible(job_id, caller)
        return await self._give(request, caller, CancelBulk(), UUID(job.id))

    async def undo(self, request: Request, job_id: str) -> Response:
        """Ask for a plan that takes a job back."""
        caller = await self.caller(request)
        job = await self._visible(job_id, caller)
        if caller.principal.user_id != job.by and caller.actor.role != "admin":
            text = "Only who asked for the job or an administrator may undo it."
            raise errors.Forbidden(text, [Detail("not-your-job", text)])
        changed = _changed_by(job)
        try:
            require_role(offered_in_bulk()[job.command], caller.actor)
        except Refused as refused:
            raise refusal(refused) from None
        await self._keep_outcomes(job.id)
        command = RequestBulk(
            command=job.command,
            fields=dict(job.fields),
            undoes=job.id,
            selected=changed,
            digest=f"{changed}.{UUID(job.id).hex}",
        )
        return await self._give(request, caller, command, _new_job(request, caller))

    async def _give(
        self, request: Request, caller: Caller, command: Command, job_id: UUID
    ) -> Response:
        """Wake a runner, append, and answer with the job as it is then.

        In this order, so that no crash leaves a job that nobody looks at.
        """
        key, if_match = request_headers(request.scope)
        order = Order(
            command, caller.principal, job_id, caller.actor, key, if_match, trace_of(request)
        )
        await self._tables.wake(job_id, caller.principal.user_id)
        answer = await self._commanding.handle(order)
        if answer.is_problem:
            return _answered(answer)
        job = await self._job(UUID(str(answer.body["id"])))
        if answer.replayed:
            await self._tables.wake(UUID(job.id), job.by)
        headers = {**answer.headers(), "Location": f"/v1/bulk-jobs/{job.id}"}
        body = {**await self._shown(job), "position": answer.body["position"]}
        return json_response(orjson.dumps(body, option=_JSON), 202, headers)

    async def one(self, request: Request, job_id: str) -> Response:
        """Show a job and its progress."""
        job = await self._visible(job_id, await self.caller(request))
        return json_response(orjson.dumps(await self._shown(job), option=_JSON))

    async def many(self, request: Request, asked: PageQuery) -> Response:
        """List jobs, the latest first."""
        caller = await self.caller(request)
        mine = None if caller.actor.role in _SEE_ALL else UUID(caller.principal.user_id)
        before = None
        if asked.cursor:
            try:
                before = UUID(asked.cursor)
            except ValueError:
                raise _no_cursor() from None
        ids = await self._tables.jobs(mine, before, asked.limit + 1)
        states = await self._commanding.states.refresh(dict.fromkeys(ids[: asked.limit], "bulk"))
        jobs = [await self._shown(job) for job in states.values() if job.version]
        cursor = str(ids[asked.limit - 1]) if len(ids) > asked.limit else None
        return json_response(orjson.dumps({"jobs": jobs, "next": cursor}, option=_JSON))

    async def outcomes(self, request: Request, job_id: str, asked: OutcomesQuery) -> Response:
        """Show what was planned for each lead, or became of it."""
        job = await self._visible(job_id, await self.caller(request))
        await self._require_outcomes(job)
        undo = job.undoes is not None
        wanted = None
        if asked.outcome is not None:
            wanted = answers.stored_outcome(asked.outcome, undo)
            if wanted is None:
                detail = Detail("unknown-outcome", "no lead has this outcome", "/query/outcome")
                raise errors.Invalid("There is no such outcome.", [detail])
        after = 0
        if asked.cursor is not None:
            if not asked.cursor.isdecimal() or len(asked.cursor) > 9:
                raise _no_cursor()
            after = int(asked.cursor)
        step: Step = "done" if (asked.step or _latest(job)) == "done" else "plan"
        rows = await self._tables.outcomes(UUID(job.id), step, wanted, after, asked.limit + 1)
        shown = rows[: asked.limit]
        cursor = str(shown[-1]["ordinal"]) if len(rows) > asked.limit else None
        content = {"outcomes": [_outcome(row, undo) for row in shown], "next": cursor}
        return json_response(orjson.dumps(content, option=_JSON))

    async def refused(self, request: Request, job_id: str) -> Response:
        """Give the refused leads of the latest step as CSV."""
        job = await self._visible(job_id, await self.caller(request))
        await self._require_outcomes(job)
        headers = {"Content-Disposition": f'attachment; filename="refused-{job.id}.csv"'}
        return StreamingResponse(self._csv(job), media_type="text/csv", headers=headers)

    async def _csv(self, job: BulkJob) -> AsyncIterator[bytes]:
        step: Step = "done" if _latest(job) == "done" else "plan"
        clones = ("dropped",) if job.command == "CloneLead" else ()
        yield csv_line(("lead_id", "version", "codes", "reasons", *clones))
        after = 0
        while rows := await self._tables.outcomes(UUID(job.id), step, "refused", after, CSV_PAGE):
            lines = []
            for row in rows:
                reasons = orjson.loads(row["reasons"] or "[]")
                codes = " ".join(one["code"] for one in reasons)
                texts = " ".join(one["detail"] for one in reasons)
                cells = [str(row["lead_id"]), str(row["version"]), codes, texts]
                if clones:
                    cells.append(" ".join(_dropped(row["changes"])))
                lines.append(csv_line(cells))
            yield b"".join(lines)
            after = rows[-1]["ordinal"]

    async def _keep_outcomes(self, job_id: str) -> None:
        """See that the outcomes an undo rests on outlive it; raise Conflict when they went."""
        if not await self._tables.keep_outcomes(UUID(job_id)):
            raise errors.Conflict(_OUTCOMES_GONE, [Detail("outcomes-gone", _OUTCOMES_GONE)])

    async def _require_outcomes(self, job: BulkJob) -> None:
        if (await self._tables.job(UUID(job.id))).outcomes_gone:
            raise errors.NotFound(_OUTCOMES_GONE, [Detail("outcomes-gone", _OUTCOMES_GONE)])

    async def _visible(self, job_id: str, caller: Caller) -> BulkJob:
        job = await self._job(id_in_path(job_id))
        sees = job.by == caller.principal.user_id or caller.actor.role in _SEE_ALL
        if job.version == 0 or not sees:
            raise errors.NotFound
        return job

    async def _job(self, job_id: UUID) -> BulkJob:
        states = await self._commanding.states.refresh({job_id: "bulk"})
        job: BulkJob = states[job_id]
        return job

    async def _shown(self, job: BulkJob) -> dict[str, Any]:
        return answers.job_answer(job, await self._tables.job(UUID(job.id)))


def _new_job(request: Request, caller: Caller) -> UUID:
    """Return the id of a new job: the same one for a request that comes again with its key."""
    key, _ = request_headers(request.scope)
    return uuid5(JOBS, f"{caller.principal.user_id} {key}") if key else new_id()


def _command_of(given: dict[str, Any]) -> Command:
    """Return the command of a body, or raise Invalid with everything that is wrong with it."""
    fields = dict(given)
    name = fields.pop("name", None)
    if name not in offered_in_bulk():
        text = f"one of {', '.join(sorted(offered_in_bulk()))}"
        detail = Detail("unknown-command", text, "/command/name")
        raise errors.Invalid("There is no such command in bulk.", [detail])
    try:
        return bulk_command(name, fields)
    except ValidationError as error:
        raise invalid(error, "/command") from None


def _changed_by(job: BulkJob) -> int:
    """Return how many leads an undo is about; raise Conflict when there are none, or none yet."""
    code = "job-not-finished"
    if job.done is not None:
        if job.done.applied:
            return job.done.applied
        code, text = "nothing-to-undo", "The job changed no lead; there is nothing to undo."
    elif job.stage in ("planning", "planned"):
        text = "The job was not carried out, so it changed no lead; there is nothing to undo."
        code = "nothing-to-undo"
    elif job.stage == "cancelling":
        text = "The job is being cancelled; undo it once it has ended."
    else:
        text = "The job is still being carried out; cancel it or wait for its end."
    raise errors.Conflict(text, [Detail(code, text)])


def _no_cursor() -> errors.Invalid:
    detail = Detail("invalid-cursor", "take it from an answer", "/query/cursor")
    return errors.Invalid("The cursor is not valid.", [detail])


def _latest(job: BulkJob) -> str:
    return "done" if job.started or job.done is not None else "plan"


def _dropped(changes: str | None) -> list[str]:
    """Return the fields a clone leaves behind, or would have."""
    clone = orjson.loads(changes or "{}").get("clone")
    return [] if clone is None else list(clone["after"]["dropped"])


def _outcome(row: Any, undo: bool) -> dict[str, Any]:
    return {
        "place": row["ordinal"],
        "lead_id": str(row["lead_id"]),
        "version": row["version"],
        "outcome": answers.outcome_name(row["outcome"], undo),
        "moved": row["moved"],
        "version_after": row["version_after"],
        "position": row["position"],
        "reasons": orjson.Fragment(row["reasons"] or "[]"),
        "changes": orjson.Fragment(row["changes"] or "{}"),
    }


def _answered(answer: Answer) -> Response:
    return Response(
        answer.raw(),
        status_code=answer.status,
        media_type="application/problem+json",
        headers=answer.headers(),
    )


def install(app: FastAPI, commanding: Commanding, authenticator: Authenticator) -> None:
    """Add the routes of bulk jobs."""
    desk = BulkDesk(commanding, authenticator)
    accepted: dict[int | str, dict[str, Any]] = {202: {"model": answers.JobAnswer}}
    page: dict[int | str, dict[str, Any]] = {200: {"model": answers.OutcomePage}}
    shown: dict[int | str, dict[str, Any]] = {200: {"model": answers.JobAnswer}}
    listed: dict[int | str, dict[str, Any]] = {200: {"model": answers.JobList}}
    csv: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}

    @app.post("/v1/bulk-jobs", tags=[TAG], status_code=202, responses=accepted,
              openapi_extra=_body(app, answers.NewJob))  # fmt: skip
    async def plan_bulk_job(request: Request) -> Response:
        """Plan one command for all leads of a selection; nothing is changed yet.

        The plan is made by the real decisions. Look at its counts and outcomes, then execute it
        by its digest.
        """
        return await desk.plan(request)

    @app.post("/v1/bulk-jobs/{job_id}/execute", tags=[TAG], status_code=202, responses=accepted,
              openapi_extra=_body(app, answers.ExecuteJob))  # fmt: skip
    async def execute_bulk_job(request: Request, job_id: str) -> Response:
        """Carry out a plan. Leads that changed since are decided on as they are, and marked."""
        return await desk.execute(request, job_id)

    @app.post("/v1/bulk-jobs/{job_id}/cancel", tags=[TAG], status_code=202, responses=accepted)
    async def cancel_bulk_job(request: Request, job_id: str) -> Response:
        """Cancel a job: nothing of it is done after this. What was not reached is listed."""
        return await desk.cancel(request, job_id)

    @app.post("/v1/bulk-jobs/{job_id}/undo", tags=[TAG], status_code=202, responses=accepted)
    async def undo_bulk_job(request: Request, job_id: str) -> Response:
        """Plan to take back what a finished job changed; a job of its own, to be executed."""
        return await desk.undo(request, job_id)

    @app.get("/v1/bulk-jobs", tags=[TAG], responses=listed)
    async def list_bulk_jobs(request: Request, asked: Annotated[PageQuery, Query()]) -> Response:
        """List your jobs, the latest first; administrators and auditors see everybody's."""
        return await desk.many(request, asked)

    @app.get("/v1/bulk-jobs/{job_id}", tags=[TAG], responses=shown)
    async def show_bulk_job(request: Request, job_id: str) -> Response:
        """Show a job with its plan, progress and result."""
        return await desk.one(request, job_id)

    @app.get("/v1/bulk-jobs/{job_id}/outcomes", tags=[TAG], responses=page)
    async def list_bulk_outcomes(
        request: Request, job_id: str, asked: Annotated[OutcomesQuery, Query()]
    ) -> Response:
        """List every lead of a job with its outcome, the reasons, and before and after."""
        return await desk.outcomes(request, job_id, asked)

    @app.get("/v1/bulk-jobs/{job_id}/refused.csv", tags=[TAG], responses=csv)
    async def download_refused(request: Request, job_id: str) -> Response:
        """Download the refused leads with their reasons; nothing in it is read as a formula."""
        return await desk.refused(request, job_id)


def _body(app: FastAPI, model: type[BaseModel]) -> dict[str, Any]:
    """Return how a route's body is documented, which is read as bytes."""

    def add(document: dict[str, Any]) -> None:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["schemas"][model.__name__] = schema

    app.state.openapi_parts.append(add)
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": reference}}}
    }
