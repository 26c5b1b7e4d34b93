"""The `leads` command: start everything, look after the log and the read models, test, measure.

Each command imports what it needs when it runs, so that `leads --help` answers at once.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer
from rich.console import Console

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Event-sourced lead processing on one machine.",
)
console = Console(highlight=False, soft_wrap=True, stderr=True)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def say(text: str) -> None:
    """Tells people; standard output stays free for results."""
    console.print(text, markup=False)


def main() -> None:
    """Entry point of the `leads` command. A refusal is one sentence and exit code 1."""
    from services.kit.migrate import MigrationChanged
    from services.local.lock import AlreadyRunning, FolderUnusable
    from services.local.postgres import PostgresUnavailable
    from services.local.process import StartFailed

    try:
        app(prog_name="leads")
    except (
        AlreadyRunning,
        FolderUnusable,
        MigrationChanged,
        PostgresUnavailable,
        StartFailed,
    ) as reason:
        say(f"leads: {reason}")
        sys.exit(1)


def run(work: Coroutine[Any, Any, int]) -> None:
    """Runs a command's work and exits with its code.

    The first Ctrl-C or SIGTERM stops it in order; the second ends the process at once, and the
    children with it.
    """

    from services.kit.telemetry import set_up_logging

    # Results and what people are told are printed; of the log lines only the worrying ones.
    set_up_logging("leads", logging.WARNING)

    async def until_stopped() -> int:
        task = asyncio.ensure_future(work)
        stopping = False

        def stop(received: signal.Signals) -> None:
            nonlocal stopping
            if stopping:
                os._exit(128 + received)
            stopping = True
            say(f"{received.name}: stopping")
            task.cancel()

        loop = asyncio.get_running_loop()
        for each in SIGNALS:
            loop.add_signal_handler(each, stop, each)
        try:
            return await task
        except asyncio.CancelledError:
            if not stopping:  # by a refusal, which is all there is to say
                raise
            say("stopped")
            return 0

    raise typer.Exit(asyncio.run(until_stopped()))


@app.command()
def up(
    sample: Annotated[bool, typer.Option(help="Load the sample at the first start.")] = True,
) -> None:
    """Start everything and stay up: servers, services, the sample. Ctrl-C stops all."""
    from services.cli_up import stay_up

    run(stay_up(say, with_sample=sample))


@app.command("sample")
def sample_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Start everything, load the sample, print what the read models hold, stop."""
    from services.cli_up import load_sample_once

    run(load_sample_once(say, as_json=as_json))


@app.command()
def verify() -> None:
    """Check hash chain and signed roots of the whole log; exit 1 names the first bad event."""
    from services.cli_log import verify_log

    run(verify_log(say))


@app.command()
def audit(lead_id: Annotated[str, typer.Argument(help="The lead's id.")]) -> None:
    """Print a lead's events with the proof that they are part of the signed log."""
    from services.cli_log import print_audit_package

    run(print_audit_package(lead_id, say))


@app.command()
def check() -> None:
    """Compare every read model with an independent fold of the log; exit 1 names differences."""
    from services.cli_log import check_read_models

    run(check_read_models(say))


@app.command()
def rebuild(
    name: Annotated[str, typer.Argument(help="The read model's name, or all.")],
) -> None:
    """Build a read model anew from the log, beside the old one, then switch.

    Of the leads then also all that stands beside them: search texts, dial list.
    """
    from services.cli_log import rebuild_read_model

    run(rebuild_read_model(name, say))


@app.command()
def index(
    name: Annotated[str, typer.Argument(help="Import name of a template field.")] = "",
    drop: Annotated[bool, typer.Option(help="Take its index away.")] = False,
) -> None:
    """Give a template field an index, for filters and sorts by it; without a name, list them."""
    from services.cli_index import index_fields

    run(index_fields(name, say, drop_it=drop))


@app.command()
def unpark(
    list_only: Annotated[bool, typer.Option("--list", help="Only show what is parked.")] = False,
) -> None:
    """Replay from the log what was parked because an event could not be applied."""
    from services.cli_log import unpark_streams

    run(unpark_streams(say, list_only=list_only))


@app.command()
def migrate(
    dry_run: Annotated[bool, typer.Option(help="Only name what would be applied.")] = False,
    login: Annotated[str, typer.Option(help="Role the services sign in as, if another.")] = "",
) -> None:
    """Apply the database migrations that are missing."""
    from services.cli_log import migrate_database

    run(migrate_database(say, dry_run=dry_run, login=login))


@app.command()
def sql(statement: str) -> None:
    """Run one SQL statement as the database's owner and print its rows as JSON lines."""
    from services.cli_log import run_sql

    run(run_sql(statement, say))


def _forms(name: str) -> Callable[[Callable[[], typer.Typer]], None]:
    """Registers a family of forms that is imported only when one of them is asked for."""

    def register(family: Callable[[], typer.Typer]) -> None:
        def forward(context: typer.Context) -> None:
            family()(context.args, prog_name=f"leads {name}")

        settings = {"allow_extra_args": True, "ignore_unknown_options": True}
        app.command(name, help=family.__doc__, context_settings=settings, add_help_option=False)(
            forward
        )

    return register


@_forms("command")
def _command() -> typer.Typer:
    """Give any command of the API: leads command --list names them."""
    from services.cli_command import app as family

    return family


@_forms("bulk")
def _bulk() -> typer.Typer:
    """One command on many leads: plan, execute, undo, cancel, status, outcomes, refused."""
    from services.cli_bulk import app as family

    return family


@_forms("import")
def _import() -> typer.Typer:
    """Import a file of leads: leads import FILE --campaign …; list, show, rows, refused, undo."""
    from services.cli_import import app as family

    return family


@_forms("campaign")
def _campaign() -> typer.Typer:
    """List and show campaigns; create, copy, change, activate and deactivate them."""
    from services.cli_campaign import app as family

    return family


@_forms("lead")
def _lead() -> typer.Typer:
    """Find leads, show one, read its log, ask whether it may be called."""
    from services.cli_lead import app as family

    return family


@_forms("export")
def _export() -> typer.Typer:
    """Files of leads, written by a job: start, list, show, cancel, download them."""
    from services.cli_export import app as family

    return family


@_forms("view")
def _view() -> typer.Typer:
    """Views: list them, have them mailed at times of the wall clock."""
    from services.cli_view import app as family

    return family


@_forms("quarantine")
def _quarantine() -> typer.Typer:
    """Calls that could not be taken in: list, show, mend, discard, reprocess them."""
    from services.cli_quarantine import app as family

    return family


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Lint, type-check and run all tests; with arguments, only pytest with them."""
    from services.cli_test import run_tests

    raise typer.Exit(run_tests(context.args))


@app.command()
def ui() -> None:
    """Build the web UI: services/admin/dist from services/admin/src."""
    from services.cli_ui import build_ui

    raise typer.Exit(build_ui())


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="One benchmark; all when left out.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
) -> None:
    """Measure: value, unit, reference, ratio, target, held."""
    from services.cli_test import run_bench

    raise typer.Exit(run_bench(name, as_json=as_json))


@app.command()
def schemas(
    check_only: Annotated[bool, typer.Option("--check", help="Fail if a file is stale.")] = False,
) -> None:
    """Write the generated contracts: JSON Schema of events, OpenAPI, AsyncAPI."""
    from services.cli_schemas import write_schemas

    raise typer.Exit(write_schemas(check_only=check_only))


if __name__ == "__main__":
    main()
