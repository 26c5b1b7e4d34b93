"""Commands that ask the API: each has the same four options, and one way of saying no."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, get_type_hints

import typer

from schemas.filter_text import read_filter
from schemas.filters import FilterInvalid
from services.cli_client import Client, answers, client, give_up

_Address = Annotated[
    str,
    typer.Option(
        envvar="LEADS_ADDRESS",
        help="Where the API is; else where `leads up` runs.",
        show_default=False,
    ),
]
_KeyFile = Annotated[
    str,
    typer.Option(
        envvar="LEADS_KEY_FILE",
        help="File with your API key; else the demo keys.",
        show_default=False,
    ),
]
_DemoUser = Annotated[
    str, typer.Option("--as", help="Which demo user you are, without a key file.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print what the API answers, as JSON.")]
MinPosition = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Wait until the log shows up to that position; every command prints its own.",
        show_default=False,
    ),
]

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; for machines.")]


def option(name: str, kind: Any, default: Any) -> inspect.Parameter:
    """Return an option of a form whose parameters are only known now; `kind` is annotated as typer
    wants it.
    """
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


OPTIONS = (
    option("address", _Address, ""),
    option("key_file", _KeyFile, ""),
    option("user", _DemoUser, "admin"),
    option("as_json", _Json, False),
)
"""What every command that asks has, as the last of its options."""


@dataclass(frozen=True)
class Asking:
    """Whom a command asks, as whom, and whether it prints JSON."""

    address: str
    key_file: str
    user: str
    as_json: bool = False

    @cached_property
    def api(self) -> Client:
        """The API, found when it is first asked. Raises Failed."""
        return client(self.address, self.key_file, self.user)


def asks(
    app: typer.Typer, name: str | None = None, *, json: bool = True
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add a command to `app` whose first parameter is an Asking, made of OPTIONS; without `json` it
    cannot print that. A refusal or a failure in it is told, and ends it.
    """

    def added(command: Callable[..., None]) -> Callable[..., None]:
        kinds = get_type_hints(command, include_extras=True)
        _, *own = inspect.signature(command).parameters.values()
        parameters = [one.replace(annotation=kinds[one.name]) for one in own]
        run = asked(command, parameters, json=json)
        app.command(name or command.__name__, help=inspect.getdoc(command))(run)
        return command

    return added


def asked(
    command: Callable[..., None], parameters: list[inspect.Parameter], *, json: bool = True
) -> Callable[..., None]:
    """Return what the shell runs for `command`: a function of `parameters` and OPTIONS."""
    options = OPTIONS if json else OPTIONS[:-1]

    def run(**given: Any) -> None:
        asking = Asking(**{one.name: given.pop(one.name) for one in options})
        answers(lambda: command(asking, **given), as_json=asking.as_json)

    # Built by hand: the shell's options come from the function's parameters.
    vars(run)["__signature__"] = inspect.Signature([*parameters, *options])
    run.__annotations__ = {one.name: one.annotation for one in (*parameters, *options)}
    return run


def confirm(question: str) -> None:
    """Ask whoever is there; end the command when the answer is no, or when nobody is."""
    if not sys.stdin.isatty():
        give_up("nobody is there to be asked; say --yes")
    if not typer.confirm(question, err=True):
        give_up("nothing was done", 1)


def filter_of(text: str) -> dict[str, Any]:
    """Return the filter as the API takes it; end the command when the text is none."""
    try:
        tree = read_filter(text)
    except FilterInvalid as invalid:
        give_up(f"the filter cannot be read: {invalid}")
    return dict(tree.model_dump(mode="json", exclude_none=True))
