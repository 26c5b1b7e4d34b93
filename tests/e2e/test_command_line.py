"""The command line of operators, against a whole running stack over real HTTP.

The stack is shared with the tests of the documents, in any order: what a test changes are leads it
made itself, and what it reads after a write it waits for, by version or position.
"""

import csv
import io
import json
import os
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
import typer
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from services import cli_client
from services.cli_bulk import app as bulk
from services.cli_campaign import app as campaign
from services.cli_client import REFUSED, UNREACHABLE, USAGE
from services.cli_command import app as command
from services.cli_export import app as export
from services.cli_import import app as imports
from services.cli_lead import app as lead
from services.cli_quarantine import app as quarantine
from services.cli_view import app as view
from services.local.demo_keys import demo_keys
from services.local.sample_data import CAMPAIGN, CAMPAIGN_CODE
from tests.loaded import Loaded

ROOT = Path(__file__).parents[2]
NUMBERS = count(1_202_555_0120)
pytestmark = pytest.mark.timeout(900)


class Shell:
    """Somebody at a shell, with the stack's data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, app: typer.Typer, *arguments: str, code: int = 0, stdin: str = "") -> Any:
        environ = {"LEADS_DATA_DIR": str(self.folder), "COLUMNS": "200"}
        result = CliRunner().invoke(app, list(arguments), env=environ, input=stdin)
        assert result.exit_code == code, (result.output, result.stderr, result.exception)
        return result

    def json(self, app: typer.Typer, *arguments: str, code: int = 0, stdin: str = "") -> Any:
        return json.loads(self.run(app, *arguments, "--json", code=code, stdin=stdin).stdout)


@pytest.fixture
def shell(loaded: Loaded) -> Shell:
    return Shell(loaded.folder)


def head(shell: Shell) -> str:
    """The position up to which the log goes now."""
    page = shell.json(lead, "list", "--limit", "1")
    return str(page["position"] + page["lag"])


def closed_lead(shell: Shell) -> str:
    """A lead of the test's own, which neither people nor the clock touch."""
    number = ("--phone", f"+{next(NUMBERS)}")
    made = ("create-lead", "--campaign-id", str(CAMPAIGN), *number, "--status", "completed")
    found: str = shell.json(command, *made)["id"]
    return found


def test_a_single_command_is_given_and_told(shell: Shell) -> None:
    one = closed_lead(shell)
    told = shell.run(command, "set-priority", one, "--priority", "9").stdout
    assert told.startswith(f"done: {one} lead.priority_changed (version ")
    again = shell.json(command, "set-priority", one, "--priority", "9")
    assert again["changed"] is False
    set_fields = ("--set", "age=44", "--set", "name=Ana 4", "--unset", "email")
    changed = shell.json(command, "update-fields", one, *set_fields)
    assert changed["events"] == ["lead.fields_changed"]
    reached = ("--min-version", str(changed["version"]))
    entries = shell.json(lead, "log", one, "--limit", "2", *reached)["entries"]
    assert {entry["kind"] for entry in entries} == {"lead.fields_changed", "lead.priority_changed"}
    shown = shell.json(lead, "show", one, *reached)["lead"]
    assert (shown["name"], shown["fields"]["age"]) == ("Ana 4", 44)
    assert "fields.age" in shell.run(lead, "log", one, *reached).stdout


def test_a_read_waits_for_the_version_or_position_it_is_given(shell: Shell) -> None:
    one = closed_lead(shell)
    for priority in ("1", "2", "3", "4"):
        done = shell.json(command, "set-priority", one, "--priority", priority)
        reached = ("--min-version", str(done["version"]))
        assert shell.json(lead, "show", one, *reached)["lead"]["priority"] == int(priority)
        done = shell.json(command, "add-note", one, "--text", f"the {priority}th")
        reached = ("--min-version", str(done["version"]))
        assert shell.json(lead, "log", one, *reached)["entries"][0]["version"] == done["version"]
        done = shell.json(command, "suppress", one, "--reason", f"the {priority}th")
        listed = ("list", "--filter", "suppressed = true", "--limit", "1000")
        page = shell.json(lead, *listed, "--min-position", str(done["position"]))
        assert one in {row["lead_id"] for row in page["leads"]}
        shell.run(command, "unsuppress", one)


def test_a_version_or_position_that_does_not_come_is_told(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_client, "TRIES", 1)
    one = closed_lead(shell)
    for what in ("show", "log"):
        told = shell.run(lead, what, one, "--min-version", "99", code=UNREACHABLE).stderr
        assert "Version 99 is not visible yet" in told
    far = str(int(head(shell)) + 10**9)
    told = shell.run(lead, "list", "--min-position", far, code=REFUSED).stderr
    assert f"There is no position {far} yet" in told
    told = shell.run(campaign, "list", "--min-position", far, code=REFUSED).stderr
    assert f"There is no position {far} yet" in told
    plan = ("plan", "ready", "--ids", one, "--min-position", far)
    assert f"There is no position {far} yet" in shell.run(bulk, *plan, code=REFUSED).stderr


def test_a_repeat_and_an_old_version_are_told_apart(shell: Shell) -> None:
    one = closed_lead(shell)
    note = (command, "add-note", one, "--text", "hello", "--idempotency-key", f"k-{one}")
    first, second = shell.json(*note), shell.json(*note)
    assert first == second
    other = (command, "add-note", one, "--text", "other", "--idempotency-key", f"k-{one}")
    assert shell.json(*other, code=REFUSED)["code"] == "key-reused"
    seen = str(shell.json(command, "set-priority", one, "--priority", "3")["version"])
    shell.run(command, "set-priority", one, "--priority", "4")
    moved = shell.run(
        command, "set-priority", one, "--priority", "5", "--if-match", seen, code=REFUSED
    )
    assert "changed: ['priority']" in moved.stderr


def test_a_refusal_prints_every_reason(shell: Shell) -> None:
    one = closed_lead(shell)
    shell.run(command, "suppress", one, "--reason", "asked us to wait")
    refused = shell.run(command, "start-call", one, "--call-id", f"c-{one}", code=REFUSED)
    assert "[suppressed]" in refused.stderr
    assert "[status-not-dialable]" in refused.stderr
    codes = [reason["code"] for reason in shell.json(
        command, "start-call", one, "--call-id", f"c-{one}", code=REFUSED)["errors"]]  # fmt: skip
    assert {"suppressed", "status-not-dialable"} <= set(codes)
    wrong = ("create-lead", "--campaign-id", "x", "--phone", "12", "--priority", "11")
    told = shell.run(command, *wrong, code=REFUSED).stderr
    assert "campaign_id: " in told
    assert "priority: " in told
    by_agent = shell.run(command, "delete-lead", one, "--as", "agent", code=REFUSED)
    assert "[role-not-allowed]" in by_agent.stderr
    asked = shell.json(lead, "callable", one, code=REFUSED)
    assert {"suppressed", "status-not-dialable"} <= {one["code"] for one in asked["reasons"]}
    assert shell.run(lead, "callable", one, code=REFUSED).stdout.startswith("no\n  - ")


def test_a_list_becomes_a_file(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "success.csv"
    narrow = ("--filter", "status = success", "--columns", "lead_id,status,phone")
    shell.run(lead, "export", *narrow, "-o", str(file))
    rows = list(csv.DictReader(io.StringIO(file.read_text(), newline="")))
    counted = shell.run(lead, "export", *narrow, "--ndjson").stdout.count("\n")
    assert len(rows) == counted > 0
    assert {row["status"] for row in rows} == {"success"}
    assert list(tmp_path.iterdir()) == [file]
    wrong = shell.run(lead, "export", "--filter", "status =", "-o", str(file) + "2", code=REFUSED)
    assert wrong.stderr
    assert list(tmp_path.iterdir()) == [file]
    both = ("--view", "mine", "--sort", "name")
    assert "leave them out" in shell.run(lead, "export", *both, code=USAGE).stderr


def test_what_is_wanting_is_named_before_anything_is_sent(shell: Shell) -> None:
    told = shell.run(command, "set-dial-time-limit", "x", code=USAGE).stderr
    assert told == "leads: --start is required; --end is required\n"
    told = shell.run(command, "update-fields", "x", "--set", "age", code=USAGE).stderr
    assert "write age as NAME=VALUE" in told
    told = shell.run(command, "change-follow-up-rules", "x", "--rules", "[", code=USAGE).stderr
    assert "--rules: is not JSON" in told
    assert "say which leads" in shell.run(bulk, "plan", "ready", code=USAGE).stderr
    bad = ("plan", "ready", "--filter", "status =")
    assert "the filter cannot be read" in shell.run(bulk, *bad, code=USAGE).stderr


def test_every_command_has_a_form_and_is_listed(shell: Shell, loaded: Loaded) -> None:
    rows = shell.json(command, "--list")
    address = f"{loaded.stack.address}/v1/openapi.json"
    paths = httpx.get(address, trust_env=False).json()["paths"]
    offered = {path for path, one in paths.items() if "x-bulk" in one.get("post", {})}
    assert {row["path"] for row in rows} == offered
    assert len({row["command"] for row in rows}) == len(rows)
    owner = next(row for row in rows if row["command"] == "change-owner")
    assert (owner["required"], owner["bulk"]) == (["--owner"], True)
    listed = shell.run(command, "--list").stdout
    assert all(row["command"] in listed for row in rows)
    forms = get_command(command)
    assert isinstance(forms, TyperGroup)
    assert {row["command"] for row in rows} == set(forms.commands)
    form = " ".join(shell.run(command, "clone-lead", "--help").stdout.split())
    assert "LEAD_ID" in form
    assert "skip | update | move | clone_anyway; default: skip" in form


def test_a_job_is_planned_looked_at_carried_out_and_taken_back(shell: Shell) -> None:
    (first, *rest) = [closed_lead(shell) for _ in range(5)]
    gone = str(shell.json(command, "delete-lead", first)["position"])
    ids = "\n".join([first, *rest, *rest])
    plan = ("plan", "set-priority", "--ids-file", "-", "--priority", "8", "--min-position", gone)
    told = shell.run(bulk, *plan, stdin=ids).stdout
    assert "4 leads selected, 4 repeated, 1 missing" in told
    assert "leads bulk execute " in told
    job = told.split("leads bulk execute ")[1].split()[0]
    asked = shell.run(bulk, "execute", job, code=USAGE).stderr
    assert asked == "leads: nobody is there to be asked; say --yes\n"
    done = shell.json(bulk, "execute", job, "--yes")
    assert done["state"] == "finished"
    assert sum(done["result"].values()) == done["selected"]
    assert done["result"]["applied"] == 4
    shown = shell.run(bulk, "status", job).stdout
    assert "SetPriority priority=8: finished, 4 applied" in shown
    assert set(outcomes(shell, job)) == set(rest)
    assert job in shell.run(bulk, "status").stdout
    undone = shell.json(bulk, "undo", job, "--yes")
    assert (undone["kind"], undone["result"]["reversed"]) == ("undo", 4)
    reached = ("--min-version", str(outcomes(shell, undone["id"])[rest[0]]["version_after"]))
    assert shell.json(lead, "show", rest[0], *reached)["lead"]["priority"] == 5


def outcomes(shell: Shell, job: str) -> dict[str, Any]:
    """What became of each lead of a job, by its id."""
    told = shell.run(bulk, "outcomes", job, "--json").stdout
    return {one["lead_id"]: one for one in map(json.loads, told.splitlines())}


def test_refused_leads_are_downloaded(shell: Shell, tmp_path: Path) -> None:
    chosen = [closed_lead(shell), closed_lead(shell)]
    locked = str(shell.json(command, "lock-lead", chosen[0])["position"])
    team = shell.json(lead, "show", chosen[1], "--min-version", "1")["lead"]["owner"]
    leads = ("--ids", chosen[0], "--ids", chosen[1], "--min-position", locked)
    job = shell.json(bulk, "plan", "change-owner", *leads, "--owner", team)
    assert job["plan"]["refused"] == 1
    output = tmp_path / "refused.csv"
    told = shell.run(bulk, "refused", job["id"], "-o", str(output)).stdout
    assert told == f"1 refused leads in {output}\n"
    assert chosen[0] in output.read_text()
    assert "[locked]" in shell.run(bulk, "status", job["id"]).stdout
    assert shell.json(bulk, "cancel", job["id"])["cancelled"] is True


def test_a_filter_chooses_and_ids_are_left_out(shell: Shell) -> None:
    now = ("--min-position", head(shell))
    total = shell.json(lead, "list", "--filter", "status = success", "--limit", "1000", *now)
    spared = total["leads"][0]["lead_id"]
    given = ("--filter", "status = success", "--exclude", spared)
    job = shell.json(bulk, "plan", "change-status", *given, "--status", "completed", *now)
    assert job["selected"] == len(total["leads"]) - 1
    refused = shell.run(bulk, "plan", "ready", *given, "--as", "agent", code=REFUSED)
    assert "[role-not-allowed]" in refused.stderr


def test_a_file_of_leads_is_looked_at_imported_and_taken_back(shell: Shell, tmp_path: Path) -> None:
    made = shell.json(campaign, "create", "--name", "Fair")["id"]
    file = tmp_path / "fair.csv"
    numbers = [f"+{next(NUMBERS)}" for _ in range(2)]
    file.write_text(f"Tel,Who,Note\n{numbers[0]},Ann,x\n{numbers[1]},Bob,\n0415,Cy,y\n")
    given = (str(file), "--campaign", made, "--mapping", "Who=name")
    looked = shell.run(imports, *given, "--preview").stdout
    assert "3  Note    (ignored)" in looked
    assert "1 refused" in looked
    assert "row 4 refused; Write the number in international form" in looked
    assert "say --yes" in shell.run(imports, *given, code=USAGE).stderr
    done = shell.json(imports, *given, "--yes")
    assert (done["state"], done["result"]["created"]) == ("finished", 2)
    listed = shell.run(imports, "list").stdout.splitlines()
    assert listed[0].startswith(done["id"])
    assert listed[0].endswith("fair.csv: finished, 2 created, 1 refused")
    lines = shell.run(imports, "rows", done["id"], "--outcome", "created", "--json").stdout
    found = [json.loads(line) for line in lines.splitlines()]
    assert [one["row"] for one in found] == [2, 3]
    output = tmp_path / "refused.csv"
    shell.run(imports, "refused", done["id"], "-o", str(output))
    assert output.read_text().splitlines()[1].endswith(",0415,Cy,y")
    again = shell.run(imports, *given, "--yes").stdout
    assert f"came before, as import {done['id']}" in again
    assert "2 unchanged, 1 refused" in again
    undone = shell.json(imports, "undo", done["id"], "--yes")
    assert undone["undo"]["rows"] == {"reversed": 2}
    assert "undone, 2 reversed" in shell.run(imports, "show", done["id"]).stdout
    assert "nobody is there" in shell.run(imports, "undo", done["id"], code=USAGE).stderr


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--campaign", "none"), "there is no campaign none"),
        (("--mapping", "shoe=name"), "shoe=name names no column of the file"),
        (("--mapping", "1="), "no column has a field"),
    ],
)
def test_a_file_that_cannot_be_imported_as_asked(
    shell: Shell, tmp_path: Path, given: tuple[str, ...], told: str
) -> None:
    file = tmp_path / "one.csv"
    file.write_text("phone\n+12025550190\n")
    asked = given if "--campaign" in given else ("--campaign", CAMPAIGN_CODE, *given)
    assert told in shell.run(imports, str(file), *asked, code=USAGE).stderr
    missing = shell.run(
        imports, str(tmp_path / "none.csv"), "--campaign", CAMPAIGN_CODE, code=USAGE
    )
    assert "the file cannot be read: No such file" in missing.stderr


def test_campaigns(shell: Shell) -> None:
    rules = '[{"end_cause": "Busy", "next_status": "automatic_redial", "delay_minutes": 20}]'
    made = shell.json(campaign, "create", "--name", "Autumn", "--project", "P", "--rules", rules)
    reached = ("--min-position", str(made["position"]))
    assert "Autumn" in shell.run(campaign, "list", *reached).stdout
    shown = shell.json(campaign, "show", made["id"], *reached)
    assert shown["rules"][0]["delay_minutes"] == 20
    assert "20 min" in shell.run(campaign, "rules", made["id"], *reached).stdout
    shell.run(campaign, "deactivate", made["id"])
    shell.run(campaign, "activate", made["id"])
    copy = shell.json(campaign, "copy", "--campaign-id", made["id"], "--name", "Winter")
    reached = ("--min-position", str(copy["position"]))
    names = {one["name"] for one in shell.json(campaign, "list", *reached)}
    assert names >= {"Autumn", "Winter"}
    lifted = shell.json(campaign, "change-dialling-hours", copy["id"], "--hours", "null")
    assert lifted["changed"] is False


def test_a_held_call_is_mended_and_taken_in(shell: Shell, loaded: Loaded, tmp_path: Path) -> None:
    one = closed_lead(shell)
    broken = {"call_id": f"held-{one}", "lead_id": one, "started_at": "2026-11-20T10:00:00Z"}
    broken["end_cause"] = "Bussy"
    answer = httpx.post(
        f"{loaded.stack.address}/v1/calls",
        json=[broken],
        headers={"authorization": f"Bearer {demo_keys(loaded.folder)['dialer']}"},
        trust_env=False,
    ).json()
    entry = answer["items"][0]["quarantine_id"]
    reached = ("--min-position", str(answer["position"]))
    listed = shell.run(quarantine, "list", "--code", "end-cause-unknown", *reached).stdout
    assert entry in listed
    raw = shell.run(quarantine, "show", entry, "--raw").stdout
    assert json.loads(raw) == broken
    assert shell.json(quarantine, "show", entry)["code"] == "end-cause-unknown"

    told = shell.run(quarantine, "reprocess", entry, code=REFUSED).stdout
    assert told.startswith("0 taken in, 1 still held, 0 skipped (position ")
    assert told.endswith(")\n  1 end-cause-unknown\n")
    assert "say which" in shell.run(quarantine, "reprocess", code=USAGE).stderr
    told = shell.run(quarantine, "mend", entry, str(tmp_path / "none"), code=USAGE).stderr
    assert "cannot be read: No such file" in told
    told = shell.run(quarantine, "mend", entry, "-", stdin=raw.replace("Bussy", "Busy")).stdout
    assert told.startswith(f"done: {entry} quarantine.payload_mended")
    assert shell.json(quarantine, "reprocess", entry)["taken_in"] == 1
    told = shell.run(quarantine, "discard", entry, "--reason", "late", code=REFUSED).stderr
    assert "[payload-reprocessed]" in told


def test_who_asks_and_where(shell: Shell, loaded: Loaded, tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(demo_keys(loaded.folder)["auditor"] + "\n")
    elsewhere = Shell(tmp_path)
    named = ("--address", loaded.stack.address, "--key-file", str(key_file))
    assert elsewhere.json(lead, "list", *named, "--limit", "1")["leads"]
    told = elsewhere.run(lead, "list", code=UNREACHABLE).stderr
    assert (
        told
        == f"leads: nothing runs over {tmp_path}; start it with ./leads up, or name --address\n"
    )
    told = elsewhere.run(lead, "list", "--address", loaded.stack.address, code=USAGE).stderr
    assert "name your key with --key-file" in told
    key_file.write_text("lk_nobody")
    told = elsewhere.run(lead, "list", *named, code=UNREACHABLE).stderr
    assert told == "A valid API key or token is needed\n"
    silent = ("--address", "http://127.0.0.1:9", "--key-file", str(key_file))
    told = elsewhere.run(lead, "list", *silent, code=UNREACHABLE).stderr
    assert told.startswith("leads: nobody answers at http://127.0.0.1:9")


def test_the_families_are_reached_from_the_shell(loaded: Loaded) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "services.cli", "campaign", "list"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "LEADS_DATA_DIR": str(loaded.folder)},
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("id ")


def test_an_export_is_started_followed_taken_and_cancelled(shell: Shell, tmp_path: Path) -> None:
    chosen = ("--filter", "status = success", "--columns", "lead_id,name", "--sort", "-name")
    found = shell.json(lead, "list", "--filter", "status = success", "--limit", "1000")
    done = shell.json(export, "start", *chosen, "--name", "Won", "--wait")
    assert (done["state"], done["name"], done["contacts"]) == ("finished", "Won", False)
    assert done["leads"] == len(found["leads"]) > 0
    path = tmp_path / "won.zip"
    told = shell.run(export, "download", done["id"], "-o", str(path)).stdout
    assert f"{done['leads']:,} leads as of position {done['shown']}" in told
    with ZipFile(path) as archive:
        rows = archive.read(f"leads-{done['shown']}.csv").decode().splitlines()
    assert (rows[0], len(rows)) == ("lead_id,name,do_not_call", done["leads"] + 1)
    listed = shell.json(export, "list", "--state", "finished")["exports"]
    assert done["id"] in [one["id"] for one in listed]
    assert shell.run(export, "cancel", done["id"]).stdout == "cancelled\n"
    assert "cancelled" in shell.run(export, "show", done["id"], "--wait", code=REFUSED).stdout
    shell.run(export, "download", done["id"], "-o", str(path), code=REFUSED)
    failed = shell.run(export, "start", "--columns", "no_such", "--wait", code=REFUSED).stdout
    assert "not-usable" in failed
    refused = shell.run(export, "start", "--mail", "x@elsewhere.example", code=REFUSED).stderr
    assert "mail-not-set-up" in refused
    assert list(tmp_path.iterdir()) == [path]


def test_views_are_listed_and_what_is_mailed_of_them(shell: Shell) -> None:
    assert "overdue_callbacks" in shell.run(view, "list").stdout
    assert "opens_first" in shell.json(view, "list")
    when = ("--times", "08:30", "--zone", "Europe/Berlin", "--weekdays", "1", "--weekdays", "5")
    asked = ("schedule", "--view", "mine", *when, "--recipients", "ana@example.com")
    refused = shell.run(view, "mail", *asked, code=REFUSED).stderr
    assert "mail-not-set-up" in refused
    assert shell.json(view, "mail", "list", "--all")["mailings"] == []
    unknown = "01920000-0000-7000-8000-000000000099"
    shell.run(view, "mail", "stop", unknown, code=REFUSED)
    shell.run(view, "mail", "show", unknown, code=REFUSED)
