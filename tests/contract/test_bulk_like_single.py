"""In bulk or singly: every command does the same to a lead, or refuses it for the same reasons."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
import pytest

from services.command.bulk.offered import PLAIN, offered_in_bulk
from services.command.domain.changes import changed_parts
from services.command.domain.lead.evolving import replay
from services.command.routes import route_of
from tests.contract.bulk_service import Bulk, bulk_running
from tests.contract.command_service import NORTH, SOUTH, USER_IDS

AGENT = USER_IDS["agent"]
LATER, LATEST = "2026-03-03T09:00:00Z", "2026-03-04T09:00:00Z"


@pytest.fixture
async def bulk(database_url: str) -> AsyncIterator[Bulk]:
    async with bulk_running(database_url) as bulk:
        yield bulk


async def fields_of(bulk: Bulk, name: str, campaign: str) -> dict[str, Any]:
    """What the command is given; whatever it names is there."""
    done = bulk.service.done
    if name == "DeleteUnprocessed":
        return {"pool_id": (await done("/v1/pools", {"name": "P", "campaign_id": campaign}))["id"]}
    if "Segment" in name:
        made = await done("/v1/segments", {"name": "S"})
        return {"segment_id": made["id"]}
    if name in ("CloneLead", "MoveLead"):
        return {"target_campaign_id": await bulk.service.campaign(name="Autumn")}
    plain: dict[str, dict[str, Any]] = {
        "ChangeOwner": {"owner": SOUTH},
        "ChangeStatus": {"status": "manual_redial_vip", "reason": "x"},
        "CreateManualPass": {"disposition": "sold"},
        "Reserve": {"agent": AGENT},
        "ScheduleDial": {"at": LATER, "zone": "Europe/Lisbon"},
        "SetCallback": {"at": LATER, "agent": AGENT},
        "SetDialTimeLimit": {"start": "09:00", "end": "17:00"},
        "SetPriority": {"priority": 9},
        "Suppress": {"reason": "asked", "until": LATER},
        "UnlockLead": {"release_to": SOUTH},
        "UpdateFields": {"set": {"age": 7, "name": "Zoe"}, "unset": ["email"]},
    }
    return plain.get(name, {})


# Lives a lead may have had before; each is tried with each command.
LIVES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "new": [],
    "called": [
        (
            "record-call",
            {
                "call_id": "c",
                "number": "+14155550100",
                "started_at": "2026-03-01T09:00:00Z",
                "end_cause": "Busy",
            },
        )
    ],
    "busy": [
        ("lock", {}),
        ("set-callback", {"at": LATEST, "agent": AGENT}),
        ("set-dial-time-limit", {"start": "10:00", "end": "11:00"}),
        ("suppress", {}),
        ("update-fields", {"set": {"age": 3, "email": "a@example.com"}}),
    ],
    "set aside": [("cancel", {}), ("deactivate", {}), ("reserve", {"agent": AGENT})],
    "gone": [("delete", {})],
}


async def made(bulk: Bulk, campaign: str, life: str, number: int) -> str:
    phone = f"+1415555{number:04d}"
    lead = await bulk.service.lead(campaign, phone=phone, owner=NORTH)
    for verb, given in LIVES[life]:
        body = dict(given)
        if "number" in body:
            body |= {"number": phone, "call_id": f"c{number}"}
        by = "dialer" if verb == "record-call" else "admin"
        await bulk.service.done(f"/v1/leads/{lead}/{verb}", body, by=by)
    return lead


def comparable(events: list[Any]) -> bytes:
    """What happened, without what differs between two leads."""
    kept = [
        (type(one).TOPIC, {k: v for k, v in vars(one).items() if k not in _OWN}) for one in events
    ]
    return orjson.dumps(kept, default=str)


_OWN = {"originator_id", "originator_version", "timestamp", "phone", "phone_typed", "lead_id",
        "number", "call_id"}  # fmt: skip


@pytest.mark.parametrize("by", ["admin", "team_leader"])
@pytest.mark.parametrize("name", sorted(offered_in_bulk()))
async def test_a_command_in_bulk_is_the_single_command(bulk: Bulk, name: str, by: str) -> None:
    command = offered_in_bulk()[name]
    service = bulk.service
    campaign = await service.campaign()
    fields = await fields_of(bulk, name, campaign)
    single = [await made(bulk, campaign, life, 100 + i) for i, life in enumerate(LIVES)]
    together = [await made(bulk, campaign, life, 200 + i) for i, life in enumerate(LIVES)]
    answers = []
    for lead in single:
        path = route_of(command).path.replace("{id}", lead)
        answers.append(await service.post(path, fields, by))
    if "role-not-allowed" in answers[0].text:
        assert (await bulk.ask(together, name, by, **fields)).status_code == 403
        return
    before = await service.commanding.log.head()
    planned = await bulk.planned(together, name, by, **fields)
    appended = await service.commanding.log.read(before, 1_000)
    kinds = {type(one.event).TOPIC for one in appended}
    assert kinds == {"bulk.requested", "bulk.planned"}, "a plan appends what the job is, no more"
    plan = await bulk.outcomes(planned, by)
    done = await bulk.execute(planned, by)
    outcomes = await bulk.outcomes(done, by)
    foretold = {**planned["plan"], "not_reached": 0}
    del foretold["digest"]
    assert done["result"] == foretold
    for one, other, answer in zip(single, together, answers, strict=True):
        outcome = outcomes[other]
        for part in ("outcome", "reasons", "changes", "version"):
            assert plan[other][part] == outcome[part], "the plan said something else"
        assert outcome["moved"] is False
        said = answer.json()
        if answer.status_code == 404:
            assert [reason["code"] for reason in outcome["reasons"]] == ["not-found"]
        elif answer.is_error:
            assert [reason["code"] for reason in outcome["reasons"]] == [
                reason["code"] for reason in said["errors"]
            ]
        else:
            assert outcome["outcome"] == ("applied" if said["changed"] else "unchanged")
        assert comparable(await service.events(one)) == comparable(await service.events(other))


async def test_a_plan_of_clones_reports_what_they_leave_behind(bulk: Bulk) -> None:
    campaign, bare = await bulk.service.campaign(), await bulk.service.campaign(fields=[])
    lead = await bulk.service.lead(campaign, fields={"age": 7})
    planned = await bulk.planned([lead], "CloneLead", target_campaign_id=bare)
    told = {"outcome": "created", "campaign_id": bare, "dropped": ["age"]}
    for step in (planned, await bulk.execute(planned)):
        outcome = (await bulk.outcomes(step))[lead]
        assert outcome["changes"] == {"clone": {"before": None, "after": told}}


async def test_clones_that_are_refused_say_what_they_would_leave_behind(bulk: Bulk) -> None:
    service = bulk.service
    age = {"import_name": "age", "type": "number"}
    job = {"import_name": "job", "type": "picklist"}
    campaign = await service.campaign(fields=[age, {**job, "values": ["clerk", "baker"]}])
    narrow = await service.campaign(fields=[{**job, "values": ["clerk"]}])
    misfit = await service.lead(campaign, fields={"age": 7, "job": "baker"})
    plain = await service.lead(campaign, phone="+14155550177", fields={"job": "baker"})
    planned = await bulk.planned([misfit, plain], "CloneLead", target_campaign_id=narrow)
    for step in (planned, await bulk.execute(planned)):
        outcomes = await bulk.outcomes(step)
        told = {"outcome": "refused", "dropped": ["age"]}
        assert outcomes[misfit]["changes"] == {"clone": {"before": None, "after": told}}
        assert (outcomes[plain]["outcome"], outcomes[plain]["changes"]) == ("refused", {})
        refused = (await bulk.get(f"/v1/bulk-jobs/{step['id']}/refused.csv")).text.splitlines()
        assert refused[0] == "lead_id,version,codes,reasons,dropped"
        lines = {line[:36]: line.rpartition(",")[2] for line in refused[1:]}
        assert lines == {misfit: "age", plain: ""}


async def test_who_comes_after_a_clone_sees_the_whole_lead(bulk: Bulk) -> None:
    """A clone leaves calls encrypted; the lead it saw so is no lead for others to decide on."""
    service = bulk.service
    campaign = await service.campaign(limits={"per_number": 1})
    await service.done(f"/v1/campaigns/{campaign}/activate", {})
    lead = await made(bulk, campaign, "called", 188)
    service.commanding.states.forget([UUID(lead)])
    done = await bulk.done([lead], "CloneLead", target_campaign_id=await service.campaign())
    assert (await bulk.outcomes(done))[lead]["outcome"] == "applied"
    refused = await service.post(f"/v1/leads/{lead}/start-call", {"call_id": "c2"}, "agent")
    codes = [one["code"] for one in refused.json()["errors"]]
    assert "attempts-per-number" in codes


@pytest.mark.parametrize("name", sorted(one.__name__ for one in PLAIN))
async def test_plain_commands_look_at_nothing_personal(bulk: Bulk, name: str) -> None:
    """Decided the same, and restored the same, on a lead whose personal fields are not read."""
    campaign = await bulk.service.campaign()
    fields = await fields_of(bulk, name, campaign)
    leads = [await made(bulk, campaign, life, 100 + i) for i, life in enumerate(LIVES)]
    job = await bulk.done(leads, name, **fields)
    outcomes = await bulk.outcomes(job)
    changed = [lead for lead in leads if outcomes[lead]["outcome"] == "applied"]
    if not changed:
        return
    log = bulk.service.commanding.log
    before = {}
    for lead in changed:
        history = (await log.load([UUID(lead)]))[UUID(lead)]
        own = [one for one in history if one.origin.cause == f"bulk:{job['id']}"]
        before[lead] = [one for one in history if one not in own]
    undo = await bulk.undone(job)
    assert undo["result"]["reversed"] == len(changed)

    for lead in changed:
        now = replay((await log.load([UUID(lead)]))[UUID(lead)])
        assert changed_parts(replay(before[lead]), now) == frozenset()
