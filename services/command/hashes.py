"""Keyed names of personal values: what the log stores in place of a number or a duplicate key (rule
16).

One place, because all writers must agree: the handler, the intake of calls, imports.
"""

from collections.abc import Callable, Mapping
from uuid import UUID, uuid5

from services.command.domain.decider import Claim
from services.kit.keys import MasterKey


def number_hash(master: MasterKey, number: str) -> bytes:
    """Return the key of `log.numbers` for a number in E.164."""
    return master.lookup_hash("number " + number)


def trace_hash(master: MasterKey, number: str) -> bytes:
    """Return the key of `log.numbers` for a number a lead had, or has otherwise than to be dialled.

    Calls are not found by it, but an erasure finds every lead that holds the number somewhere.
    """
    return master.lookup_hash("trace of number " + number)


def payload_hash(master: MasterKey, number: str) -> bytes:
    """Return the key of `log.numbers` for a number that stands in a payload in quarantine."""
    return master.lookup_hash("number in payload " + number)


def filter_hash(master: MasterKey, number: str) -> bytes:
    """Return the key of `log.numbers` for a number that stands in the filter of a view."""
    return master.lookup_hash("number in filter " + number)


def segment_hash(master: MasterKey, number: str) -> bytes:
    """Return the key of `log.numbers` for a number that stands in the filter of a segment."""
    return master.lookup_hash("number in segment " + number)


def export_hash(master: MasterKey, number: str) -> bytes:
    """Return the key of `log.numbers` for a number that stands in the filter of an export."""
    return master.lookup_hash("number in export " + number)


def claim_hash(master: MasterKey, claim: Claim) -> bytes:
    """Return the key of `log.claims` for a claim; the parts are framed, so no two share one
    text.
    """
    return master.lookup_hash(f"claim {len(claim.kind)} {claim.kind} {claim.scope} {claim.value}")


def dnc_stream(master: MasterKey, number: str) -> UUID:
    """Return the stream that holds the do-not-call entries of a number in E.164."""
    return master.lookup_id("dnc " + number)


_FAVOURITES = UUID("01920000-0000-7000-8000-6661766f7572")


def favourite_stream(user_id: str) -> UUID:
    """Return the stream that says which view opens first for a user."""
    return uuid5(_FAVOURITES, user_id)


HOLD_NUMBERS: Mapping[str, Callable[[MasterKey, str], bytes]] = {
    "quarantine": payload_hash,
    "view": filter_hash,
    "segment": segment_hash,
    "export": export_hash,
}
"""What else than leads may hold a number, by category, and how it is found by one."""
