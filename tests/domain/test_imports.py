"""The life of an import, and what a file says of it."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given as given_by
from hypothesis import settings as settings_of_examples
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.event import Event
from schemas.imports import (
    ImportCancelled,
    ImportFinished,
    ImportMapped,
    ImportRequested,
    ImportStarted,
    ImportUndone,
    ImportUndoStarted,
)
from services.command.domain.decider import Command
from services.command.domain.facts import Actor
from services.command.domain.imports import state
from services.command.domain.imports.commands import (
    CancelImport,
    FinishImport,
    FinishUndo,
    MapImport,
    RequestImport,
    StartImport,
    UndoImport,
    may_import,
)
from services.command.domain.lead.creating import CreateLead
from services.command.imports.deciding import lead_of
from services.command.imports.reading import Row
from services.command.imports.rows import RowReader, Wanted, told
from services.command.imports.settings import ImportSettings, unknown_fields
from tests.domain.given_when_then import STREAM, Given
from tests.domain.world import ADA, ANA, CAMPAIGN, LEE, POOL, TEMPLATE, facts

REQUESTED = ImportRequested(LEE, CAMPAIGN, 12, "ab", "csv", "march.csv")
MAPPED = ImportMapped({"columns": [{"column": 1, "field": "phone"}]})
STARTED = ImportStarted(POOL)
FINISHED = ImportFinished(created=2, refused=1)
REQUEST = RequestImport(campaign_id=CAMPAIGN, size=12, sha256="ab", file_name="march.csv")


def given(*happened: Event) -> Given:
    return Given(happened, state.fold)


def test_who_may_create_leads_in_number_asks_for_an_import() -> None:
    given().when(REQUEST, facts(LEE)).then(REQUESTED)
    given().when(REQUEST, facts(ANA)).refused("role-not-allowed")
    unknown = given().when(REQUEST, facts(ANA, campaign=None))
    unknown.refused("role-not-allowed", "unknown-campaign")
    for role, rights, may in [
        ("admin", (), True), ("team_leader", (), True), ("agent", ("lead_pools",), True),
        ("auditor", ("lead_admin",), True), ("agent", ("extended_data",), False),
        ("dialer", (), False),
    ]:  # fmt: skip
        assert may_import(Actor("user:x", role, "x", "y", frozenset(rights))) == may, role


def test_mapped_as_often_as_wished_before_the_start_and_only_by_who_uploaded() -> None:
    command = MapImport(settings=dict(MAPPED.settings))
    given(REQUESTED).when(command, facts(LEE)).then(MAPPED)
    given(REQUESTED, MAPPED).when(command, facts(LEE)).then()
    given(REQUESTED).when(command, facts(ADA)).refused("not-your-import")
    given(REQUESTED, MAPPED, STARTED).when(command, facts(LEE)).refused("import-not-open")
    given().when(command, facts(LEE)).refused("unknown-import")


def test_started_once_and_only_what_is_mapped() -> None:
    command = StartImport(pool_id=POOL)
    given(REQUESTED, MAPPED).when(command, facts(LEE)).then(STARTED)
    given(REQUESTED).when(command, facts(LEE)).refused("not-mapped-yet")
    given(REQUESTED, MAPPED, STARTED).when(command, facts(LEE)).then()
    given(REQUESTED, MAPPED).when(command, facts(ADA)).refused("not-your-import")
    cancelled = given(REQUESTED, MAPPED, ImportCancelled())
    cancelled.when(command, facts(LEE)).refused("import-cancelled")


def test_cancelled_by_who_uploaded_or_an_admin_until_it_is_over() -> None:
    running = given(REQUESTED, MAPPED, STARTED)
    for who in (LEE, ADA):
        running.when(CancelImport(), facts(who)).then(ImportCancelled())
    running.when(CancelImport(), facts(ANA)).refused("not-your-import")
    cancelled = given(REQUESTED, MAPPED, STARTED, ImportCancelled())
    cancelled.when(CancelImport(), facts(LEE)).then()
    over = given(REQUESTED, MAPPED, STARTED, FINISHED)
    over.when(CancelImport(), facts(LEE)).refused("import-finished")


def test_finished_once_with_its_counts() -> None:
    command = FinishImport(created=2, refused=1)
    given(REQUESTED, MAPPED, STARTED).when(command, facts(ADA)).then(FINISHED)
    given(REQUESTED, MAPPED, STARTED, FINISHED).when(command, facts(ADA)).then()
    found = given(REQUESTED, MAPPED, STARTED, FINISHED).state
    assert (found.stage, found.done["created"], found.pool_id) == ("finished", 2, POOL)


def test_undone_once_by_who_may_delete_leads_and_where_something_was_done() -> None:
    over = (REQUESTED, MAPPED, STARTED, FINISHED)
    undoing = ImportUndoStarted(ADA)
    given(*over).when(UndoImport(), facts(ADA)).then(undoing)
    given(*over).when(UndoImport(), facts(LEE)).refused("role-not-allowed")
    running = given(REQUESTED, MAPPED, STARTED)
    running.when(UndoImport(), facts(LEE)).refused("role-not-allowed", "import-not-finished")
    given(*over, undoing).when(UndoImport(), facts(ADA)).then()
    nothing = given(REQUESTED, MAPPED, STARTED, ImportFinished(refused=1))
    nothing.when(UndoImport(), facts(ADA)).refused("nothing-to-undo")
    undone = ImportUndone(reversed=1, kept=1)
    given(*over, undoing).when(FinishUndo(reversed=1, kept=1), facts(ADA)).then(undone)
    given(*over).when(FinishUndo(), facts(ADA)).then()
    assert given(*over, undoing, undone).state.undone == {"reversed": 1, "kept": 1, "refused": 0}


def columns(*fields: str) -> list[dict[str, Any]]:
    return [{"column": place, "field": name} for place, name in enumerate(fields, 1)]


def settings(*fields: str, **more: Any) -> ImportSettings:
    named = tuple(columns(*fields))
    return ImportSettings.model_validate({"columns": named, **more})


@pytest.mark.parametrize(
    "wrong",
    [
        {"columns": ()},
        {"columns": ({"column": 0, "field": "phone"},)},
        {"columns": ({"column": 1, "field": "a"}, {"column": 1, "field": "b"})},
        {"columns": ({"column": 1, "field": "a"}, {"column": 2, "field": "a"})},
        {"columns": tuple(columns("phone")), "pool_id": POOL, "pool_name": "New"},
        {"columns": tuple(columns("phone")), "delimiter": '"'},
        {"columns": tuple(columns("phone")), "encoding": "klingon"},
        {"columns": tuple(columns("phone")), "more": 1},
    ],
)
def test_settings_that_say_nothing_sensible_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ImportSettings.model_validate(wrong)


def test_fields_that_no_lead_of_the_campaign_has_are_named() -> None:
    known = settings("phone", "name", "age", "contact:20", "contact:1:age", "system:priority")
    assert unknown_fields(known, TEMPLATE) == []
    odd = settings("shoe", "contact:21", "contact:1:shoe", "system:owner", "contact:1:phone")
    assert unknown_fields(odd, TEMPLATE) == [
        "shoe", "contact:21", "contact:1:shoe", "system:owner", "contact:1:phone",
    ]  # fmt: skip


def read(cells: Sequence[str], *fields: str, **more: Any) -> Any:
    reader = RowReader(settings(*fields, **more), CAMPAIGN, TEMPLATE, POOL)
    return reader.read(Row(2, cells))


def test_a_row_is_the_command_of_one_lead() -> None:
    found = read(
        ["Ann", "+14155550100", "Ash", "", " 44 ", "+14155550101", "boss"],
        "name", "phone", "whatsapp", "email", "age", "contact:2", "contact:2:job",
    )  # fmt: skip
    assert isinstance(found, Wanted)
    command = found.command
    assert (command.phone, command.fields) == (
        "+14155550100", {"name": "Ann", "whatsapp": "Ash", "age": "44"},
    )  # fmt: skip
    assert (command.contacts[0].phone, command.contacts[0].fields) == (
        "+14155550101", {"job": "boss"},
    )  # fmt: skip
    assert (command.source, command.pool_id, found.emptied) == ("upload", POOL, ("email",))
    assert found.claim is not None


def test_the_owner_of_the_row_comes_before_that_of_the_file() -> None:
    owner = f"user:{ANA}"
    named = read(["+14155550100", "S1"], "phone", "system:ownership_code", owner=owner).command
    assert (named.owner, named.ownership_code) == (None, "S1")
    silent = read(["+14155550100", ""], "phone", "system:ownership_code", owner=owner).command
    assert (silent.owner, silent.ownership_code) == (owner, None)


def test_what_a_reason_says_never_repeats_a_cell() -> None:
    found = read(["1", "x" * 300], "phone", "age", status="created")
    assert [one.code for one in found] == ["string-too-short"]
    assert "xxx" not in str(told(found))
    odd = read(["+14155550100", "high"], "phone", "system:priority")
    assert [(one.code, one.field) for one in odd] == [("int-type", "priority")]
    unread = RowReader(settings("phone"), CAMPAIGN, TEMPLATE, POOL).read(Row(7, (), "row-too-long"))
    assert isinstance(unread, list)
    assert [one.code for one in unread] == ["row-too-long"]


ODD = st.text(max_size=8) | st.sampled_from(["+14155550100", "a\tb", "c\nd", "e" * 41, "f" * 4_001])


@settings_of_examples(max_examples=150)
@given_by(ODD, ODD, ODD)
def test_what_is_not_checked_again_would_pass_every_check(phone: str, age: str, code: str) -> None:
    if any(ord(sign) < 32 and sign not in "\t\n" for sign in phone + age + code):
        return  # Such a row is not read at all.
    found = read([phone, age, code], "phone", "age", "system:ownership_code")
    given_texts = {"phone": phone.strip(), "ownership_code": code.strip()}
    given_texts = {name: text for name, text in given_texts.items() if text}
    fields = {"age": age.strip()} if age.strip() else {}
    whole = {"campaign_id": CAMPAIGN, "pool_id": POOL, "source": "upload", "fields": fields}
    try:
        checked = CreateLead.model_validate({**whole, **given_texts})
    except ValidationError:
        assert isinstance(found, list), (phone, age, code)
        return
    assert isinstance(found, Wanted)
    assert found.command.model_dump() == checked.model_dump()


def test_a_row_makes_the_same_lead_however_often_and_no_two_the_same() -> None:
    made = [lead_of(STREAM, row) for row in range(1, 5_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert made[:3] == [lead_of(STREAM, row) for row in (1, 2, 3)]
    assert {one.version for one in made} == {8}
    assert len({one.int % 12 for one in made[:500]}) == 12
    assert lead_of(STREAM, 1 << 21) > made[-1]


def test_commands_of_an_import_have_no_route() -> None:
    commands: tuple[type[Command], ...] = (RequestImport, MapImport, StartImport, UndoImport)
    assert not [one for one in commands if one.roles]
