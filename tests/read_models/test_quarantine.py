"""Given the events of a held payload, then its row."""

from base64 import b64encode

from schemas import quarantine as held
from services.projections import (
    quarantine,
)
from tests.read_models.folding_events import STREAM, row_of


def test_a_held_payload_is_mended_and_taken_in() -> None:
    raw, better = (b64encode(one).decode() for one in (b"{broken", b"{}"))
    first = held.PayloadHeld("bad-json", "not JSON", "dialer.calls/0/1", raw=raw)
    mended = row_of(quarantine.fold, first, held.PayloadMended("user:a", better))
    assert (mended["state"], mended["raw"], mended["mended"]) == ("mended", b"{broken", b"{}")
    again = held.PayloadHeld("no-lead", "no such lead", "http", raw=better)
    failed = row_of(quarantine.fold, first, held.PayloadMended("user:a", better), again)
    assert (failed["state"], failed["code"], failed["raw"]) == ("open", "no-lead", b"{broken")
    done = row_of(quarantine.fold, first, held.PayloadReprocessed(str(STREAM), "c1"))
    assert (done["state"], done["lead_id"], done["call_id"]) == ("reprocessed", str(STREAM), "c1")
    gone = row_of(quarantine.fold, first, held.PayloadDiscarded("test data"))
    assert (gone["state"], gone["discarded_for"]) == ("discarded", "test data")
