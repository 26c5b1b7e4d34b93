"""Who may give which command: every operation by every role. One without a row here fails."""

from collections.abc import AsyncIterator

import pytest

from schemas.organisation import ORGANISATION_ID, TeamAdded
from services.command.catalogue import all_commands, offered_commands
from services.command.domain.decider import Command
from services.command.routes import permissions, route_of
from tests.contract.command_service import NORTH, SOUTH, TOP, USER_IDS, Service, running

A, T, G, U, D = "admin", "team_leader", "agent", "auditor", "dialer"
ROLES = ("admin", "team_leader", "agent", "auditor", "dialer")
MATRIX: dict[str, frozenset[str]] = {
    "Activate": frozenset({A, T}),
    "ActivateCampaign": frozenset({A}),
    "ActivatePool": frozenset({A}),
    "ActivateSegment": frozenset({A, T}),
    "ActivateStatus": frozenset({A}),
    "ActivateTeam": frozenset({A}),
    "ActivateUser": frozenset({A}),
    "AddContact": frozenset({A, T, G}),
    "AddNote": frozenset({A, T, G}),
    "AddStatus": frozenset({A}),
    "AddTeam": frozenset({A}),
    "AddToSegment": frozenset({A, T}),
    "AddToDoNotCall": frozenset({A, T, G, D}),
    "AddUser": frozenset({A}),
    "AnonymiseLead": frozenset({A}),
    "Cancel": frozenset({A, T}),
    "CancelCallback": frozenset({A, T, G}),
    "CancelExport": frozenset({A, T, G, U}),
    "CancelMessage": frozenset({A, T, G}),
    "CancelScheduledDial": frozenset({A, T, G}),
    "ChangeActivityRange": frozenset({A}),
    "ChangeAttemptLimits": frozenset({A}),
    "ChangeDiallingHours": frozenset({A}),
    "ChangeFollowUpRules": frozenset({A}),
    "ChangeOwner": frozenset({A, T}),
    "ChangePhone": frozenset({A, T, G}),
    "ChangeSegment": frozenset({A, T}),
    "ChangeStatus": frozenset({A, T, G}),
    "ChangeStatusCatalogue": frozenset({A}),
    "ChangeTemplate": frozenset({A}),
    "ChangeUser": frozenset({A}),
    "ChangeViewMail": frozenset({A, T, G, U}),
    "ChangeView": frozenset({A, T, G, U}),
    "ChooseFavourite": frozenset({A, T, G, U}),
    "ClearFavourite": frozenset({A, T, G, U}),
    "CloneLead": frozenset({A, T}),
    "CopyCampaign": frozenset({A}),
    "CopySegment": frozenset({A, T}),
    "CopyView": frozenset({A, T, G, U}),
    "CreateCampaign": frozenset({A}),
    "CreateExport": frozenset({A, T, G, U}),
    "CreateLead": frozenset({A, T, G, D}),
    "CreateManualPass": frozenset({A, T}),
    "CreatePool": frozenset({A}),
    "CreateSegment": frozenset({A, T}),
    "CreateView": frozenset({A, T, G, U}),
    "Deactivate": frozenset({A, T}),
    "DeactivateCampaign": frozenset({A}),
    "DeactivatePool": frozenset({A}),
    "DeactivateSegment": frozenset({A, T}),
    "DeactivateStatus": frozenset({A}),
    "DeactivateTeam": frozenset({A}),
    "DeactivateUser": frozenset({A}),
    "DeleteLead": frozenset({A}),
    "DeleteUnprocessed": frozenset({A}),
    "DeleteView": frozenset({A, T, G, U}),
    "DiscardPayload": frozenset({A}),
    "EditNote": frozenset({A, T, G}),
    "EndSession": frozenset({A, T, G, D}),
    "EraseNumber": frozenset({A}),
    "IssueApiKey": frozenset({A}),
    "LockLead": frozenset({A, T, G}),
    "MendPayload": frozenset({A}),
    "MergeLeads": frozenset({A, T}),
    "MoveLead": frozenset({A, T}),
    "MoveTeam": frozenset({A}),
    "MoveUser": frozenset({A}),
    "PauseViewMail": frozenset({A, T, G, U}),
    "Pause": frozenset({A, T}),
    "Ready": frozenset({A, T}),
    "RecordCall": frozenset({A, D}),
    "RecordContract": frozenset({A, T, G, D}),
    "RecordMessage": frozenset({A, T, G, D}),
    "RecordResult": frozenset({A, T, G}),
    "RejectContract": frozenset({A, T}),
    "RemoveContact": frozenset({A, T, G}),
    "RemoveDialTimeLimit": frozenset({A, T}),
    "RemoveFromDoNotCall": frozenset({A}),
    "RemoveFromSegment": frozenset({A, T}),
    "RemoveNote": frozenset({A, T, G}),
    "RenameCampaign": frozenset({A}),
    "RenamePool": frozenset({A}),
    "RenameTeam": frozenset({A}),
    "RenameView": frozenset({A, T, G, U}),
    "ReorderContacts": frozenset({A, T, G}),
    "Reserve": frozenset({A, T}),
    "ReportMessage": frozenset({A, D}),
    "ResendContract": frozenset({A, T, G}),
    "Reset": frozenset({A, T}),
    "RestoreStatus": frozenset({A, T}),
    "ResumeViewMail": frozenset({A, T, G, U}),
    "RestoreView": frozenset({A, T, G, U}),
    "RetryMessage": frozenset({A, T, G}),
    "RevertView": frozenset({A, T, G, U}),
    "RevokeApiKey": frozenset({A}),
    "ScheduleViewMail": frozenset({A, T, G, U}),
    "ScheduleDial": frozenset({A, T}),
    "SendEmail": frozenset({A, T, G}),
    "SendViewMailNow": frozenset({A, T, G, U}),
    "SendSms": frozenset({A, T, G}),
    "SendWhatsapp": frozenset({A, T, G}),
    "SetCallback": frozenset({A, T, G}),
    "SetDialTimeLimit": frozenset({A, T}),
    "SetOwnershipCode": frozenset({A}),
    "SetPriority": frozenset({A, T}),
    "ShareView": frozenset({A, T, G, U}),
    "ShufflePool": frozenset({A}),
    "StopViewMail": frozenset({A, T, G, U}),
    "StartCall": frozenset({A, T, G, D}),
    "Suppress": frozenset({A, T}),
    "UnlockLead": frozenset({A, T, G}),
    "UnmergeLeads": frozenset({A, T}),
    "Unreserve": frozenset({A, T}),
    "UnshareView": frozenset({A, T, G, U}),
    "Unsuppress": frozenset({A, T}),
    "UpdateContact": frozenset({A, T, G}),
    "UpdateFields": frozenset({A, T, G}),
}
BODIES: dict[str, dict[str, object]] = {
    "ActivateStatus": {"code": "x"},
    "ActivateTeam": {"team": "ID"},
    "ActivateUser": {"user": "ID"},
    "AddContact": {"phone": "+14155550196"},
    "AddNote": {"text": "Hello"},
    "AddStatus": {"code": "x", "label": "X", "group": "open", "dialable": True, "kind": "new"},
    "AddTeam": {"name": "East"},
    "AddToSegment": {"segment_id": "ID"},
    "AddToDoNotCall": {"number": "+14155550199", "scope": "global"},
    "AddUser": {"team": "ID", "role": "agent", "name": "Eva"},
    "CancelMessage": {"message_id": "m1"},
    "ChangeAttemptLimits": {"limits": {}},
    "ChangeDiallingHours": {"hours": None},
    "ChangeFollowUpRules": {"rules": []},
    "ChangeOwner": {"owner": "team:ID"},
    "ChangePhone": {"phone": "+14155550198"},
    "ChangeStatus": {"status": "ready"},
    "ChangeStatusCatalogue": {"code": "ready", "label": "Ready"},
    "ChangeUser": {"user": "ID"},
    "ChooseFavourite": {"view": "mine"},
    "CloneLead": {"target_campaign_id": "ID"},
    "CopyCampaign": {"campaign_id": "ID", "name": "Copy"},
    "CopySegment": {"segment_id": "ID", "name": "Copy"},
    "CopyView": {"view": "mine", "name": "Copy"},
    "CreateCampaign": {"name": "New"},
    "CreateLead": {"campaign_id": "ID", "phone": "+14155550197"},
    "CreateManualPass": {"disposition": "done"},
    "CreatePool": {"campaign_id": "ID", "name": "March"},
    "CreateSegment": {"name": "North"},
    "CreateView": {"name": "Mine"},
    "DeactivateStatus": {"code": "x"},
    "DeactivateTeam": {"team": "ID"},
    "DeactivateUser": {"user": "ID"},
    "DeleteUnprocessed": {"pool_id": "ID"},
    "DiscardPayload": {"reason": "junk"},
    "EditNote": {"note": 1, "text": "Hi"},
    "EndSession": {"contact_session_id": "s1"},
    "EraseNumber": {"number": "+14155550199", "reason": "asked for"},
    "IssueApiKey": {"user": "ID", "key_id": "a" * 10, "secret_hash": "0" * 64},
    "MendPayload": {"raw": "e30="},
    "MergeLeads": {"other_lead_id": "ID"},
    "MoveTeam": {"team": "ID", "parent": "ID"},
    "MoveUser": {"user": "ID", "team": "ID"},
    "RecordCall": {"call_id": "c1", "started_at": "2026-03-02T10:00:00Z"},
    "RecordContract": {"contract_id": "k1", "step": "updated"},
    "RecordMessage": {
        "message_id": "m1",
        "channel": "sms",
        "direction": "out",
        "sent_at": "2026-03-02T10:00:00Z",
    },
    "RecordResult": {"result": "success"},
    "RejectContract": {"contract_id": "k1"},
    "RemoveContact": {"contact": 1},
    "RemoveFromDoNotCall": {"number": "+14155550199", "scope": "global", "reason": "mistake"},
    "RemoveFromSegment": {"segment_id": "ID"},
    "RemoveNote": {"note": 1},
    "RenamePool": {"name": "April"},
    "RenameTeam": {"team": "ID", "name": "West"},
    "RenameView": {"name": "Other"},
    "ReorderContacts": {"order": [1]},
    "Reserve": {"agent": "ID"},
    "ReportMessage": {"message_id": "m1", "state": "delivered", "at": "2026-03-02T10:00:00Z"},
    "ResendContract": {"contract_id": "k1", "channel": "sms"},
    "RetryMessage": {"message_id": "m1"},
    "SendEmail": {"subject": "Offer", "body": "Hello"},
    "SendSms": {"body": "Hello"},
    "SendWhatsapp": {"body": "Hello"},
    "RevertView": {"version": 1},
    "RevokeApiKey": {"key_id": "a" * 10},
    "ScheduleDial": {"at": "2026-03-03T10:00:00Z"},
    "ScheduleViewMail": {"view": "mine", "times": ["09:00"], "recipients": ["a@example.com"]},
    "SetCallback": {"at": "2026-03-03T10:00:00Z"},
    "SetDialTimeLimit": {"start": "09:00", "end": "17:00"},
    "SetOwnershipCode": {"owner": "team:ID", "ownership_code": "x"},
    "SetPriority": {"priority": 7},
    "ShareView": {"to": ["team:ID"]},
    "StartCall": {"call_id": "c2"},
    "UnmergeLeads": {"other_lead_id": "ID"},
    "UnshareView": {"to": ["team:ID"]},
    "UpdateContact": {"contact": 1},
}
UNKNOWN = "01920000-0000-7000-8000-000000000099"


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    async with running(database_url) as service:
        yield service


def test_every_command_has_its_row() -> None:
    declared = {command.__name__: command.roles for command in offered_commands()}
    assert declared == MATRIX
    assert {row["command"]: frozenset(row["roles"]) for row in permissions()} == MATRIX


async def test_commands_of_our_own_services_have_no_route(service: Service) -> None:
    inside = [command for command in all_commands() if not command.roles]
    assert {"SetUpOrganisation", "HoldPayload"} <= {command.__name__ for command in inside}
    assert (await service.post("/v1/organisation/set-up", {"name": "X"})).status_code == 404


def _with_id(value: object) -> object:
    if isinstance(value, list):
        return [_with_id(one) for one in value]
    return value.replace("ID", UNKNOWN) if isinstance(value, str) else value


def _missing(command: type[Command], body: dict[str, object]) -> set[str]:
    return {
        name for name, field in command.model_fields.items() if field.is_required()
    } - body.keys()


async def test_every_role_gets_what_its_row_says(service: Service) -> None:
    campaign = await service.campaign()
    lead = await service.lead(campaign)
    ids = {"campaign": campaign, "lead": lead}
    for command in offered_commands():
        route = route_of(command)
        path = route.path.replace("{id}", ids.get(command.aggregate, UNKNOWN))
        body = {name: _with_id(value) for name, value in BODIES.get(command.__name__, {}).items()}
        assert not _missing(command, body), f"{command.__name__} needs a body in BODIES"
        for role in sorted(set(ROLES) - MATRIX[command.__name__]):
            answer = await service.post(path, body, by=role)
            where = (command.__name__, role, answer.text)
            assert answer.status_code == 403, where
            assert answer.json()["errors"][0]["code"] == "role-not-allowed", where
        for role in sorted(MATRIX[command.__name__] - {A}):
            answer = await service.post(path, body, by=role)
            codes = {error["code"] for error in answer.json().get("errors", [])}
            assert "role-not-allowed" not in codes, (command.__name__, role)
            assert answer.status_code != 401


WRITABLE: dict[str, set[str]] = {
    A: {"own", "team", "above", "below", "foreign", "foreign user", "foreign, processed"},
    T: {"own", "team", "below"},
    G: {"own", "team", "above"},
    U: set(),
    D: {"own", "team", "above", "below", "foreign", "foreign user", "foreign, processed"},
}
"""On whose leads each role may write: "own" is the agent's, the rest is seen from the agent's team.
All others are out of sight, but for the one the agent had processed: that is out of reach.
"""
CALLABLE = WRITABLE | {A: {"above"}, T: {"team"}}
"""Whose leads each may call: an admin is in the team at the top, and nobody calls what is below."""


async def owners_of(service: Service) -> dict[str, str]:
    """Return the owners of the matrix, with a team below North for "below"."""
    team = {"name": "North East", "parent": NORTH.removeprefix("team:")}
    await service.done("/v1/organisation/add-team", team)
    *_, added = await service.events(str(ORGANISATION_ID))
    assert isinstance(added, TeamAdded)
    return {
        "own": f"user:{USER_IDS['agent']}",
        "team": NORTH,
        "above": TOP,
        "below": f"team:{added.team}",
        "foreign": SOUTH,
        "foreign user": f"user:{USER_IDS['agent_south']}",
        "foreign, processed": NORTH,
    }


async def lead_of(service: Service, campaign: str, whose: str, owner: str) -> str:
    """Make a lead, processed by the agent before it went South where that is asked for."""
    lead = await service.lead(campaign, owner=owner, phone=service.phone())
    if whose == "foreign, processed":
        await service.done(f"/v1/leads/{lead}/record-result", {"result": "no_answer"}, by=G)
        await service.done(f"/v1/leads/{lead}/change-owner", {"owner": SOUTH})
    return lead


def expected(name: str, role: str, whose: str) -> tuple[set[int], str]:
    """Return the statuses a command is answered on such a lead, and the reason, "" for any."""
    if role not in MATRIX[name]:
        return {403}, "role-not-allowed"
    seen = whose in WRITABLE[role] or (role, whose) == (G, "foreign, processed")
    if not seen:
        return {404}, "not-found"
    reached = CALLABLE if name == "StartCall" else WRITABLE
    return ({200, 409, 422}, "") if whose in reached[role] else ({403}, "lead-out-of-reach")


async def test_whose_leads_each_role_may_give_each_command_about(service: Service) -> None:
    """A lead is made anew after each command that was not refused: most change it."""
    owners, campaign = await owners_of(service), await service.campaign()
    leads: dict[str, str] = {}
    for command in (one for one in offered_commands() if "/leads/{id}/" in route_of(one).path):
        name, path = command.__name__, route_of(command).path
        body = {field: _with_id(value) for field, value in BODIES.get(name, {}).items()}
        for whose, owner in owners.items():
            for role in ROLES:
                if whose not in leads:
                    leads[whose] = await lead_of(service, campaign, whose, owner)
                answer = await service.post(path.replace("{id}", leads[whose]), body, by=role)
                statuses, code = expected(name, role, whose)
                where = (name, role, whose, answer.text)
                assert answer.status_code in statuses, where
                codes = {one["code"] for one in answer.json().get("errors", [])}
                assert not code or code in codes | {answer.json()["code"]}, where
                assert code or not codes & {"role-not-allowed", "lead-out-of-reach"}, where
                if answer.status_code == 200:
                    del leads[whose]


async def test_jobs_and_files_are_asked_for_by_who_may_give_the_command(service: Service) -> None:
    """Beside the commands: the way to many leads is open to whom the single command is, no more."""
    campaign = await service.campaign()
    asked: list[tuple[str, object, frozenset[str]]] = [
        (f"/v1/imports?campaign_id={campaign}", "phone", frozenset({A, T})),
        ("/v1/imports/rows", {}, frozenset({A, T})),
        ("/v1/do-not-call-files?scope=global", "+14155550199", frozenset({A, T})),
        ("/v1/calls", {}, MATRIX["RecordCall"]),
    ]
    for command in (one for one in offered_commands() if one.bulk):
        name = command.__name__
        body = {field: _with_id(value) for field, value in BODIES.get(name, {}).items()}
        job = {"selection": UNKNOWN, "digest": "0.0", "command": {"name": name, **body}}
        asked.append(("/v1/bulk-jobs", job, MATRIX[name]))
    for path, sent, roles in asked:
        for role in ROLES:
            answer = await service.post(path, sent, by=role)
            where = (path, sent, role, answer.text)
            assert (answer.status_code == 403) == (role not in roles), where
            assert answer.status_code < 500, where


async def test_an_inactive_lead_is_out_of_an_agents_sight(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    await service.done(f"/v1/leads/{lead}/deactivate", by="team_leader")
    note = f"/v1/leads/{lead}/add-note"
    assert (await service.post(note, {"text": "Hello"}, by="agent")).status_code == 404
    assert (await service.post(note, {"text": "Hello"}, by="team_leader")).status_code == 200


async def test_the_right_to_pools_makes_an_admin_of_pools_and_of_nothing_else(
    service: Service,
) -> None:
    body = {"user": USER_IDS["agent"], "rights": ["lead_pools"]}
    await service.done("/v1/organisation/change-user", body)
    campaign = await service.campaign()
    pool = {"campaign_id": campaign, "name": "March"}
    made = await service.done("/v1/pools", pool, by="agent")
    await service.done(f"/v1/pools/{made['id']}/deactivate", by="agent")
    assert (await service.post("/v1/pools", pool, by="team_leader")).status_code == 403
    assert (await service.post("/v1/segments", {"name": "X"}, by="agent")).status_code == 403
    assert (await service.post(f"/v1/pools/{UNKNOWN}/activate")).status_code == 404


async def test_an_admin_of_leads_is_no_admin_of_the_organisation(service: Service) -> None:
    body = {"user": USER_IDS["agent"], "rights": ["lead_admin"]}
    await service.done("/v1/organisation/change-user", body)
    lead = await service.lead(await service.campaign(), owner=SOUTH)
    await service.done(f"/v1/leads/{lead}/delete", by="agent")
    assert (
        await service.post("/v1/organisation/add-team", {"name": "X"}, "agent")
    ).status_code == 403
    assert (await service.post("/v1/campaigns", {"name": "X"}, "agent")).status_code == 403
