"""What an agent has to do, and the callbacks that wait: per person, in the reader's own sight.

An agent reads their own; team leaders those of their people, administrators and auditors anybody's.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Query, Request
from pydantic import Field
from starlette.responses import Response

from schemas.statuses import PERSONAL_REDIALS
from services.kit import errors
from services.kit.cursors import CursorInvalid, fingerprint
from services.query import answers, rows
from services.query.lead import leads_condition
from services.query.parameters import LIMIT_DEFAULT, Current, Cursor, Id, Limit
from services.query.reading import Asked, Reading, answer
from services.query.sql import Arguments
from services.query.view import Zone

TAG = "work"
Reason = Literal["callback", "reserved", "redial", "unresolved", "locked"]
_ANYBODYS = frozenset({"admin", "auditor"})
_SHOWN = (
    *("lead_id", "version", "campaign_id", "pool_id", "segment_id", "owner", "status", "priority"),
    *("phone", "name", "next_dial_at", "callback_at", "callback_agent", "reserved_for"),
    *("locked_by", "locked_until", "latest_call_at", "call_attempts"),
)


class WorkParameters(Current):
    """The work of the caller, or of `agent`."""

    agent: Id | None = None
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class CallbackParameters(WorkParameters):
    """Callbacks of an agent, or of all in a team and the teams below; without either all in sight.

    `overdue` should have been called by now, `today` are due before the day ends in `zone`, `later`
    on another day, `due` is overdue and today together.
    """

    team: Id | None = None
    campaign: Id | None = None
    when: Literal["overdue", "today", "due", "later", "any"] = "any"
    zone: Zone = "UTC"


class Task(answers.Shape):
    """A lead that waits for the agent, and why. `due`: when it is to be called, null = any time."""

    reasons: list[Reason]
    due: datetime | None
    overdue: bool
    lead: answers.Lead


class Worklist(answers.Shown):
    """What an agent has to do, what is due first on top; `counts` by reason, over all pages."""

    agent: UUID
    counts: dict[Reason, int]
    tasks: list[Task]
    next: str | None


class Callback(answers.Shape):
    """A callback. `agent` is null when anybody who may call the lead may make it."""

    at: datetime
    agent: UUID | None
    overdue: bool
    lead: answers.Lead


class CallbackNumbers(answers.Shape):
    """How many callbacks an agent has; null: those of nobody in particular."""

    agent: UUID | None
    overdue: int = Field(ge=0)
    today: int = Field(ge=0)
    later: int = Field(ge=0)


class Callbacks(answers.Shown):
    """One page of callbacks, the earliest first, and the numbers by agent over all pages."""

    agents: list[CallbackNumbers]
    callbacks: list[Callback]
    next: str | None


def people_of(asked: Asked) -> frozenset[str] | None:
    """Return the users whose work the caller may ask for; None = anybody."""
    who, teams = asked.principal, asked.directory.teams
    if who.role in _ANYBODYS:
        return None
    own = {who.user_id}
    if who.role != "team_leader":
        return frozenset(own)
    below = teams.subtree(who.team_id)
    return frozenset(own.union(*(teams.members.get(team, ()) for team in below)))


def _may_ask(asked: Asked, agent: str) -> str:
    people = people_of(asked)
    if people is not None and agent not in people:
        raise errors.Forbidden("You see your own work, as a leader also that of your people.")
    return agent


def _reasons(agent: str, now: datetime, arguments: Arguments) -> list[tuple[Reason, str, str]]:
    """Return each reason for which a lead `l` waits for the agent: its condition, and one that is
    no narrower than it has to be for an index to find the leads.
    """
    user = arguments.add(UUID(agent), "uuid")
    owner = arguments.add(f"user:{agent}", "text")
    redials = arguments.add(sorted(PERSONAL_REDIALS), "text[]")
    moment = arguments.add(now, "timestamptz")
    mine = f"l.locked_by = {user} and (l.locked_until is null or l.locked_until > {moment})"
    callback = f"(l.callback_agent = {user} and l.callback_at is not null)"
    reserved = f"l.reserved_for = {user}"
    redial = f"(l.owner = {owner} and l.status = any({redials}))"
    return [
        ("callback", callback, callback),
        ("reserved", reserved, reserved),
        ("redial", redial, redial),
        ("unresolved", f"({mine} and l.status = 'unresolved')", f"({mine})"),
        ("locked", f"({mine} and l.status <> 'unresolved')", f"({mine})"),
    ]


async def _worklist(reading: Reading, asked: Asked, given: WorkParameters) -> dict[str, Any]:
    agent = _may_ask(asked, given.agent or asked.principal.user_id)
    arguments = Arguments()
    sight = leads_condition(None, asked, arguments)
    reasons = _reasons(agent, asked.now, arguments)
    waits = f"{sight} and ({' or '.join(dict.fromkeys(indexed for _, _, indexed in reasons))})"
    sums = ", ".join(f"count(*) filter (where {sql}) as {name}" for name, sql, _ in reasons)
    pieces = ("select", sums, "from read.lead l where", waits)
    counts = await asked.connection.fetchrow(" ".join(pieces), *arguments.values)
    bound = fingerprint("worklist", agent)
    named = ", ".join(f"case when {sql} then '{name}' end" for name, sql, _ in reasons)
    due = "coalesce(l.callback_at, l.next_dial_at, '-infinity')"
    place = _place(reading, given.cursor, bound, due, arguments)
    found = await asked.connection.fetch(
        " ".join(
            (
                "select",
                rows.select_list(_SHOWN, arguments),
                f", array_remove(array[{named}], null) as reasons, {due} as place",
                "from read.lead l where",
                f"{waits}{place} order by {due}, l.lead_id limit",
                arguments.add(given.limit + 1, "int8"),
            )
        ),
        *arguments.values,
    )
    page, following = _cut(reading, found, given.limit, bound)
    tasks = []
    for row in page:
        at = row["callback_at"] or row["next_dial_at"]
        task = {"reasons": row["reasons"], "due": at, "overdue": at is not None and at < asked.now}
        tasks.append({**task, "lead": _lead(row, asked)})
    return {"agent": agent, "counts": dict(counts), "tasks": tasks, "next": following}


def _lead(row: Any, asked: Asked) -> dict[str, Any]:
    return rows.shown(row, asked.directory.kinds, asked.shows_phones)


def _place(
    reading: Reading, cursor: str | None, bound: bytes, due: str, arguments: Arguments
) -> str:
    """Return the condition for what comes after the cursor, "" without one."""
    if cursor is None:
        return ""
    try:
        at, last = reading.cursors.open(cursor, bound)
    except CursorInvalid as reason:
        detail = errors.Detail("invalid-cursor", str(reason), "/query/cursor")
        raise errors.Invalid("The cursor is not valid.", [detail]) from None
    moment = "'-infinity'::timestamptz"
    if at is not None:
        moment = arguments.add(datetime.fromisoformat(at), "timestamptz")
    return f" and ({due}, l.lead_id) > ({moment}, {arguments.add(UUID(last), 'uuid')})"


def _cut(
    reading: Reading, found: Sequence[Any], limit: int, bound: bytes
) -> tuple[Sequence[Any], str | None]:
    if len(found) <= limit:
        return found, None
    end = found[limit - 1]
    at = end["callback_at"] or end.get("next_dial_at")
    where = [None if at is None else at.isoformat(), str(end["lead_id"])]
    return found[:limit], reading.cursors.seal(where, bound)


def _whose(asked: Asked, given: CallbackParameters, arguments: Arguments) -> str:
    """Return the condition for the agents that were asked for."""
    if given.agent is not None:
        agent = arguments.add(UUID(_may_ask(asked, given.agent)), "uuid")
        return f" and l.callback_agent = {agent}"
    people = people_of(asked)
    if given.team is not None:
        teams = asked.directory.teams
        below = teams.subtree(given.team)
        wanted = {user for team in below for user in teams.members.get(team, ())}
        if people is not None and not wanted <= people:
            raise errors.Forbidden("You see your own work, as a leader also that of your people.")
        return f" and l.callback_agent = any({arguments.add(sorted(wanted), 'uuid[]')})"
    if people is None:
        return ""
    place = arguments.add(sorted(people), "uuid[]")
    return f" and (l.callback_agent is null or l.callback_agent = any({place}))"


def _spans(asked: Asked, zone: str, arguments: Arguments) -> dict[str, str]:
    """Return the condition of each span of time."""
    local = asked.now.astimezone(ZoneInfo(zone))
    tomorrow = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), local.tzinfo)
    now = arguments.add(asked.now, "timestamptz")
    end = arguments.add(tomorrow, "timestamptz")
    # Each names both times, because a statement must use all of its parameters.
    return {
        "overdue": f"(l.callback_at < {now} and l.callback_at < {end})",
        "today": f"(l.callback_at >= {now} and l.callback_at < {end})",
        "later": f"(l.callback_at >= {now} and l.callback_at >= {end})",
        "due": f"(l.callback_at < {now} or l.callback_at < {end})",
        "any": f"(l.callback_at >= {now} or l.callback_at < {end})",
    }


async def _callbacks(reading: Reading, asked: Asked, given: CallbackParameters) -> dict[str, Any]:
    arguments = Arguments()
    base = leads_condition(None, asked, arguments) + " and l.callback_at is not null"
    base += _whose(asked, given, arguments)
    if given.campaign is not None:
        base += f" and l.campaign_id = {arguments.add(UUID(given.campaign), 'uuid')}"
    spans = _spans(asked, given.zone, arguments)
    sums = ", ".join(
        f"count(*) filter (where {spans[name]}) as {name}" for name in ("overdue", "today", "later")
    )
    pieces = ("select l.callback_agent as agent,", sums, "from read.lead l where", base)
    numbers = await asked.connection.fetch(
        " ".join((*pieces, "group by 1 order by 1")), *arguments.values
    )
    bound = fingerprint(
        "callbacks", given.agent, given.team, given.campaign, given.when, given.zone
    )
    place = _place(reading, given.cursor, bound, "l.callback_at", arguments)
    selected = rows.select_list(_SHOWN, arguments)
    limit = arguments.add(given.limit + 1, "int8")
    condition = f"{base} and {spans[given.when]}{place}"
    pieces = ("select", selected, "from read.lead l where", condition)
    order = ("order by l.callback_at, l.lead_id limit", limit)
    found = await asked.connection.fetch(" ".join((*pieces, *order)), *arguments.values)
    page, following = _cut(reading, found, given.limit, bound)
    shown = [
        {
            "at": row["callback_at"],
            "agent": row["callback_agent"],
            "overdue": row["callback_at"] < asked.now,
            "lead": _lead(row, asked),
        }
        for row in page
    ]
    return {"agents": [dict(row) for row in numbers], "callbacks": shown, "next": following}


def install(app: FastAPI, reading: Reading) -> None:
    """Add the routes of worklists and callbacks."""

    @app.get("/v1/worklist", tags=[TAG], responses={200: {"model": Worklist}})
    async def read_worklist(
        request: Request, given: Annotated[WorkParameters, Query()]
    ) -> Response:
        """Read what an agent has to do: callbacks, reserved leads, own redials, locked leads."""
        async with reading.asked(request, given.min_position) as asked:
            content = await _worklist(reading, asked, given)
            return answer({**content, **asked.currency()})

    @app.get("/v1/callbacks", tags=[TAG], responses={200: {"model": Callbacks}})
    async def list_callbacks(
        request: Request, given: Annotated[CallbackParameters, Query()]
    ) -> Response:
        """List callbacks by when they are due, with numbers for each agent."""
        async with reading.asked(request, given.min_position) as asked:
            content = await _callbacks(reading, asked, given)
            return answer({**content, **asked.currency()})
