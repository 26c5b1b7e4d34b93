"""Held payloads: put aside once, mended, tried again, discarded; never lost, never refused."""

import base64

import pytest

from schemas.event import Event
from schemas.quarantine import PayloadHeld, PayloadMended
from services.command.domain.quarantine.commands import (
    DiscardPayload,
    HoldPayload,
    MarkReprocessed,
    MendPayload,
)
from services.command.domain.quarantine.state import HeldPayload, evolve, fold
from tests.domain.given_when_then import STREAM
from tests.domain.stories import ADMIN, NEW_ID, SERVICE, Story, ask, facts, person

BROKEN = base64.b64encode(b'{"call_id": \xff').decode()
MENDED = base64.b64encode(b'{"call_id": "c1"}').decode()
HOLD = ask(
    HoldPayload, raw=BROKEN, code="broken-json", text="Not JSON.", source="dialer.calls/3/1042"
)
TAKEN_IN = ask(MarkReprocessed, lead=NEW_ID, call="c1")
MEND = ask(MendPayload, raw=MENDED)
DISCARD = ask(DiscardPayload, reason="test call")
INTAKE = facts(SERVICE)
NOTHING = Story(fold)
HELD = NOTHING.after(HOLD, INTAKE)


def payload_of(story: Story) -> HeldPayload:
    """The story's state, typed."""
    state = story.state
    assert isinstance(state, HeldPayload)
    return state


def test_held_with_its_bytes_and_its_reason() -> None:
    payload = payload_of(HELD)
    assert (payload.id, payload.fate, payload.waits) == (str(STREAM), "held", True)
    assert base64.b64decode(payload.raw) == b'{"call_id": \xff'
    assert (payload.code, payload.source) == ("broken-json", "dialer.calls/3/1042")
    assert PayloadHeld.PERSONAL == PayloadMended.PERSONAL == {"raw"}


def test_mended_then_taken_in() -> None:
    mended = HELD.after(MEND)
    assert (payload_of(mended).fate, payload_of(mended).raw) == ("mended", MENDED)
    assert mended.happened[-1] == PayloadMended(by=ADMIN.id, raw=MENDED)
    done = mended.after(TAKEN_IN, INTAKE)
    assert (payload_of(done).fate, payload_of(done).lead) == ("reprocessed", NEW_ID)
    assert done.when(HOLD, INTAKE) == []
    assert done.refused(MEND) == ["payload-reprocessed"]
    assert done.refused(DISCARD) == ["payload-reprocessed"]


def test_taken_in_as_it_is_once_the_lead_is_known() -> None:
    assert payload_of(HELD.after(TAKEN_IN, INTAKE)).fate == "reprocessed"


def test_mended_but_failed_again() -> None:
    again = ask(HoldPayload, raw=MENDED, code="unknown-lead", text="No such lead.", source="http")
    story = HELD.after(MEND).after(again, INTAKE)
    assert (payload_of(story).fate, payload_of(story).code) == ("held", "unknown-lead")
    assert payload_of(story).raw == MENDED


def test_discarded_with_a_reason() -> None:
    gone = HELD.after(DISCARD)
    assert payload_of(gone).discarded_because == "test call"
    assert gone.refused(MEND) == ["payload-discarded"]
    assert gone.when(TAKEN_IN, INTAKE) == []
    assert gone.when(HOLD, INTAKE) == []


def test_nothing_there() -> None:
    assert NOTHING.refused(MEND) == ["unknown-payload"]
    assert NOTHING.refused(DISCARD) == ["unknown-payload"]
    assert NOTHING.when(TAKEN_IN, INTAKE) == []


def test_only_admins_mend_and_discard() -> None:
    for role in ("agent", "team_leader", "auditor", "dialer"):
        known = facts(person(role, ["lead_admin"]))
        assert HELD.refused(MEND, known) == ["role-not-allowed"]
        assert HELD.refused(DISCARD, known) == ["role-not-allowed"]


def test_raw_is_base64() -> None:
    with pytest.raises(ValueError, match="must be base64"):
        ask(MendPayload, raw="{}")


def test_unknown_events_only_count() -> None:
    class Later(Event):
        TOPIC = "quarantine.later"

    assert evolve(HeldPayload(), Later()) == HeldPayload(version=1)
