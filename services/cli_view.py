"""`leads view`: list views, and have them mailed at times of the wall clock."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli_asking import Asking, MinPosition, asks
from services.cli_client import as_line, width
from services.cli_command import FORMS, before_fields, give
from services.cli_derived import add

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="List views, and have them mailed by the clock. To change one: leads command.",
)
mail = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Have a view mailed at times of the wall clock: schedule, list, show, pause, stop it.",
)
app.add_typer(mail, name="mail")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@asks(app, "list")
def list_views(asking: Asking, min_position: MinPosition = None) -> None:
    """List the views you have: default ones, your own, those shared with you."""
    found = asking.api.get("/v1/views", min_position=min_position)
    if asking.as_json:
        print(as_line(found))
        return
    table = Table("view", "name", "kind", "may", box=None, pad_edge=False)
    for one in found["views"]:
        table.add_row(one["view"], one["name"], one["kind"], one["may"])
    Console(width=width() or None, markup=False).print(table)


@asks(mail, "list")
def list_mails(
    asking: Asking,
    everybodys: Annotated[bool, typer.Option("--all", help="Of everybody.")] = False,
    min_position: MinPosition = None,
) -> None:
    """List what is mailed by the clock, with when it is due next."""
    query = {"whose": "all" if everybodys else "", "min_position": min_position}
    found = asking.api.get("/v1/view-mails", **query)
    if asking.as_json:
        print(as_line(found))
        return
    table = Table("id", "view", "when", "to", "next", box=None, pad_edge=False)
    for one in found["mailings"]:
        ended = f"{one['state']} ({one['reason']})" if one["reason"] else one["state"]
        following = one["next_at"][:16] + "Z" if one["next_at"] else ended
        table.add_row(one["id"], one["view"], _when(one), ", ".join(one["recipients"]), following)
    Console(width=width() or None, markup=False).print(table)


@asks(mail)
def show(
    asking: Asking,
    mailing_id: Annotated[
        str, typer.Argument(metavar="MAILING_ID", help="Which mailing.", show_default=False)
    ],
    min_position: MinPosition = None,
) -> None:
    """Show a mailing: when, to whom, when next, what was sent last."""
    path = f"/v1/view-mails/{mailing_id}"
    one = asking.api.get(path, min_position=min_position)["mailing"]
    if asking.as_json:
        print(as_line(one))
        return
    print(f"{one['id']}  view {one['view']}, {_when(one)}, to {', '.join(one['recipients'])}")
    print(f"  {one['state']}{': ' + one['reason'] if one['reason'] else ''}")
    if one["next_at"]:
        print(f"  due next at {one['next_at']}")
    if one["last_at"]:
        print(f"  last at {one['last_at']}, {one['last_missed']} missed before")
    if one["last_export"]:
        print(f"  leads export show {one['last_export']}")


def _when(one: Mapping[str, Any]) -> str:
    days = "every day"
    if one["weekdays"]:
        days = " ".join(DAYS[day - 1] for day in one["weekdays"])
    elif one["days"]:
        days = "day " + ", ".join(map(str, one["days"])) + " of the month"
    return f"{days} {' '.join(one['times'])} {one['zone']}"


for _form in FORMS:
    if _form.command.aggregate == "mailing":
        _verb = _form.route.path.rsplit("/", 1)[1]
        add(mail, _form, _verb, before_fields(_form), give)
