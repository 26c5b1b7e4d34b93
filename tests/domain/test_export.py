"""Exports: asked for, ended each way, taken by who may, and erased with a number in the filter."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from schemas import export as events
from schemas import organisation as org
from schemas.instants import format_instant
from schemas.view import ViewCreated, ViewDeleted
from services.command.domain.decider import Elsewhere
from services.command.domain.dnc.erasing import EraseNumber
from services.command.domain.dnc.state import fold as fold_dnc
from services.command.domain.export.commands import CancelExport, CreateExport, DownloadExport
from services.command.domain.export.settling import (
    FailExport,
    FinishExport,
    NoteExportMailed,
    NoteExportMailFailed,
    RemoveExport,
)
from services.command.domain.export.state import Export, fold
from services.command.domain.facts import Actor, Facts
from services.command.domain.organisation.state import fold as fold_organisation
from services.command.domain.view.state import fold as fold_view
from tests.domain.given_when_then import STREAM, given, placed
from tests.domain.stories import Story, ask
from tests.domain.world import ADA, ANA, AUD, BEN, DIA, NOW, ORGANISATION, PHONE, facts

READY = {"op": "equals", "field": "status", "value": "ready"}
CLERK = Actor("service:exports", "admin")
NOTHING = Story(fold)
FINISH = FinishExport(shown=7, leads=3, size=900, digest="ab")
MAILED = Story(
    fold,
    (
        events.ExportRequested(
            by=ANA, name="leads", recipients=("a@example.com", "b@example.com"), filter=READY
        ),
    ),
)
ASKED = NOTHING.after(ask(CreateExport, filter=READY, columns=["name"]), facts(ANA))


def ours(**more: Any) -> Facts:
    return replace(facts(), actor=CLERK, **more)


DONE = ASKED.after(FINISH, ours())


def requested(command: CreateExport, known: Facts) -> events.ExportRequested:
    (event,) = NOTHING.when(command, known)
    assert isinstance(event, events.ExportRequested)
    return event


def view_of(*happened: Any) -> Any:
    return fold_view(placed(happened, STREAM))


def test_it_is_asked_for_whole_by_everybody_but_dialers() -> None:
    sort = [{"field": "priority", "descending": True}]
    (event,) = NOTHING.when(
        ask(CreateExport, filter=READY, columns=["name"], sort=sort, format="ndjson", name="Mine"),
        facts(AUD),
    )
    assert event == events.ExportRequested(
        by=AUD, name="Mine", columns=("name",), sort=tuple(sort), format="ndjson", filter=READY
    )
    assert NOTHING.refused(ask(CreateExport), facts(DIA)) == ["role-not-allowed"]
    assert NOTHING.refused(ask(CreateExport), ours()) == ["no-asker"]
    assert ASKED.refused(ask(CreateExport), facts(ANA)) == ["export-exists"]


def test_of_a_view_it_takes_what_the_view_shows_now() -> None:
    view = view_of(ViewCreated("Ready ones", ANA, columns=("name",), filter=READY))
    of_view = ask(CreateExport, view=str(STREAM))
    event = requested(of_view, facts(ANA, view=view))
    assert (event.name, event.filter, event.view) == ("Ready ones", READY, str(STREAM))
    own = requested(ask(CreateExport, view="mine", columns=["status"]), facts(ANA))
    assert (own.columns, dict(own.filter or {})["value"]) == (("status",), f"user:{ANA}")
    assert NOTHING.refused(of_view, facts(BEN, view=view)) == ["unknown-view"]
    gone = view_of(ViewCreated("Ready ones", ANA), ViewDeleted())
    assert NOTHING.refused(of_view, facts(ANA, view=gone)) == ["unknown-view"]
    both = ask(CreateExport, view="mine", filter=READY, columns=["name", "name"])
    assert NOTHING.refused(both, facts(ANA)) == ["view-and-filter", "column-repeated"]
    zone = ask(CreateExport, view="mine", zone="Mars/Base")
    assert NOTHING.refused(zone, facts(ANA)) == ["unknown-zone"]


def test_links_are_mailed_to_active_users_and_to_domains_that_are_listed() -> None:
    known = fold_organisation(
        [
            org.UserChanged(ANA, "agent", email="Ana@Example.com"),
            org.UserChanged(BEN, "agent", email="ben@example.com"),
            org.UserDeactivated(BEN),
        ],
        ORGANISATION,
    )
    with_mail = {"organisation": known, "mail_domains": frozenset({"partner.example"})}
    to = ["ana@example.com", "x@partner.example", "x@Partner.example", "x@partner.example"]
    event = requested(ask(CreateExport, recipients=to), facts(ADA, **with_mail))
    assert event.recipients == ("ana@example.com", "x@partner.example")
    strangers = ["ben@example.com", "x@sub.partner.example", "ana@example.com"]
    asked = ask(CreateExport, recipients=strangers)
    assert NOTHING.refused(asked, facts(ADA, **with_mail)) == ["recipient-not-allowed"] * 2
    assert NOTHING.refused(ask(CreateExport, recipients=to), facts(ADA)) == ["mail-not-set-up"]


@pytest.mark.parametrize("address", ["x", "a@b", "a@example.com\nBcc: b@example.com", "a b@c.de"])
def test_what_is_no_address_is_no_recipient(address: str) -> None:
    with pytest.raises(ValueError, match="recipients"):
        ask(CreateExport, recipients=[address])
    with pytest.raises(ValueError, match="recipients"):
        ask(CreateExport, recipients=[f"a{number}@example.com" for number in range(21)])


def test_it_ends_once() -> None:
    until = format_instant(NOW + timedelta(hours=24))
    assert ASKED.when(FINISH, ours()) == [events.ExportFinished(7, 3, 900, "ab", until)]
    for late in (FINISH, FailExport(code="internal")):
        assert DONE.when(late, ours()) == []
    failed = ASKED.after(FailExport(code="not-usable", detail="no field x"), ours())
    assert failed.when(FINISH, ours()) == []
    cancelled = ASKED.after(CancelExport(), facts(ANA))
    assert cancelled.when(FINISH, ours()) == []
    assert DONE.when(CancelExport(), facts(ADA)) == [events.ExportCancelled("finished")]
    assert failed.when(CancelExport(), facts(ANA)) == []
    assert DONE.refused(CancelExport(), facts(BEN)) == ["unknown-export"]
    assert NOTHING.refused(CancelExport(), facts(ADA)) == ["unknown-export"]
    removed = DONE.after(RemoveExport(reason="expired"), ours())
    assert removed.when(RemoveExport(reason="lead-erased"), ours()) == []
    assert ASKED.when(RemoveExport(reason="expired"), ours()) == []


def test_the_file_is_handed_to_its_asker_and_to_who_has_a_link_for_a_day() -> None:
    assert DONE.when(DownloadExport(), facts(ANA)) == [events.ExportDownloaded()]
    sent = MAILED.after(FINISH, ours())
    assert sent.when(DownloadExport(recipient=2), ours()) == [events.ExportDownloaded(2)]
    assert sent.refused(DownloadExport(recipient=3), ours()) == ["unknown-recipient"]
    assert DONE.refused(DownloadExport(), facts(ADA)) == ["not-your-export"]
    assert DONE.refused(DownloadExport(), facts(BEN)) == ["unknown-export"]
    assert ASKED.refused(DownloadExport(), facts(ANA)) == ["not-finished"]
    last = NOW + timedelta(hours=24)
    almost = facts(ANA, now=last - timedelta(microseconds=1))
    assert DONE.when(DownloadExport(), almost)
    assert DONE.refused(DownloadExport(), facts(ANA, now=last)) == ["file-gone"]
    without = fold_organisation([org.UserDeactivated(ANA)], ORGANISATION)
    assert sent.refused(DownloadExport(recipient=1), ours(organisation=without)) == [
        "asker-inactive"
    ]
    assert DONE.after(CancelExport(), facts(ANA)).refused(DownloadExport(), facts(ANA)) == [
        "file-gone"
    ]


def test_each_address_gets_its_mail_once() -> None:
    sent = MAILED.after(FINISH, ours())
    assert MAILED.state.unsent() == ()
    assert sent.state.unsent() == (1, 2)
    first = sent.after(NoteExportMailed(recipient=1), ours())
    both = first.after(NoteExportMailFailed(recipient=2, code="mail-refused"), ours())
    assert (first.state.unsent(), both.state.unsent()) == ((2,), ())
    assert first.when(NoteExportMailFailed(recipient=1, code="x"), ours()) == []
    assert sent.after(CancelExport(), facts(ANA)).state.unsent() == ()
    empty: Export = replace(sent.state, skip_empty=True, leads=0)
    assert (empty.unsent(), replace(empty, leads=1).unsent()) == ((), (1, 2))


def test_a_number_in_the_filter_takes_the_export_with_it() -> None:
    named = {"op": "equals", "field": "phone", "value": PHONE}
    export = NOTHING.after(ask(CreateExport, filter=named), facts(ANA))
    assert export.state.numbers == {PHONE}
    erase = EraseNumber(number=PHONE, reason="asked for it")
    known = facts(ADA, exports={UUID(int=9): export.state})
    asked = given(fold=fold_dnc).when(erase, known)
    gone = events.ExportErased(reason="asked for it")
    assert Elsewhere(UUID(int=9), "export", 1, (gone,)) in asked.outcomes
    erased = fold(placed([*export.happened, gone]))
    assert (erased.state, erased.filter, erased.recipients, erased.erased) == (
        "removed", None, (), True,
    )  # fmt: skip
