"""`leads campaign`: list and show campaigns, and give them commands."""

import json
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
    help="List and show campaigns; create, copy, change, activate and deactivate them.",
)
CampaignId = Annotated[
    str, typer.Argument(metavar="CAMPAIGN_ID", help="Which campaign.", show_default=False)
]


@asks(app, "list")
def list_all(asking: Asking, min_position: MinPosition = None) -> None:
    """List all campaigns, by name."""
    found = asking.api.get("/v1/campaigns", min_position=min_position)["campaigns"]
    if asking.as_json:
        print(as_line(found))
        return
    table = Table("id", "name", "project", "on", "fields", "rules", box=None, pad_edge=False)
    for one in found:
        many = [str(len(one.get(name) or ())) for name in ("fields", "rules")]
        on = "yes" if one["active"] else "no"
        table.add_row(one["campaign_id"], one["name"], one["project"], on, *many)
    Console(width=width() or None).print(table)


@asks(app)
def show(asking: Asking, campaign_id: CampaignId, min_position: MinPosition = None) -> None:
    """Show a campaign: template, rules, limits, hours, range."""
    path = f"/v1/campaigns/{campaign_id}"
    one = asking.api.get(path, min_position=min_position)["campaign"]
    print(as_line(one) if asking.as_json else json.dumps(one, ensure_ascii=False, indent=2))


@asks(app)
def rules(asking: Asking, campaign_id: CampaignId, min_position: MinPosition = None) -> None:
    """Show the follow-up rules; `change-follow-up-rules` puts others in their place."""
    path = f"/v1/campaigns/{campaign_id}"
    one = asking.api.get(path, min_position=min_position)["campaign"]
    found = one.get("rules") or []
    if asking.as_json:
        print(as_line(found))
        return
    table = Table("after", "next status", "in", "at most", "number", box=None, pad_edge=False)
    for rule in found:
        table.add_row(*_rule(rule))
    Console(width=width() or None).print(table)


def _rule(rule: Mapping[str, Any]) -> tuple[str, ...]:
    about = " + ".join(rule[name] for name in ("end_cause", "disposition") if rule.get(name))
    delay, most = rule.get("delay_minutes"), rule.get("max_attempts")
    return (
        about,
        rule["next_status"],
        "" if delay is None else f"{delay:,} min",
        "" if most is None else f"{most:,} times",
        rule.get("number", "same"),
    )


for _form in FORMS:
    if _form.command.aggregate == "campaign":
        _verb = _form.route.path.rsplit("/", 1)[1]
        add(app, _form, "create" if _verb == "campaigns" else _verb, before_fields(_form), give)
