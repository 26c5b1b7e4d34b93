"""`leads import`: a file of leads, its columns looked at, its rows counted, then imported."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core
from rich.console import Console
from rich.table import Table

from services.cli_asking import Asking, Yes, asks, confirm
from services.cli_client import Client, as_line, give_up, width
from services.cli_progress import Step, followed

SHOWN = 10
PLACE = "/v1/imports"
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OVER = {"finished", "undone"}
IS_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class FileFirst(typer.core.TyperGroup):
    """Takes what is none of its commands for a file to import."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read `leads import FILE …` as `leads import file FILE …`."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["file", *args]
        return list(super().parse_args(ctx, args))


app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    cls=FileFirst,
    help="Import a file of leads: leads import FILE --campaign NAME. Shows what it is first.",
)
ImportId = Annotated[
    str, typer.Argument(metavar="IMPORT_ID", help="Which import.", show_default=False)
]


@asks(app, "file")
def import_file(
    asking: Asking,
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV or xlsx, - for standard input.")
    ],
    campaign: Annotated[str, typer.Option(help="Id, code or name of the campaign.")],
    mapping: Annotated[
        list[str] | None,
        typer.Option(help="COLUMN=FIELD, by header or place, over the proposal; COLUMN= ignores."),
    ] = None,
    duplicates: Annotated[str, typer.Option(help="skip | update | replace")] = "skip",
    owner: Annotated[str, typer.Option(help="team:… or user:… the leads belong to.")] = "",
    region: Annotated[str, typer.Option(help="Numbers are written as there, as US.")] = "",
    pool: Annotated[str, typer.Option(help="Id of the pool; else a new one.")] = "",
    pool_name: Annotated[str, typer.Option(help="Name of the new pool; else the file's.")] = "",
    sheet: Annotated[str, typer.Option(help="Which sheet of a workbook; else the first.")] = "",
    encoding: Annotated[str, typer.Option(help="As windows-1252, when the guess is wrong.")] = "",
    delimiter: Annotated[str, typer.Option(help="When the guess is wrong.")] = "",
    header: Annotated[
        bool | None,
        typer.Option("--header/--no-header", help="Whether the first row names the columns."),
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only look; import nothing.")] = False,
    yes: Yes = False,
) -> None:
    """Upload a file, show its columns and what would become of its rows, ask, import it."""
    api = asking.api
    told = not asking.as_json
    one = _uploaded(api, path, _campaign(api, campaign), encoding, sheet)
    read_as = {"encoding": encoding, "delimiter": delimiter,
               "header": None if header is None else str(header).lower()}  # fmt: skip
    proposal = api.get(f"{PLACE}/{one['id']}/columns", **read_as)
    settings = _settings(proposal, mapping or [])
    more = {"duplicates": duplicates, "owner": owner, "default_region": region,
            "pool_id": pool, "pool_name": pool_name}  # fmt: skip
    settings |= {name: value for name, value in more.items() if value}
    if told:
        _show_columns(proposal, settings["columns"])
    api.put(f"{PLACE}/{one['id']}/mapping", settings)
    api.post(f"{PLACE}/{one['id']}/preview", None)
    looked = _settled(api, one["id"], told=told, previewing=True)
    if told:
        _show(api, looked)
    if not preview:
        if not yes:
            _confirm(api, looked)
        api.post(f"{PLACE}/{one['id']}/run", None)
        looked = _settled(api, one["id"], told=told)
        if told:
            _show(api, looked)
    elif told:
        print(f"import it:  leads import run {one['id']}")
    if asking.as_json:
        print(as_line(looked))


@asks(app)
def run(asking: Asking, import_id: ImportId, yes: Yes = False) -> None:
    """Import what was uploaded and previewed before. Asks first."""
    api = asking.api
    one = api.get(f"{PLACE}/{import_id}")
    if one["state"] == "open" and not yes:
        _confirm(api, one)
    api.post(f"{PLACE}/{import_id}/run", None)
    _told(api, _settled(api, import_id, told=not asking.as_json), as_json=asking.as_json)


@asks(app)
def undo(asking: Asking, import_id: ImportId, yes: Yes = False) -> None:
    """Delete the leads an import made and restore those it updated, unless changed since."""
    api = asking.api
    one = api.get(f"{PLACE}/{import_id}")
    counts = one["result"] or {}
    if not yes:
        made, updated = counts.get("created", 0), counts.get("updated", 0)
        confirm(f"Delete {made:,} leads that were made, restore {updated:,} that were updated?")
    api.post(f"{PLACE}/{import_id}/undo", None)
    _told(api, _settled(api, import_id, told=not asking.as_json), as_json=asking.as_json)


@asks(app)
def cancel(asking: Asking, import_id: ImportId) -> None:
    """Do nothing more of an import; what is done stays."""
    api = asking.api
    api.post(f"{PLACE}/{import_id}/cancel", None)
    _told(api, _settled(api, import_id, told=not asking.as_json), as_json=asking.as_json)


@asks(app, "list")
def list_imports(asking: Asking) -> None:
    """List your imports, the latest first."""
    found = asking.api.get(PLACE)["imports"]
    if asking.as_json:
        print(as_line(found))
    for one in () if asking.as_json else found:
        print(f"{one['id']}  {one['made_at'][:19]}  {_headline(one)}")


@asks(app)
def show(asking: Asking, import_id: ImportId) -> None:
    """Show an import with its counts, and the first rows that were refused."""
    api = asking.api
    _told(api, api.get(f"{PLACE}/{import_id}"), as_json=asking.as_json)


@asks(app)
def rows(
    asking: Asking,
    import_id: ImportId,
    outcome: Annotated[str, typer.Option(help="Only created, updated, refused, …")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many; all when left out.")] = 10**9,
) -> None:
    """List what became of each row: its lead, or every reason. With --json, a line each."""
    api = asking.api
    left, after = limit, 0
    while left > 0:
        page = api.get(f"{PLACE}/{import_id}/rows", outcome=outcome, after=after,
                       limit=min(left, 1_000))  # fmt: skip
        for one in page["rows"]:
            print(as_line(one) if asking.as_json else _line(one))
        left -= len(page["rows"])
        if page["next"] is None:
            return
        after = page["next"]


@asks(app, json=False)
def refused(
    asking: Asking,
    import_id: ImportId,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write.")] = None,
) -> None:
    """Download the refused rows as they came, with their reasons, to be mended and sent again."""
    api = asking.api
    path = f"{PLACE}/{import_id}/refused.csv"
    if output is None:
        api.save(path, sys.stdout.buffer)
    else:
        with output.open("wb") as sink:
            api.save(path, sink)
        print(f"refused rows in {output}")


def _campaign(api: Client, named: str) -> str:
    """Return the id of the campaign that is named by id, code or name."""
    if IS_ID.fullmatch(named):
        return named
    found = [
        one["campaign_id"]
        for one in api.get("/v1/campaigns")["campaigns"]
        if named in (one["code"], one["name"])
    ]
    if len(found) != 1:
        give_up(f"there {'is no campaign' if not found else 'are several campaigns'} {named}")
    return str(found[0])


def _uploaded(api: Client, path: Path, campaign: str, encoding: str, sheet: str) -> Any:
    media = WORKBOOK if path.suffix.lower() == ".xlsx" else "text/csv"
    name = "" if str(path) == "-" else path.name
    asked = {"campaign_id": campaign, "file_name": name, "encoding": encoding, "sheet": sheet}
    if str(path) == "-":
        return api.send(PLACE, sys.stdin.buffer, media, **asked)
    try:
        with path.open("rb") as source:
            return api.send(PLACE, source, media, **asked)
    except OSError as error:
        give_up(f"the file cannot be read: {error.strerror}: {path}")


def _settings(proposal: Mapping[str, Any], mapping: Sequence[str]) -> dict[str, Any]:
    """Return the proposal as settings, changed as was said."""
    fields = {one["column"]: one["field"] for one in proposal["columns"] if one["field"]}
    places = {one["header"].casefold(): one["column"] for one in reversed(proposal["columns"])}
    for said in mapping:
        name, equals, field = said.rpartition("=")
        place = places.get(name.casefold()) or (int(name) if name.isdecimal() else 0)
        if not equals or not place:
            give_up(f"{said} names no column of the file; write HEADER=FIELD or 3=FIELD")
        fields.pop(place, None)
        if field:
            fields[place] = field
    columns = [{"column": place, "field": field} for place, field in sorted(fields.items())]
    if not columns:
        give_up("no column has a field; say what they are with --mapping COLUMN=FIELD")
    read_as = {name: proposal[name] for name in ("encoding", "delimiter", "header")}
    return {**read_as, "columns": columns}


def _show_columns(proposal: Mapping[str, Any], mapped: Sequence[Mapping[str, Any]]) -> None:
    fields = {one["column"]: one["field"] for one in mapped}
    table = Table("", "column", "becomes", "for example", box=None, pad_edge=False)
    for one in proposal["columns"]:
        field = fields.get(one["column"])
        table.add_row(str(one["column"]), one["header"], field or "(ignored)",
                      " | ".join(one["samples"])[:60])  # fmt: skip
    Console(width=width() or None).print(table)
    for one in proposal["warnings"]:
        where = [f"column {place}" for place in one["columns"]]
        where += [f"row {row}" for row in one["rows"]]
        print(f"! {one['detail']}{' (' + ', '.join(where) + ')' if where else ''}")


def _settled(api: Client, one: str, *, told: bool, previewing: bool = False) -> Any:
    """Return the import once its step is over; its progress is shown meanwhile."""

    def step(found: Mapping[str, Any]) -> Step | None:
        if found["stalled"]:
            give_up(f"it is stalled ({found['fault']}); ask again once that is mended", 3)
        state = found["state"]
        if (found["previewed"] and state == "open") if previewing else (state in OVER):
            return None
        preview = found["preview"] or {"reached": 0}
        if previewing:
            return Step(state, preview["reached"], None)
        far = found["undo"] or found["progress"] or {"reached": 0}
        return Step(state, far["reached"], preview["reached"] or None)

    return followed(lambda: api.get(f"{PLACE}/{one}"), step, told=told)


def _confirm(api: Client, one: Mapping[str, Any]) -> None:
    counts = (one["preview"] or {"rows": {}})["rows"]
    told = ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "not previewed"
    confirm(f"Import {one['file_name'] or one['id']} ({told})?")


def _told(api: Client, one: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(as_line(one))
    else:
        _show(api, one)


def _show(api: Client, one: Mapping[str, Any]) -> None:
    print(f"{one['id']}  {_headline(one)}")
    for earlier in one["earlier"]:
        print(f"  the same file came before, as import {earlier}; its rows are not done twice")
    if _counts(one).get("refused"):
        page = api.get(f"{PLACE}/{one['id']}/rows", outcome="refused", limit=SHOWN)
        for row in page["rows"]:
            print(f"  {_line(row)}")
        if page["next"] is not None:
            print(f"  … all of them:  leads import refused {one['id']} -o refused.csv")


def _counts(one: Mapping[str, Any]) -> Mapping[str, int]:
    step = one["undo"] or {"rows": one["result"]}
    counts = step["rows"] or (one["progress"] or one["preview"] or {"rows": {}})["rows"]
    found: Mapping[str, int] = counts
    return found


def _headline(one: Mapping[str, Any]) -> str:
    told = ", ".join(f"{count:,} {name}" for name, count in _counts(one).items() if count)
    state = "previewed" if one["state"] == "open" and one["previewed"] else one["state"]
    return f"{one['file_name'] or 'import'}: {state}{', cancelled' if one['cancelled'] else ''}" + (
        f", {told}" if told else ""
    )


def _line(row: Mapping[str, Any]) -> str:
    parts = [f"row {row['row']} {row['outcome']} {row['lead_id'] or ''}".rstrip()]
    parts += [f"{reason['detail']} [{reason['code']}]" for reason in row["reasons"]]
    return "; ".join(parts)
