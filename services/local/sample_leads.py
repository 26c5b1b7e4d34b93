"""The sample's campaign, pool, agents and leads, made by the same decisions as any other lead: by
the thousand, as one upload. What is there already is left alone, so a killed load simply goes on.
"""

import asyncio
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any
from uuid import UUID, uuid5

from schemas.envelope import Origin
from schemas.organisation import ORGANISATION_ID
from services.command.domain.campaign.commands import CreateCampaign, FieldSpec, RuleSpec
from services.command.domain.decider import Command, decide
from services.command.domain.facts import Actor, Facts
from services.command.domain.lead.creating import CreateLead
from services.command.domain.lead.state import Lead
from services.command.domain.organisation.commands import AddUser
from services.command.domain.pool.commands import CreatePool
from services.command.facts_loader import Order, World
from services.command.first_start import set_up, team_id
from services.command.handler import Commanding
from services.command.planning import plan
from services.kit.append import Append, Appended, Commanded, CommandRepeated
from services.kit.auth import Principal
from services.kit.clock import Clock
from services.local.sample_data import (
    CAMPAIGN,
    CAMPAIGN_CODE,
    POOL,
    SAMPLE,
    TEAMS,
    Client,
    agents_of,
    clients,
)

CHUNK = 1_000
ACTOR = Actor("service:sample", "admin")
_NOBODY = Principal(user_id="", role="admin")
_NOT_ASKED_AGAIN = b"[]"
_NEEDED = {ORGANISATION_ID: "organisation", CAMPAIGN: "campaign", POOL: "pool"}
POOL_NAME = "Clients of the bank"
_NUMBERS = ("age", "balance", "day", "pdays", "previous")
_BOOLEANS = ("default", "housing", "loan")
_PICKLISTS = {
    "job": (
        "admin.", "blue-collar", "entrepreneur", "housemaid", "management", "retired",
        "self-employed", "services", "student", "technician", "unemployed", "unknown",
    ),
    "marital": ("divorced", "married", "single"),
    "education": ("primary", "secondary", "tertiary", "unknown"),
    "contact": ("cellular", "telephone", "unknown"),
    "month": (
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ),
    "poutcome": ("failure", "other", "success", "unknown"),
}  # fmt: skip
_LABELS = {
    "default": "Credit in default",
    "balance": "Yearly balance, EUR",
    "housing": "Housing loan",
    "loan": "Personal loan",
    "contact": "Kind of phone",
    "day": "Day of last contact",
    "month": "Month of last contact",
    "pdays": "Days since previous campaign",
    "previous": "Contacts before this campaign",
    "poutcome": "Outcome of previous campaign",
}
_AGENT_NAMES = ("Amy", "Ben", "Cleo", "Dan")

RULES = (
    RuleSpec(disposition="subscribed", next_status="success"),
    RuleSpec(disposition="declined", next_status="not_interested"),
    RuleSpec(disposition="call_back_later", next_status="rescheduled", delay_minutes=1_440),
    RuleSpec(end_cause="NoResponse", next_status="no_answer", delay_minutes=240),
    RuleSpec(end_cause="VoiceMail", next_status="no_answer", delay_minutes=1_440),
    RuleSpec(end_cause="Busy", next_status="automatic_redial", delay_minutes=15),
    RuleSpec(end_cause="DroppedCall", next_status="automatic_redial", delay_minutes=60),
)
"""What the bank did after each call, as follow-up rules (rule 19)."""


class NotLoaded(RuntimeError):
    """A lead of the sample could not be made; the text says why."""


async def load_leads(
    commanding: Commanding, clock: Clock, limit: int | None, progress: Callable[[int], None]
) -> int:
    """Make what is missing of the sample's campaign, agents and leads; return how many were made.

    `progress` hears how many are there so far. Raises AppendError when the database is away.
    """
    await set_up(commanding, {})
    await _make_what_leads_need(commanding)
    states: dict[UUID, Any]
    states, _ = await commanding.states.get(_NEEDED)
    facts = Facts(
        clock.now(),
        ACTOR,
        organisation=states[ORGANISATION_ID],
        campaign=states[CAMPAIGN],
        pool=states[POOL],
    )
    made = there = 0
    under_way: asyncio.Task[int] | None = None
    rows = clients(limit)
    while chunk := list(islice(rows, CHUNK)):
        appends = await _decided(commanding, chunk, facts)
        if under_way is not None:
            made += await under_way
            progress(there)
        # While the database stores this thousand, the next is decided.
        under_way = asyncio.create_task(_append(commanding, appends))
        there += len(chunk)
    if under_way is not None:
        made += await under_way
    progress(there)
    return made


async def _decided(commanding: Commanding, chunk: Sequence[Client], facts: Facts) -> list[Append]:
    """Return the appends of those leads that are not there yet."""
    present = await commanding.log.versions([one.lead for one in chunk])
    return [_append_of(commanding, one, facts) for one in chunk if one.lead not in present]


def _append_of(commanding: Commanding, client: Client, facts: Facts) -> Append:
    command_id = uuid5(SAMPLE, f"create {client.number}")
    outcomes = decide(Lead(), lead_command(client), facts)
    world = World(client.lead, "lead", Lead(), facts, {})
    origin = Origin(ACTOR.id, f"command:{command_id}")
    made = plan(world, outcomes, origin, commanding.log.keys.master)
    return made.append(Commanded(command_id, b"", _NOT_ASKED_AGAIN))


async def _append(commanding: Commanding, appends: Sequence[Append]) -> int:
    made = 0
    for result in await commanding.log.append_many(appends):
        if isinstance(result, Appended):
            made += 1
        elif not isinstance(result, CommandRepeated):
            raise result
    return made


def lead_command(client: Client) -> CreateLead:
    """Return the command that makes a client's lead: every column of the file but the calls."""
    row = client.row
    fields: dict[str, Any] = {name: int(row[name]) for name in _NUMBERS}
    fields |= {name: row[name] == "yes" for name in _BOOLEANS}
    fields |= {name: row[name] for name in _PICKLISTS}
    return CreateLead(
        campaign_id=str(CAMPAIGN),
        phone=client.phone,
        fields={"name": client.name, **fields},
        ownership_code=client.team.lower(),
        pool_id=str(POOL),
        source="upload",
    )


async def _make_what_leads_need(commanding: Commanding) -> None:
    states: dict[UUID, Any] = await commanding.states.refresh(_NEEDED)
    missing: list[tuple[Command, UUID]] = []
    if not states[CAMPAIGN].version:
        missing.append((campaign_command(), CAMPAIGN))
    if not states[POOL].version:
        missing.append((CreatePool(campaign_id=str(CAMPAIGN), name=POOL_NAME), POOL))
    for team in TEAMS:
        for place, agent in enumerate(agents_of(team)):
            if agent not in states[ORGANISATION_ID].users:
                name = f"{_AGENT_NAMES[place]} {team}"
                user = AddUser(id=agent, team=team_id(team), role="agent", name=name)
                missing.append((user, ORGANISATION_ID))
    for command, stream in missing:
        answer = await commanding.handle(Order(command, _NOBODY, stream, actor=ACTOR))
        if answer.is_problem:
            raise NotLoaded(str(answer.body))
    await commanding.states.refresh(_NEEDED)


def campaign_command() -> CreateCampaign:
    """Return the command that makes the sample's campaign."""
    fields = [FieldSpec(import_name=name, label=_label(name), type="number") for name in _NUMBERS]
    fields += [
        FieldSpec(import_name=name, label=_label(name), type="boolean") for name in _BOOLEANS
    ]
    fields += [
        FieldSpec(import_name=name, label=_label(name), type="picklist", values=values)
        for name, values in _PICKLISTS.items()
    ]
    return CreateCampaign(
        name="Bank term deposit",
        code=CAMPAIGN_CODE,
        project="Sample",
        fields=tuple(fields),
        rules=RULES,
    )


def _label(name: str) -> str:
    return _LABELS.get(name, name.capitalize())
