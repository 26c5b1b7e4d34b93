"""`leads lead`: find leads, look at one, read what happened to it."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table

from services.cli_asking import Asking, MinPosition, asks
from services.cli_client import REFUSED, as_line, give_up, width

COLUMNS = "lead_id,name,status,owner,priority,call_attempts,next_dial_at"

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Find leads, show one, read its log. To change one: leads command.",
)
LeadId = Annotated[str, typer.Argument(metavar="LEAD_ID", help="Which lead.", show_default=False)]
Limit = Annotated[int, typer.Option(min=1, max=1_000, help="How many.")]
MinVersion = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Wait until the lead has reached that version; leads command prints it.",
        show_default=False,
    ),
]


@asks(app, "list")
def list_some(
    asking: Asking,
    filter_text: Annotated[str, typer.Option("--filter", help="As in: status = ready")] = "",
    search: Annotated[str, typer.Option(help="Part of a name, number, address or field.")] = "",
    sort: Annotated[str, typer.Option(help="Column; with - before it, downwards.")] = "",
    columns: Annotated[str, typer.Option(help="Which, with commas between.")] = COLUMNS,
    limit: Limit = 20,
    min_position: MinPosition = None,
) -> None:
    """List leads in your sight."""
    query = {
        "filter": filter_text, "q": search, "sort": sort, "columns": columns, "limit": limit,
        "min_position": min_position,
    }  # fmt: skip
    page = asking.api.get("/v1/leads", **query)
    if asking.as_json:
        print(as_line(page))
        return
    names = columns.split(",")
    _table(names, [[one.get(name) for name in names] for one in page["leads"]])


@asks(app, json=False)
def export(
    asking: Asking,
    filter_text: Annotated[str, typer.Option("--filter", help="As in: status = ready")] = "",
    search: Annotated[str, typer.Option(help="Part of a name, number, address or field.")] = "",
    sort: Annotated[str, typer.Option(help="Column; with - before it, downwards.")] = "",
    columns: Annotated[str, typer.Option(help="Which, with commas between; else all.")] = "",
    view: Annotated[str, typer.Option(help="A view's leads and columns, instead.")] = "",
    contacts: Annotated[bool, typer.Option("--contacts", help="With secondary contacts.")] = False,
    ndjson: Annotated[bool, typer.Option("--ndjson", help="Lines of JSON, not CSV.")] = False,
    output: Annotated[str, typer.Option("-o", help="Into this file.")] = "-",
) -> None:
    """Download every lead in your sight that matches, of one moment; a file is there when whole."""
    if view and (filter_text or search or sort or columns):
        give_up("a view has its own filter, sort and columns; leave them out")
    query = {
        "filter": filter_text, "q": search, "sort": sort, "columns": columns,
        "contacts": "true" if contacts else "", "format": "ndjson" if ndjson else "csv",
    }  # fmt: skip
    path = f"/v1/views/{quote(view, safe='')}/export" if view else "/v1/leads/export"
    api = asking.api
    if output == "-":
        api.save(path, sys.stdout.buffer, **query)
        return
    part = Path(output + ".part")
    try:
        with part.open("wb") as sink:
            api.save(path, sink, **query)
        part.replace(output)
    except OSError as error:
        give_up(f"the file cannot be written: {error}")
    finally:
        part.unlink(missing_ok=True)


@asks(app)
def show(
    asking: Asking,
    lead_id: LeadId,
    as_of: Annotated[str, typer.Option(help="A time, or version:7.")] = "",
    min_version: MinVersion = None,
) -> None:
    """Show a lead, also as it was at a time or version."""
    one = asking.api.get(f"/v1/leads/{lead_id}", as_of=as_of, min_version=min_version)
    print(as_line(one) if asking.as_json else json.dumps(one, ensure_ascii=False, indent=2))


@asks(app)
def log(
    asking: Asking,
    lead_id: LeadId,
    kind: Annotated[str, typer.Option(help="Only these events, as call_recorded.")] = "",
    limit: Limit = 50,
    min_version: MinVersion = None,
) -> None:
    """Read what happened to a lead, newest first: when, what, who, before → after."""
    page = asking.api.get(
        f"/v1/leads/{lead_id}/log", kind=kind, limit=limit, min_version=min_version
    )
    if asking.as_json:
        print(as_line(page))
        return
    _table(("when", "what", "who", "changes"), [_entry(one) for one in page["entries"]])


@asks(app, "callable")
def may_be_called(
    asking: Asking,
    lead_id: LeadId,
    agent: Annotated[str, typer.Option(help="Id of a user; else nobody in particular.")] = "",
    at: Annotated[str, typer.Option(help="A time, also a past one; else now.")] = "",
) -> None:
    """Ask whether a lead may be called, now or at a time; exit code 1 with every reason if not."""
    one = asking.api.get(f"/v1/leads/{lead_id}/callable", agent=agent, at=at)
    if asking.as_json:
        print(as_line(one))
    else:
        print("yes" if one["callable"] else "no")
        for reason in one["reasons"]:
            since = f", since {reason['since']}" if reason.get("since") else ""
            print(f"  - {reason['text']} [{reason['code']}]{since}")
    if not one["callable"]:
        raise typer.Exit(REFUSED)


def _entry(one: Mapping[str, Any]) -> list[Any]:
    changes = [
        f"{each['field']}: {_short(each['before'])} → {_short(each['after'])}"
        for each in one.get("changes", ())
    ]
    return [one["happened_at"], one["kind"], one.get("actor"), "; ".join(changes)]


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    table = Table(*names, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(_short(value) for value in row))
    Console(width=width() or None, markup=False).print(table)


def _short(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else as_line(value)
