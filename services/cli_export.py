"""`leads export`: have leads written into a file by a job, follow it, take the file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli_asking import Asking, MinPosition, asks, filter_of
from services.cli_client import REFUSED, Client, as_line, give_up, width
from services.cli_progress import Step, followed

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Have leads written into a ZIP file by a job; list, follow, cancel and take such files.",
)
ExportId = Annotated[
    str, typer.Argument(metavar="EXPORT_ID", help="As `start` told.", show_default=False)
]


@asks(app)
def start(
    asking: Asking,
    filter_text: Annotated[str, typer.Option("--filter", help="As in: status = ready")] = "",
    view: Annotated[str, typer.Option(help="A view's leads and columns, instead.")] = "",
    columns: Annotated[str, typer.Option(help="Which, with commas between; else all.")] = "",
    sort: Annotated[str, typer.Option(help="Column; with - before it, downwards.")] = "",
    contacts: Annotated[bool, typer.Option("--contacts", help="With secondary contacts.")] = False,
    ndjson: Annotated[bool, typer.Option("--ndjson", help="Lines of JSON, not CSV.")] = False,
    name: Annotated[str, typer.Option(help="What it is called.")] = "leads",
    mail: Annotated[str, typer.Option(help="Mail a link to these, with commas between.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the file is there.")] = False,
) -> None:
    """Ask for a file of every lead in your sight that matches, or of a view's."""
    body: dict[str, Any] = {
        "columns": _parts(columns), "contacts": contacts, "name": name, "recipients": _parts(mail),
        "format": "ndjson" if ndjson else "csv", "sort": [_key(one) for one in _parts(sort)],
    }  # fmt: skip
    if filter_text:
        body["filter"] = filter_of(filter_text)
    if view:
        body["view"] = view
    api = asking.api
    made = api.post("/v1/exports", body)
    if not wait:
        print(as_line(made) if asking.as_json else made["id"])
        return
    _show(_settled(api, made, told=not asking.as_json), as_json=asking.as_json)


def _parts(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _key(text: str) -> dict[str, Any]:
    return {"field": text.removeprefix("-"), "descending": text.startswith("-")}


@asks(app, "list")
def list_some(
    asking: Asking,
    state: Annotated[str, typer.Option(help="Only requested, finished, failed, …")] = "",
    everybodys: Annotated[bool, typer.Option("--all", help="Of everybody.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many.")] = 20,
    min_position: MinPosition = None,
) -> None:
    """List your exports, or for admins and auditors everybody's, the latest first."""
    query = {
        "state": state, "whose": "all" if everybodys else "", "limit": limit,
        "min_position": min_position,
    }  # fmt: skip
    page = asking.api.get("/v1/exports", **query)
    if asking.as_json:
        print(as_line(page))
        return
    table = Table("id", "asked for", "name", "state", "leads", "until", box=None, pad_edge=False)
    for one in page["exports"]:
        until = (one["expires_at"] or "")[:19] if one["state"] == "finished" else ""
        leads = "" if one["leads"] is None else str(one["leads"])
        table.add_row(one["id"], one["requested_at"][:19], one["name"], one["state"], leads, until)
    Console(width=width() or None, markup=False).print(table)


@asks(app)
def show(
    asking: Asking,
    export_id: ExportId,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has ended.")] = False,
    min_position: MinPosition = None,
) -> None:
    """Show an export: what of, how far, what became of it. Exit code 1 when there is no file."""
    api = asking.api
    if wait:
        made = {"id": export_id, "position": min_position or 0}
        _show(_settled(api, made, told=not asking.as_json), as_json=asking.as_json)
        return
    _show(_read(api, export_id, min_position or 0), as_json=asking.as_json)


@asks(app)
def cancel(asking: Asking, export_id: ExportId) -> None:
    """Stop an export, or take its file and links away."""
    api = asking.api
    done = api.post(f"/v1/exports/{export_id}/cancel", {})
    print(as_line(done) if asking.as_json else "cancelled" if done["changed"] else "ended already")


@asks(app, json=False)
def download(
    asking: Asking,
    export_id: ExportId,
    output: Annotated[str, typer.Option("-o", help="Into this file; else leads.zip.")] = "",
) -> None:
    """Take the file, once it is whole; waits for an export that is still being written."""
    api = asking.api
    export = _settled(api, {"id": export_id, "position": 0}, told=True)
    if export["state"] != "finished":
        _show(export, as_json=False)
    path = Path(output or f"leads-{export['shown']}.zip")
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as sink:
            api.save(f"/v1/exports/{export_id}/file", sink)
        if part.stat().st_size != export["size"]:
            give_up("the download broke off, it is not complete", 3)
        part.replace(path)
    except OSError as error:
        give_up(f"the file cannot be written: {error}")
    finally:
        part.unlink(missing_ok=True)
    print(f"{export['leads']:,} leads as of position {export['shown']} in {path}")


def _read(api: Client, export_id: str, min_position: int) -> Any:
    return api.get(f"/v1/exports/{export_id}", min_position=min_position)["export"]


def _settled(api: Client, made: Mapping[str, Any], *, told: bool) -> Any:
    """Return the export once it has ended; its progress is shown meanwhile."""

    def step(export: Mapping[str, Any]) -> Step | None:
        if export["state"] != "requested":
            return None
        far = export["progress"] or {"leads": 0, "of": None}
        return Step("written", far["leads"], far["of"])

    return followed(lambda: _read(api, made["id"], made["position"]), step, told=told)


def _show(export: Mapping[str, Any], *, as_json: bool) -> None:
    """Print an export; exit code 1 when it ended without a file."""
    if as_json:
        print(as_line(export))
    else:
        print(f"{export['id']}  {export['name']}: {_headline(export)}")
        for one in export["recipients"]:
            print(f"  mail to {one['address']}: {one['mail']}")
    if export["state"] not in ("requested", "finished"):
        raise typer.Exit(REFUSED)


def _headline(export: Mapping[str, Any]) -> str:
    if export["state"] == "finished":
        until = export["expires_at"][:19]
        return f"{export['leads']:,} leads as of position {export['shown']}, until {until}"
    if export["progress"]:
        return f"{export['progress']['leads']:,} of {export['progress']['of']:,} leads written"
    why = "; ".join(export[part] for part in ("code", "detail") if export[part])
    return f"{export['state']}{' (' + why + ')' if why else ''}"
