"""What bulk jobs promise: a plan without a trace, executed as planned, all leads accounted for."""

import csv
import io
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from schemas.lead import LeadCloned
from services.command.bulk import dry_run, execution
from services.command.facts_loader import FactsLoader
from services.kit.csv_text import csv_line
from tests.contract.bulk_service import Bulk, bulk_running
from tests.contract.command_service import NORTH, SOUTH, TOP, USER_IDS


@pytest.fixture
async def bulk(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bulk]:
    monkeypatch.setattr(dry_run, "BATCH", 4)
    monkeypatch.setattr(execution, "BATCH", 4)
    async with bulk_running(database_url) as bulk:
        yield bulk


async def test_a_plan_appends_nothing_to_leads_and_names_every_lead(bulk: Bulk) -> None:
    leads = await bulk.leads(9)
    await bulk.service.done(f"/v1/leads/{leads[0]}/change-owner", {"owner": SOUTH})
    await bulk.service.done(f"/v1/leads/{leads[1]}/lock", by="team_leader")
    versions = await bulk.service.commanding.log.versions([UUID(one) for one in leads])
    job = await bulk.planned(leads, "ChangeOwner", owner=SOUTH)
    assert job["state"] == "planned"
    assert {k: job["plan"][k] for k in ("applied", "unchanged", "refused")} == {
        "applied": 7,
        "unchanged": 1,
        "refused": 1,
    }
    assert await bulk.service.commanding.log.versions([UUID(one) for one in leads]) == versions
    assert await bulk.events_of(job) == []
    outcomes = await bulk.outcomes(job)
    assert sorted(outcomes) == leads
    assert outcomes[leads[0]]["outcome"] == "unchanged"
    assert [one["code"] for one in outcomes[leads[1]]["reasons"]] == ["locked"]
    assert outcomes[leads[2]]["changes"] == {"owner": {"before": NORTH, "after": SOUTH}}
    assert [*await bulk.outcomes(job, outcome="refused")] == [leads[1]]


async def test_execution_does_what_was_planned_by_whom_and_why(bulk: Bulk) -> None:
    leads = await bulk.leads(9)
    await bulk.service.done(f"/v1/leads/{leads[1]}/lock", by="team_leader")
    planned = await bulk.planned(leads, "ChangeOwner", owner=SOUTH)
    plan = await bulk.outcomes(planned)
    job = await bulk.execute(planned)
    assert job["state"] == "finished"
    assert job["result"] == {"applied": 8, "unchanged": 0, "refused": 1, "not_reached": 0}
    outcomes = await bulk.outcomes(job)
    for lead, one in outcomes.items():
        assert {k: one[k] for k in ("outcome", "version", "reasons", "changes", "moved")} == {
            k: plan[lead][k] for k in ("outcome", "version", "reasons", "changes", "moved")
        }
    events = await bulk.events_of(job)
    assert Counter(str(one.stream_id) for one in events) == {
        lead: 1 for lead in leads if lead != leads[1]
    }
    assert {one.origin.actor for one in events} == {f"user:{USER_IDS['admin']}"}
    by_lead = {str(one.stream_id): one for one in events}
    for lead, one in outcomes.items():
        if one["outcome"] == "applied":
            assert (one["version_after"], one["position"]) == (
                by_lead[lead].version,
                by_lead[lead].position,
            )


async def test_the_life_of_a_job_is_in_the_log(bulk: Bulk) -> None:
    job = await bulk.done(await bulk.leads(2), "SetPriority", priority=9)
    await bulk.undone(job)
    topics = [type(one).TOPIC for one in await bulk.service.events(job["id"])]
    assert topics == [
        "bulk.requested",
        "bulk.planned",
        "bulk.started",
        "bulk.finished",
        "bulk.undone",
    ]


async def test_leads_that_moved_since_the_plan_are_decided_anew_and_marked(bulk: Bulk) -> None:
    leads = await bulk.leads(6)
    planned = await bulk.planned(leads, "ChangeOwner", owner=SOUTH)
    await bulk.service.done(f"/v1/leads/{leads[0]}/add-note", {"text": "hi"})
    await bulk.service.done(f"/v1/leads/{leads[1]}/lock", by="team_leader")
    await bulk.service.done(f"/v1/leads/{leads[2]}/change-owner", {"owner": SOUTH})
    job = await bulk.execute(planned)
    assert job["result"] == {"applied": 4, "unchanged": 1, "refused": 1, "not_reached": 0}
    outcomes = await bulk.outcomes(job)
    assert [outcomes[lead]["outcome"] for lead in leads[:4]] == [
        "applied",
        "refused",
        "unchanged",
        "applied",
    ]
    assert [outcomes[lead]["moved"] for lead in leads[:4]] == [True, True, True, False]
    assert job["executing"]["moved"] == 3


async def test_another_digest_is_refused_with_both_counts(bulk: Bulk) -> None:
    leads = await bulk.leads(3)
    selection, _ = await bulk.select(leads)
    command = {"name": "Pause"}
    body = {"selection": selection, "digest": "7.abc", "command": command}
    answer = await bulk.service.post("/v1/bulk-jobs", body)
    assert answer.status_code == 409
    assert "7 leads" in answer.json()["detail"]
    assert "3 leads" in answer.json()["detail"]
    job = await bulk.planned(leads, "Pause")
    path = f"/v1/bulk-jobs/{job['id']}/execute"
    answer = await bulk.service.post(path, {"digest": "2-1-0.abc"})
    assert answer.status_code == 409
    assert "2 changed, 1 unchanged and 0 refused" in answer.json()["detail"]
    assert "3 changed, 0 unchanged and 0 refused" in answer.json()["detail"]
    assert await bulk.events_of(job) == []


@pytest.mark.parametrize(
    ("command", "pointers"),
    [
        ({"name": "Nonsense"}, {"/command/name"}),
        ({"name": "CreateLead"}, {"/command/name"}),
        ({}, {"/command/name"}),
        ({"name": "ChangeOwner"}, {"/command/owner"}),
        (
            {"name": "SetPriority", "priority": 11, "speed": 1},
            {"/command/priority", "/command/speed"},
        ),
    ],
)
async def test_what_no_command_is_is_refused_with_all_reasons(
    bulk: Bulk, command: dict[str, object], pointers: set[str]
) -> None:
    selection, digest = await bulk.select(await bulk.leads(1))
    body = {"selection": selection, "digest": digest, "command": command}
    answer = await bulk.service.post("/v1/bulk-jobs", body)
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == pointers


async def test_a_selection_is_its_makers(bulk: Bulk) -> None:
    selection, digest = await bulk.select(await bulk.leads(1))
    body = {"selection": selection, "digest": digest, "command": {"name": "Pause"}}
    answer = await bulk.service.post("/v1/bulk-jobs", body, by="team_leader")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "unknown-selection"


async def test_rights_are_checked_lead_by_lead(bulk: Bulk) -> None:
    campaign = await bulk.service.campaign()
    north = await bulk.leads(3, campaign=campaign)
    south = await bulk.service.lead(campaign, phone="+14155559999", owner=SOUTH)
    job = await bulk.done([*north, south], "ChangeOwner", "team_leader", owner=NORTH)
    assert job["result"] == {"applied": 0, "unchanged": 3, "refused": 1, "not_reached": 0}
    refused = await bulk.outcomes(job, "team_leader", outcome="refused")
    assert [one["code"] for one in refused[south]["reasons"]] == ["not-found"]
    away = await bulk.done(north, "ChangeOwner", "team_leader", owner=SOUTH)
    assert away["result"]["refused"] == 3
    agent = await bulk.ask(north, "ChangeOwner", "agent", owner=NORTH)
    assert agent.status_code == 403
    status = await bulk.done([*north, south], "ChangeStatus", "agent", status="interested")
    assert status["result"] == {"applied": 3, "unchanged": 0, "refused": 1, "not_reached": 0}


async def test_a_right_taken_away_counts_at_once(bulk: Bulk) -> None:
    job = await bulk.planned(await bulk.leads(3), "Pause", "team_leader")
    path = f"/v1/bulk-jobs/{job['id']}/execute"
    answer = await bulk.service.post(path, {"digest": job["plan"]["digest"]}, "team_leader")
    assert answer.status_code == 202
    user = {"user": USER_IDS["team_leader"]}
    await bulk.service.done("/v1/organisation/deactivate-user", user)
    await bulk.work()
    done = await bulk.job(job["id"])
    assert done["result"] == {"applied": 0, "unchanged": 0, "refused": 3, "not_reached": 0}


async def test_only_who_planned_executes_and_others_do_not_see_it(bulk: Bulk) -> None:
    job = await bulk.planned(await bulk.leads(2), "Pause", "team_leader")
    path = f"/v1/bulk-jobs/{job['id']}"
    digest = {"digest": job["plan"]["digest"]}
    assert (await bulk.service.post(f"{path}/execute", digest)).status_code == 409
    assert (await bulk.get(path, "agent")).status_code == 404
    assert (await bulk.get(f"{path}/outcomes", "agent")).status_code == 404
    assert (await bulk.get(f"{path}/refused.csv", "agent")).status_code == 404
    assert (await bulk.get("/v1/bulk-jobs", "agent")).json()["jobs"] == []
    assert (await bulk.service.post(f"{path}/cancel", by="agent")).status_code == 404
    assert (await bulk.service.post(f"{path}/cancel", by="auditor")).status_code == 409
    assert (await bulk.get(path, "auditor")).status_code == 200
    listed = (await bulk.get("/v1/bulk-jobs", "team_leader")).json()["jobs"]
    assert [one["id"] for one in listed] == [job["id"]]


async def test_cancelling_a_plan_lists_every_lead_as_not_reached(bulk: Bulk) -> None:
    leads = await bulk.leads(5)
    job = await bulk.planned(leads, "Pause")
    await bulk.service.post(f"/v1/bulk-jobs/{job['id']}/cancel")
    await bulk.work()
    job = await bulk.job(job["id"])
    assert (job["state"], job["cancelled"]) == ("finished", True)
    assert job["result"] == {"applied": 0, "unchanged": 0, "refused": 0, "not_reached": 5}
    assert sorted(await bulk.outcomes(job, step="done")) == leads
    path = f"/v1/bulk-jobs/{job['id']}/execute"
    answer = await bulk.service.post(path, {"digest": job["plan"]["digest"]})
    assert answer.status_code == 409


async def test_cancelling_in_the_middle_accounts_for_every_lead(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads = await bulk.leads(11)
    planned = await bulk.planned(leads, "Pause")
    path = f"/v1/bulk-jobs/{planned['id']}"
    settle, seen = execution.Execution._settle, 0

    async def cancelled_meanwhile(self: Any, decided: list[Any]) -> list[Any]:
        nonlocal seen
        seen += 1
        if seen == 2:
            await bulk.service.post(f"{path}/cancel")
        return await settle(self, decided)

    monkeypatch.setattr(execution.Execution, "_settle", cancelled_meanwhile)
    job = await bulk.execute(planned)
    assert job["result"] == {"applied": 4, "unchanged": 0, "refused": 0, "not_reached": 7}
    assert len(await bulk.events_of(job)) == 4
    outcomes = await bulk.outcomes(job)
    assert Counter(one["outcome"] for one in outcomes.values()) == {"applied": 4, "not_reached": 7}
    undo = await bulk.undone(job)
    assert undo["result"] == {"reversed": 4, "kept": 0, "refused": 0, "not_reached": 0}


async def test_undo_reverses_keeps_what_others_changed_and_says_what_cannot_be(bulk: Bulk) -> None:
    leads = await bulk.leads(6)
    job = await bulk.done(leads, "ChangeOwner", owner=SOUTH)
    await bulk.service.done(f"/v1/leads/{leads[0]}/change-owner", {"owner": TOP})
    await bulk.service.done(f"/v1/leads/{leads[1]}/add-note", {"text": "hi"})
    await bulk.service.done(f"/v1/leads/{leads[2]}/delete")
    undo = await bulk.undone(job)
    assert (undo["kind"], undo["undoes"]) == ("undo", job["id"])
    assert undo["result"] == {"reversed": 4, "kept": 1, "refused": 1, "not_reached": 0}
    outcomes = await bulk.outcomes(undo)
    assert [outcomes[lead]["outcome"] for lead in leads[:4]] == [
        "kept",
        "reversed",
        "refused",
        "reversed",
    ]
    assert outcomes[leads[0]]["reasons"][0]["code"] == "changed-since"
    assert outcomes[leads[3]]["changes"] == {"owner": {"before": SOUTH, "after": NORTH}}
    assert (await bulk.job(job["id"]))["undone_by"] == undo["id"]
    again = await bulk.undone(undo)
    assert again["result"]["reversed"] == 4
    assert [*await bulk.outcomes(undo, outcome="kept")] == [leads[0]]


async def test_a_cursor_that_is_none_is_told_as_one(bulk: Bulk) -> None:
    answer = await bulk.get("/v1/bulk-jobs?cursor=abc")
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/query/cursor"]


async def test_what_changed_nothing_or_is_not_over_is_not_undone(bulk: Bulk) -> None:
    async def refused(job: Any, by: str = "admin") -> tuple[int, list[str]]:
        answer = await bulk.service.post(f"/v1/bulk-jobs/{job['id']}/undo", by=by)
        body = answer.json()
        assert body["detail"] == body["errors"][0]["detail"]
        return answer.status_code, [one["code"] for one in body["errors"]]

    leads = await bulk.leads(2)
    planning = (await bulk.ask(leads, "SetPriority", priority=7)).json()
    assert await refused(planning) == (409, ["nothing-to-undo"])
    await bulk.work()
    planned = await bulk.job(planning["id"])
    assert await refused(planned) == (409, ["nothing-to-undo"])
    started = f"/v1/bulk-jobs/{planned['id']}/execute"
    await bulk.service.post(started, {"digest": planned["plan"]["digest"]})
    assert await refused(planned) == (409, ["job-not-finished"])
    await bulk.work()
    unchanged = await bulk.done(leads, "SetPriority", priority=7)
    assert unchanged["result"]["unchanged"] == 2
    assert await refused(unchanged) == (409, ["nothing-to-undo"])
    assert (await bulk.undone(planned))["result"]["reversed"] == 2


async def test_what_cannot_come_back_is_refused(bulk: Bulk) -> None:
    leads = await bulk.leads(3)
    job = await bulk.done(leads, "AnonymiseLead", reason="asked")
    assert job["result"]["applied"] == 3
    undo = await bulk.undone(job)
    assert undo["result"] == {"reversed": 0, "kept": 0, "refused": 3, "not_reached": 0}


async def test_personal_values_are_not_kept_in_outcomes(bulk: Bulk, owner_url: str) -> None:
    import asyncpg

    leads = await bulk.leads(2)
    job = await bulk.done(leads, "UpdateFields", set={"name": "Zebulon Quist", "age": 4})
    outcomes = await bulk.outcomes(job)
    assert outcomes[leads[0]]["changes"] == {
        "fields.age": {"before": None, "after": 4},
        "personal.name": {"hidden": True},
    }
    connection = await asyncpg.connect(owner_url)
    try:
        for table in ("jobs", "steps", "outcomes", "selections", "selected"):
            for row in await connection.fetch(f"select t::text from job.{table} t"):
                assert "Quist" not in row[0]
        for row in await connection.fetch("select data, meta from log.events"):
            assert b"Quist" not in row["data"]
    finally:
        await connection.close()
    undo = await bulk.undone(job)
    assert undo["result"]["reversed"] == 2


async def test_refused_leads_come_as_csv_without_formulas(bulk: Bulk) -> None:
    leads = await bulk.leads(3)
    await bulk.service.done(f"/v1/leads/{leads[1]}/lock", by="team_leader")
    job = await bulk.done(leads, "ChangeOwner", owner=SOUTH)
    answer = await bulk.get(f"/v1/bulk-jobs/{job['id']}/refused.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert rows[0] == ["lead_id", "version", "codes", "reasons"]
    assert [row[0] for row in rows[1:]] == [leads[1]]
    assert rows[1][2] == "locked"


async def test_a_repeated_request_makes_one_job(bulk: Bulk) -> None:
    selection, digest = await bulk.select(await bulk.leads(1))
    body = {"selection": selection, "digest": digest, "command": {"name": "Pause"}}
    first = await bulk.service.post("/v1/bulk-jobs", body, idempotency_key="k1")
    second = await bulk.service.post("/v1/bulk-jobs", body, idempotency_key="k1")
    assert first.json()["id"] == second.json()["id"]
    assert first.headers["location"] == f"/v1/bulk-jobs/{first.json()['id']}"
    assert second.headers["idempotency-replayed"] == "true"
    await bulk.work()
    assert len((await bulk.get("/v1/bulk-jobs")).json()["jobs"]) == 1


@pytest.mark.parametrize("action", ["skip", "update", "move", "clone_anyway"])
@pytest.mark.parametrize("size", [1, 2, 4])
async def test_clones_within_one_job_meet_each_other(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch, action: str, size: int
) -> None:
    monkeypatch.setattr(dry_run, "BATCH", size)
    monkeypatch.setattr(execution, "BATCH", size)
    source, other = await bulk.service.campaign(), await bulk.service.campaign(name="Summer")
    target = await bulk.service.campaign(name="Autumn")
    leads = [
        await bulk.service.lead(source, phone="+14155550111", fields={"age": 1}),
        await bulk.service.lead(other, phone="+14155550111", fields={"age": 2}),
        await bulk.service.lead(other, phone="+14155550112"),
    ]
    fields = {"target_campaign_id": target, "duplicate_action": action}
    planned = await bulk.planned(leads, "CloneLead", **fields)
    changes = 3 if action in ("update", "clone_anyway") else 2
    assert (planned["plan"]["applied"], planned["plan"]["unchanged"]) == (changes, 3 - changes)
    job = await bulk.execute(planned)
    assert job["result"]["applied"] == changes
    assert job["executing"]["moved"] == 0


async def test_leads_of_one_place_share_what_is_seen_around_them(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads = await bulk.leads(4)
    target = await bulk.service.campaign(name="Autumn")
    loaded: list[UUID] = []
    load = FactsLoader.load

    async def counted(self: FactsLoader, order: Any, stream: UUID, **more: Any) -> Any:
        if order.command.aggregate == "lead":
            loaded.append(stream)
        return await load(self, order, stream, **more)

    monkeypatch.setattr(FactsLoader, "load", counted)
    plan = await bulk.planned(leads, "CloneLead", target_campaign_id=target)
    assert len(loaded) == 1
    job = await bulk.execute(plan)
    assert job["result"]["applied"] == plan["plan"]["applied"] == 4
    events = [one.event for one in await bulk.events_of(job)]
    assert len({one.lead_id for one in events if isinstance(one, LeadCloned)}) == 4


async def test_leads_moved_within_one_job_meet_each_other(bulk: Bulk) -> None:
    source, other = await bulk.service.campaign(), await bulk.service.campaign(name="Summer")
    target = await bulk.service.campaign(name="Autumn")
    leads = [
        await bulk.service.lead(source, phone="+14155550111"),
        await bulk.service.lead(other, phone="+14155550111"),
    ]
    planned = await bulk.planned(leads, "MoveLead", target_campaign_id=target)
    plan = planned["plan"]
    job = await bulk.execute(planned)
    assert {k: plan[k] for k in ("applied", "unchanged", "refused")} == {
        k: job["result"][k] for k in ("applied", "unchanged", "refused")
    }
    assert job["result"]["applied"] == 1
    assert job["executing"]["moved"] == 0
    undo = await bulk.undone(job)
    assert undo["result"]["reversed"] == 1


async def test_nobody_without_a_key_gets_anything(bulk: Bulk) -> None:
    job = await bulk.planned(await bulk.leads(1), "Pause")
    path = f"/v1/bulk-jobs/{job['id']}"
    for method, place in (
        ("POST", "/v1/bulk-jobs"),
        ("POST", f"{path}/execute"),
        ("POST", f"{path}/cancel"),
        ("POST", f"{path}/undo"),
        ("GET", "/v1/bulk-jobs"),
        ("GET", path),
        ("GET", f"{path}/outcomes"),
        ("GET", f"{path}/refused.csv"),
    ):
        answer = await bulk.service.client.request(method, place)
        assert answer.status_code == 401, place
    assert (await bulk.job(job["id"]))["state"] == "planned"


def test_a_cell_is_never_a_formula() -> None:
    assert csv_line(("=1+1", "-x", "a,b", 'say "hi"', "two\nlines")) == (
        b'\'=1+1,\'-x,"a,b","say ""hi""","two\nlines"\r\n'
    )
