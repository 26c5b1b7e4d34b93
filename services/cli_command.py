"""`leads command`: every command of the API from a shell, each form derived from its class."""

import inspect
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli_asking import Asking, option
from services.cli_client import as_line, width
from services.cli_derived import Form, add, kebab, positional
from services.command.catalogue import offered_commands

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help=(
        "Give any command of the API: leads command change-owner LEAD_ID --owner team:…\n\n"
        "Exit codes: 0 done or so already, 1 refused, with every reason, 2 the form is incomplete,"
        " 3 nobody answers."
    ),
)

IfMatch = Annotated[
    int | None,
    typer.Option(min=1, help="The version you saw; refused if what you touch changed since."),
]
Repeatable = Annotated[
    str, typer.Option("--idempotency-key", help="To repeat a command without doing it twice.")
]


def give(asking: Asking, form: Form, given: Mapping[str, Any]) -> None:
    """Give one command and tell what came of it."""
    body = form.body(given)
    path = form.route.path.replace("{id}", str(given.get("stream", "")))
    if_match = f'"{given["if_match"]}"' if given.get("if_match") else ""
    headers = {"if_match": if_match, "idempotency_key": given["idempotency_key"]}
    answer = asking.api.post(path, body, **headers)
    print(as_line(answer) if asking.as_json else told(answer))


def told(answer: Mapping[str, Any]) -> str:
    """Say in a line or two what a command did."""
    at = f"version {answer['version']}, position {answer['position']}"
    if not answer["changed"]:
        return f"unchanged: {answer['id']} was so already ({at})"
    lines = [f"done: {answer['id']} {', '.join(answer['events'])} ({at})"]
    lines += [f"  with {other['id']}" for other in answer.get("others", ())]
    if answer.get("dropped"):
        lines.append(f"  dropped, the new template lacks them: {', '.join(answer['dropped'])}")
    return "\n".join(lines)


def before_fields(form: Form) -> list[inspect.Parameter]:
    """Return what comes before a command's own fields: whom it is about, and how it is sent."""
    if not form.names_stream:
        return [option("idempotency_key", Repeatable, "")]
    what = form.command.aggregate
    return [
        positional("stream", f"{what.upper()}_ID", f"Which {what}."),
        option("if_match", IfMatch, None),
        option("idempotency_key", Repeatable, ""),
    ]


@app.callback(invoke_without_command=True)
def overview(
    context: typer.Context,
    list_all: Annotated[bool, typer.Option("--list", help="Name every command.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --list: as JSON.")] = False,
) -> None:
    """Give any command, or name all there are."""
    if not list_all or context.invoked_subcommand is not None:
        return
    rows: list[dict[str, Any]] = [
        {
            "command": kebab(form.command.__name__),
            "about": form.command.aggregate,
            "required": [form.option(name) for name in form.required],
            "roles": sorted(form.command.roles),
            "bulk": form.command.bulk,
            "path": form.route.path,
            "summary": form.summary,
        }
        for form in FORMS
    ]
    if as_json:
        print(as_line(rows))
        return
    table = Table("command", "required", "roles", "bulk", "what it does", box=None, pad_edge=False)
    for row in rows:
        required = [*(["ID"] if "{id}" in row["path"] else []), *row["required"]]
        starred = "*" if row["bulk"] else ""
        table.add_row(
            row["command"], " ".join(required), " ".join(row["roles"]), starred, row["summary"]
        )
    Console(width=width() or None).print(table)


FORMS = [Form(command) for command in offered_commands()]
for _form in FORMS:
    add(app, _form, kebab(_form.command.__name__), before_fields(_form), give)
