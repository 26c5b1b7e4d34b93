"""Whatever is asked in whatever order: evolving never fails, and replaying gives the same lead."""

from dataclasses import fields
from datetime import timedelta
from typing import Any, get_type_hints
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import Event
from schemas.lead import LEAD_EVENTS, LeadCreated
from services.command.domain.decider import Command, Refused, decide
from services.command.domain.lead.activity import Activate, Deactivate, Suppress, Unsuppress
from services.command.domain.lead.callbacks import CancelCallback, Reserve, SetCallback, Unreserve
from services.command.domain.lead.calls import RecordCall, StartCall
from services.command.domain.lead.claims import claim_of, numbers_of
from services.command.domain.lead.contacts import (
    AddContact,
    RemoveContact,
    ReorderContacts,
    UpdateContact,
)
from services.command.domain.lead.contracts import (
    RecordContract,
    RejectContract,
    ResendContract,
)
from services.command.domain.lead.creating import CreateLead
from services.command.domain.lead.erasure import AnonymiseLead, DeleteLead
from services.command.domain.lead.evolving import evolve, fold
from services.command.domain.lead.fields import UpdateFields
from services.command.domain.lead.locking import LockLead, UnlockLead
from services.command.domain.lead.messages import RecordMessage
from services.command.domain.lead.notes import AddNote, EditNote, RemoveNote
from services.command.domain.lead.numbers import ChangePhone
from services.command.domain.lead.ownership import ChangeOwner
from services.command.domain.lead.results import CreateManualPass, RecordResult
from services.command.domain.lead.scheduling import (
    CancelScheduledDial,
    RemoveDialTimeLimit,
    ScheduleDial,
    SetDialTimeLimit,
    SetPriority,
)
from services.command.domain.lead.sending import (
    CancelMessage,
    NoteMessageSent,
    ReportMessage,
    RetryMessage,
    SendSms,
)
from services.command.domain.lead.sessions import EndSession
from services.command.domain.lead.state import Lead
from services.command.domain.lead.status import (
    Cancel,
    ChangeStatus,
    Pause,
    Ready,
    Reset,
    RestoreStatus,
)
from tests.domain.given_when_then import STREAM, stored
from tests.domain.world import (
    ADA,
    ANA,
    AUD,
    BEN,
    CAMPAIGN,
    DIA,
    LEE,
    NORTH,
    NOW,
    ORGANISATION,
    OTHER_PHONE,
    PHONE,
    SALES,
    THIRD_PHONE,
    facts,
    limited,
)

phones = st.sampled_from([PHONE, OTHER_PHONE, THIRD_PHONE])
owners = st.sampled_from([f"user:{ANA}", f"user:{BEN}", f"team:{NORTH}", f"team:{SALES}"])
call_ids = st.sampled_from(["c1", "c2", "c3", "c4"])
message_ids = st.integers(2, 5).map(lambda version: f"{STREAM}.{version}")
instants = st.integers(-500, 500).map(lambda minutes: NOW + timedelta(minutes=minutes))
maybe_later = st.none() | st.integers(-10, 500).map(
    lambda minutes: NOW + timedelta(minutes=minutes)
)
end_causes = st.sampled_from(
    ["NotApplicable", "NormalDisconnect", "NoResponse", "Busy", "VoiceMail", "DialingCancelled"]
)
field_values = st.one_of(st.integers(-5, 99), st.sampled_from(["clerk", "baker", "Lisbon", ""]))
field_names = st.sampled_from(["age", "job", "city", "iban", "name", "shoe"])

COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.builds(UpdateFields, set=st.dictionaries(field_names, field_values, max_size=3)),
    st.builds(UpdateFields, unset=st.lists(field_names, max_size=2).map(tuple)),
    st.builds(ChangePhone, phone=phones),
    st.builds(AddNote, text=st.sampled_from(["hi", "ho"])),
    st.builds(EditNote, note=st.integers(1, 3), text=st.sampled_from(["hi", "ho"])),
    st.builds(RemoveNote, note=st.integers(1, 3)),
    st.builds(ChangeOwner, owner=owners, retain_private_vip=st.booleans()),
    st.builds(LockLead, until=maybe_later),
    st.builds(UnlockLead, release_to=st.none() | owners),
    st.builds(ChangeStatus, status=st.sampled_from(list(ORGANISATION.statuses))),
    st.builds(Suppress, until=maybe_later),
    *(st.builds(kind) for kind in (Activate, Deactivate, Unsuppress, DeleteLead, AnonymiseLead)),
    *(st.builds(kind) for kind in (RestoreStatus, Reset, Ready, Cancel, Pause)),
    st.builds(SetPriority, priority=st.integers(1, 10)),
    st.builds(ScheduleDial, at=instants),
    st.builds(SetDialTimeLimit, start=st.just("00:00"), end=st.just("23:59"), zone=st.just("UTC")),
    st.builds(SetCallback, at=instants, agent=st.sampled_from([None, ANA, BEN])),
    st.builds(Reserve, agent=st.sampled_from([ANA, BEN])),
    *(st.builds(kind) for kind in (CancelScheduledDial, RemoveDialTimeLimit)),
    *(st.builds(kind) for kind in (CancelCallback, Unreserve)),
    st.builds(
        AddContact, phone=phones, fields=st.dictionaries(field_names, field_values, max_size=1)
    ),
    st.builds(UpdateContact, contact=st.integers(1, 3), phone=st.none() | phones),
    st.builds(RemoveContact, contact=st.integers(1, 3)),
    st.builds(ReorderContacts, order=st.permutations([1, 2]).map(tuple)),
    st.builds(RecordResult, result=st.sampled_from(["success", "manual_redial_vip"])),
    st.builds(CreateManualPass, disposition=st.sampled_from(["sold", "x"])),
    st.builds(
        RecordMessage,
        message_id=call_ids,
        channel=st.just("sms"),
        direction=st.sampled_from(["in", "out"]),
        sent_at=instants,
        body=st.just("hi"),
    ),
    st.builds(
        RecordContract,
        contract_id=call_ids,
        step=st.sampled_from(["updated", "accepted", "expired"]),
        at=st.none() | instants,
    ),
    st.builds(EndSession, contact_session_id=call_ids, agent=st.sampled_from([None, ANA])),
    st.builds(ResendContract, contract_id=call_ids, channel=st.just("sms"), body=st.just("hi")),
    st.builds(SendSms, body=st.just("hi"), contract_id=st.none() | call_ids),
    *(st.builds(kind, message_id=message_ids) for kind in (CancelMessage, RetryMessage)),
    st.builds(NoteMessageSent, message_id=message_ids, attempts=st.just(1)),
    st.builds(
        ReportMessage,
        message_id=message_ids,
        state=st.sampled_from(["delivered", "failed"]),
        at=instants,
    ),
    st.builds(RejectContract, contract_id=call_ids),
    st.builds(StartCall, call_id=call_ids, number=st.none() | phones),
    st.builds(
        RecordCall,
        call_id=call_ids,
        number=st.none() | phones,
        agent=st.none() | st.sampled_from([ANA, BEN]),
        started_at=instants,
        end_cause=end_causes,
        disposition=st.sampled_from([None, "sold", "mine"]),
        contact_session_id=st.sampled_from([None, "s1", "s2"]),
    ),
)
steps = st.lists(
    st.tuples(COMMANDS, st.sampled_from([ADA, ADA, LEE, ANA, DIA, AUD]), st.integers(0, 60)),
    max_size=25,
)
limits = st.fixed_dictionaries(
    {}, optional={"per_lead": st.integers(1, 4), "per_number": st.integers(1, 3)}
)


@settings(max_examples=150)
@given(steps, limits)
def test_any_commands_in_any_order(
    asked: list[tuple[Command, str, int]], limit: dict[str, int]
) -> None:
    happened: list[tuple[Event, str]] = []
    lead, now = Lead(), NOW
    known: dict[str, Any] = {"campaign": limited(**limit), "channels": frozenset({"sms"})}
    first = CreateLead(campaign_id=CAMPAIGN, phone=PHONE, owner=f"team:{NORTH}")
    for command, by, minutes in [(first, ADA, 0), *asked]:
        now += timedelta(minutes=minutes)
        before = repr(lead)
        try:
            outcomes = decide(lead, command, facts(by, now=now, **known))
        except Refused:
            outcomes = []
        assert repr(lead) == before, "a decision changed the state it looked at"
        looked_at = lead
        for outcome in outcomes:
            assert isinstance(outcome, Event)
            event = outcome.placed(STREAM, lead.version + 1, now)
            lead = evolve(lead, event, f"user:{by}")
            happened.append((event, f"user:{by}"))
        assert repr(looked_at) == before, "evolving changed the state it began with"
        check(lead)
    assert fold(happened) == lead
    again = [
        (stored(event).placed(STREAM, event.originator_version, event.timestamp), by)
        for event, by in happened
    ]
    assert fold(again) == lead, "the lead read back from the log is another one"


@settings(max_examples=60)
@given(steps)
def test_a_command_that_went_through_changes_nothing_when_repeated(
    asked: list[tuple[Command, str, int]],
) -> None:
    lead = fold([(LeadCreated(CAMPAIGN, f"team:{NORTH}", phone=PHONE).placed(STREAM, 1, NOW), "")])
    for command, by, _ in asked:
        if isinstance(command, AddNote | RestoreStatus | CreateManualPass):
            continue  # Two notes, two steps back, two attempts.
        try:
            outcomes = decide(lead, command, facts(by))
        except Refused:
            continue
        events = [one.placed(STREAM, 0, NOW) for one in outcomes if isinstance(one, Event)]
        lead = fold([(event, by) for event in events], lead)
        try:
            assert decide(lead, command, facts(by)) == [], command
        except Refused:
            continue  # It cannot be asked any more, e.g. because the lead was deleted.


def check(lead: Lead) -> None:
    """What always holds."""
    assert numbers_of(lead) <= lead.numbers_known
    assert lead.status in ORGANISATION.statuses
    assert lead.attempts <= lead.call_attempts == len(lead.calls)
    assert lead.contact_attempts <= lead.call_attempts
    assert sum(lead.attempts_by_number.values()) <= lead.attempts
    assert lead.owner
    if lead.deleted or lead.anonymised:
        assert claim_of(lead) is None
        assert PHONE not in repr(lead)


def _values(hint: Any) -> st.SearchStrategy[Any]:
    text = str(hint)
    if "Sequence[int]" in text:
        return st.lists(st.integers(0, 3), max_size=3).map(tuple)
    if "Sequence[typing.Mapping" in text or "Sequence[collections.abc.Mapping" in text:
        one = st.fixed_dictionaries({"id": st.integers(1, 3)}, optional={"phone": phones})
        return st.lists(one, max_size=2).map(tuple)
    if "Sequence" in text:
        return st.lists(field_names, max_size=2).map(tuple)
    if "Mapping" in text:
        return st.none() | st.dictionaries(field_names, field_values, max_size=2)
    if "bool" in text:
        return st.booleans()
    if "int" in text:
        return st.integers(0, 3)
    some = st.sampled_from(["a", "b", "2026-03-02T09:00:00Z", "2026-03-01T09:00:00.000001Z"])
    return st.none() | some if "None" in text else some


def _events(kind: type[Event]) -> st.SearchStrategy[Event]:
    hints = get_type_hints(kind)
    return st.builds(
        kind, **{one.name: _values(hints[one.name]) for one in fields(kind) if one.init}
    )


@settings(max_examples=150)
@given(st.lists(st.one_of([_events(kind) for kind in LEAD_EVENTS]), max_size=20))
def test_no_order_of_events_fails(events: list[Event]) -> None:
    happened = [(one.placed(UUID(int=1), at + 1, NOW), ADA) for at, one in enumerate(events)]
    one_by_one = Lead()
    for event, by in happened:
        one_by_one = evolve(one_by_one, event, by)
    assert one_by_one == fold(happened)
    assert one_by_one.version == len(events)
