"""`leads bulk`: one command on many leads, planned, looked at, carried out, taken back."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli_asking import Asking, MinPosition, Yes, asks, confirm, filter_of, option
from services.cli_client import Client, as_line, give_up
from services.cli_derived import Form, add, kebab
from services.cli_progress import Step, followed
from services.command.bulk.offered import offered_in_bulk

SHOWN = 10

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help=(
        "One command on many leads: plan it, look at the plan, carry out that very plan, undo it."
    ),
)
planning = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Have a plan made by the real decisions; nothing is changed. Then: leads bulk execute.",
)
app.add_typer(planning, name="plan")

Ids = Annotated[list[str] | None, typer.Option(help="Id of a lead; repeatable.")]
IdsFile = Annotated[str, typer.Option(help="File with an id a line, - for standard input.")]
FilterText = Annotated[
    str,
    typer.Option("--filter", help="""Which leads, as in: status = no_answer and priority > 5"""),
]
Exclude = Annotated[list[str] | None, typer.Option(help="Id to leave out; repeatable.")]
JobId = Annotated[str, typer.Argument(metavar="JOB_ID", help="As `plan` told.", show_default=False)]
SELECTING = (
    option("ids", Ids, None),
    option("ids_file", IdsFile, ""),
    option("filter_text", FilterText, ""),
    option("exclude", Exclude, None),
    option("min_position", MinPosition, None),
)


def plan(asking: Asking, form: Form, given: Mapping[str, Any]) -> None:
    """Freeze the leads, have the plan made, show it."""
    body = form.body(given)
    wanted = _selection(given)
    api, told = asking.api, not asking.as_json
    selection = api.post("/v1/selections", wanted)
    if told:
        _say_selection(selection)
    asked = {
        "selection": selection["id"],
        "digest": selection["digest"],
        "command": {"name": form.command.__name__, **body},
    }
    job = _settled(api, api.post("/v1/bulk-jobs", asked)["id"], told=told)
    _show(api, job, as_json=not told)
    if told and job["plan"] and job["plan"]["applied"]:
        print(f"carry it out:  leads bulk execute {job['id']}")


def _selection(given: Mapping[str, Any]) -> dict[str, Any]:
    ids, filter_text = list(given["ids"] or ()), given["filter_text"]
    wait = {"min_position": given["min_position"] or 0}
    if given["ids_file"]:
        ids += _lines(given["ids_file"])
    if bool(ids) == bool(filter_text):
        give_up("say which leads: --ids or --ids-file, or --filter")
    if ids:
        if given["exclude"]:
            give_up("--exclude goes with --filter; leave those ids out of the list")
        return {"ids": ids, **wait}
    exclude = list(given["exclude"] or ())
    return {"filter": filter_of(filter_text), "exclude_ids": exclude, **wait}


def _lines(path: str) -> list[str]:
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        give_up(f"the ids cannot be read: {error}")
    ids = [line.strip() for line in text.splitlines()]
    return [one for one in ids if one]


@asks(app)
def execute(asking: Asking, job_id: JobId, yes: Yes = False) -> None:
    """Carry out a plan, as it was shown. Asks first, with the number of leads that change."""
    api = asking.api
    job = _settled(api, job_id, told=not asking.as_json)
    _carry_out(api, job, yes=yes, as_json=asking.as_json)


@asks(app)
def undo(asking: Asking, job_id: JobId, yes: Yes = False) -> None:
    """Take back what a finished job changed. Plans that, shows the plan, asks, carries it out."""
    api = asking.api
    asked = api.post(f"/v1/bulk-jobs/{job_id}/undo", None)
    job = _settled(api, asked["id"], told=not asking.as_json)
    if not asking.as_json:
        _show(api, job, as_json=False)
    _carry_out(api, job, yes=yes, as_json=asking.as_json)


@asks(app)
def cancel(asking: Asking, job_id: JobId) -> None:
    """Cancel a job: nothing of it is done after this, and what was not reached is listed."""
    api = asking.api
    api.post(f"/v1/bulk-jobs/{job_id}/cancel", None)
    _show(api, api.get(f"/v1/bulk-jobs/{job_id}"), as_json=asking.as_json)


@asks(app)
def status(
    asking: Asking,
    job_id: Annotated[str, typer.Argument(metavar="[JOB_ID]", help="One job; else all.")] = "",
) -> None:
    """Show a job with its plan, progress and result, or list your jobs, the latest first."""
    api = asking.api
    if job_id:
        _show(api, api.get(f"/v1/bulk-jobs/{job_id}"), as_json=asking.as_json)
        return
    jobs = api.get("/v1/bulk-jobs")["jobs"]
    if asking.as_json:
        print(as_line(jobs))
    for job in () if asking.as_json else jobs:
        print(f"{job['id']}  {job['made_at'][:19]}  {_headline(job)}")


@asks(app)
def outcomes(
    asking: Asking,
    job_id: JobId,
    outcome: Annotated[str, typer.Option(help="Only these: applied, unchanged, refused, …")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many; all when left out.")] = 10**9,
) -> None:
    """List every lead of a job: outcome, reasons, before and after. With --json, a line each."""
    api = asking.api
    left, cursor = limit, ""
    while left > 0:
        page = api.get(
            f"/v1/bulk-jobs/{job_id}/outcomes",
            outcome=outcome, cursor=cursor, limit=min(left, 1_000),
        )  # fmt: skip
        for one in page["outcomes"]:
            print(as_line(one) if asking.as_json else _line(one))
        left -= len(page["outcomes"])
        cursor = page["next"]
        if cursor is None:
            return


@asks(app, json=False)
def refused(
    asking: Asking,
    job_id: JobId,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write.")] = None,
) -> None:
    """Download the refused leads with their reasons, as CSV."""
    api = asking.api
    text = api.text(f"/v1/bulk-jobs/{job_id}/refused.csv")
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, newline="")
        print(f"{max(text.count(chr(10)) - 1, 0):,} refused leads in {output}")


def _carry_out(api: Client, job: Mapping[str, Any], *, yes: bool, as_json: bool) -> None:
    """Ask with the real numbers, execute the plan that was seen, show what became of it."""
    if job["state"] == "planned":
        if not yes:
            _confirm(job)
        asked = {"digest": job["plan"]["digest"]}
        api.post(f"/v1/bulk-jobs/{job['id']}/execute", asked)
    _show(api, _settled(api, job["id"], told=not as_json, at_end=True), as_json=as_json)


def _confirm(job: Mapping[str, Any]) -> None:
    counts = {name: count for name, count in job["plan"].items() if name != "digest"}
    (first, number), *others = counts.items()
    rest = ", ".join(f"{count:,} {name}" for name, count in others)
    verb = "Take back" if first == "reversed" else "Carry out"
    confirm(f"{verb} {job['command']} on {number:,} leads ({rest})?")


def _settled(api: Client, job_id: str, *, told: bool, at_end: bool = False) -> Any:
    """Return the job once its step is over; its progress is shown meanwhile."""
    over = {"finished"} if at_end else {"planned", "executing", "finished"}

    def step(job: Mapping[str, Any]) -> Step | None:
        if job["state"] in over:
            return None
        if job["stalled"]:
            give_up(f"the job is stalled ({job['fault']}); ask again once that is mended", 3)
        far = job["executing"] or job["planning"] or {"done": 0}
        return Step(job["state"], far["done"], job["selected"])

    return followed(lambda: api.get(f"/v1/bulk-jobs/{job_id}"), step, told=told)


def _show(api: Client, job: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(as_line(job))
        return
    print(f"{job['id']}  {_headline(job)}")
    last = job["result"] or job["plan"] or {}
    if last.get("refused"):
        page = api.get(f"/v1/bulk-jobs/{job['id']}/outcomes", outcome="refused", limit=SHOWN)
        for one in page["outcomes"]:
            print(f"  {_line(one)}")
        if page["next"] is not None:
            print(f"  … {last['refused']:,} in all:  leads bulk refused {job['id']} -o refused.csv")


def _headline(job: Mapping[str, Any]) -> str:
    counts = job["result"] or job["plan"] or {}
    told = ", ".join(
        f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items() if name != "digest"
    )
    what = f"undo of {job['command']}" if job["kind"] == "undo" else job["command"]
    fields = " ".join(f"{name}={_short(value)}" for name, value in job["fields"].items())
    return f"{what}{' ' + fields if fields else ''}: {job['state']}, {told or job['selected']}"


def _line(one: Mapping[str, Any]) -> str:
    parts = [f"{one['lead_id']} {one['outcome']}{' (moved)' if one['moved'] else ''}"]
    parts += [f"{reason['detail']} [{reason['code']}]" for reason in one["reasons"]]
    for name, change in one["changes"].items():
        hidden = "hidden" in change
        before, after = change.get("before"), change.get("after")
        parts.append(f"{name} changes" if hidden else f"{name}: {_short(before)} → {_short(after)}")
    return "; ".join(parts)


def _short(value: Any) -> str:
    return value if isinstance(value, str) else as_line(value)


def _say_selection(selection: Mapping[str, Any]) -> None:
    more = [
        f"{selection[name]:,} {name}" for name in ("repeated", "missing") if selection.get(name)
    ]
    print(f"{selection['count']:,} leads selected{', ' + ', '.join(more) if more else ''}")


for _command in offered_in_bulk().values():
    add(planning, Form(_command), kebab(_command.__name__), SELECTING, plan)
