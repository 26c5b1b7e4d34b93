"""`leads quarantine`: calls that could not be taken in, and how they get in after all."""

import base64
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.cli_asking import Asking, MinPosition, asks
from services.cli_client import REFUSED, as_line, give_up, width
from services.cli_command import told

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Calls that could not be taken in: list, show, mend, discard, reprocess.",
)
EntryId = Annotated[
    str, typer.Argument(metavar="QUARANTINE_ID", help="Which entry.", show_default=False)
]
Code = Annotated[str, typer.Option(help="Only those held for this reason, as number-unknown.")]


@asks(app, "list")
def list_page(
    asking: Asking,
    state: Annotated[
        str, typer.Option(help="open | mended | reprocessed | discarded | erased")
    ] = "open",
    code: Code = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    min_position: MinPosition = None,
) -> None:
    """List held payloads, the latest first, with the reason."""
    page = asking.api.get(
        "/v1/quarantine", state=state, code=code, limit=limit, min_position=min_position
    )
    if asking.as_json:
        print(as_line(page))
        return
    table = Table("id", "held at", "from", "call", "why", box=None, pad_edge=False)
    for one in page["held"]:
        why = f"{one['reason']} [{one['code']}]"
        table.add_row(
            one["quarantine_id"], one["held_at"], one["source"], one["call_id"] or "", why
        )
    Console(width=width() or None, markup=False).print(table)


@asks(app)
def show(
    asking: Asking,
    entry: EntryId,
    raw: Annotated[
        bool, typer.Option("--raw", help="Only the payload, as it is now: to mend it.")
    ] = False,
    min_position: MinPosition = None,
) -> None:
    """Show a held payload: its bytes as text, why it is held, what became of it."""
    found = asking.api.get(f"/v1/quarantine/{entry}", min_position=min_position)["held"]
    if raw:
        text = found["raw"] if found["mended"] is None else found["mended"]
        if text is None:
            give_up("the payload is not shown to who may not see numbers", REFUSED)
        print(text)
    else:
        print(as_line(found) if asking.as_json else json.dumps(found, ensure_ascii=False, indent=2))


@asks(app)
def mend(
    asking: Asking,
    entry: EntryId,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The mended payload; - reads standard input.")
    ],
) -> None:
    """Put mended bytes in a payload's place; `reprocess` then tries them."""
    try:
        mended = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        give_up(f"{file} cannot be read: {error.strerror}")
    body = {"raw": base64.b64encode(mended).decode()}
    _give(f"/v1/quarantine/{entry}/mend", body, asking)


@asks(app)
def discard(
    asking: Asking,
    entry: EntryId,
    reason: Annotated[str, typer.Option(help="Why it will never be taken in; required.")],
) -> None:
    """Decide that a payload will never be taken in."""
    body = {"reason": reason}
    _give(f"/v1/quarantine/{entry}/discard", body, asking)


@asks(app)
def reprocess(
    asking: Asking,
    entries: Annotated[
        list[str] | None, typer.Argument(metavar="[QUARANTINE_ID]…", help="Which; else see --code.")
    ] = None,
    code: Code = "",
    every: Annotated[bool, typer.Option("--all", help="All that wait.")] = False,
) -> None:
    """Try payloads again, once mapping or payload is mended; exit code 1 when some stay held."""
    if bool(entries) + bool(code) + every != 1:
        give_up("say which: their ids, or --code, or --all")
    body: dict[str, Any] = {"ids": entries} if entries else {"code": code} if code else {}
    tried = asking.api.post("/v1/quarantine/reprocess", body)
    if asking.as_json:
        print(as_line(tried))
    else:
        more = "; more wait, ask again" if tried["more"] else ""
        print(
            f"{tried['taken_in']:,} taken in, {tried['quarantined']:,} still held,"
            f" {len(tried['skipped']):,} skipped{more} (position {tried['position']})"
        )
        held = Counter(one["code"] for one in tried["items"] if "code" in one)
        for why, count in held.most_common():
            print(f"  {count:,} {why}")
    if tried["quarantined"]:
        raise typer.Exit(REFUSED)


def _give(path: str, body: dict[str, Any], asking: Asking) -> None:
    answer = asking.api.post(path, body)
    print(as_line(answer) if asking.as_json else told(answer))
