"""Erasing a number: every lead that has it, or ever had it, loses its data in one step (rule 16).

What keeps the number from being called stays: the stream is found by a keyed hash of the number.
"""

from collections.abc import Iterable
from typing import ClassVar

from schemas.dnc import DncNumberErased
from schemas.export import ExportErased
from schemas.lead import LeadAnonymised
from schemas.quarantine import PayloadErased
from schemas.segment import SegmentFilterErased
from schemas.view import ViewErased
from services.command.domain.admission import admit
from services.command.domain.decider import (
    Command,
    Elsewhere,
    Outcome,
    Reason,
    Refused,
    decides,
)
from services.command.domain.dnc.state import DncNumber
from services.command.domain.facts import Facts
from services.command.domain.phones import NotAPhone, parse_phone
from services.command.domain.types import Name, PhoneText


class EraseNumber(Command):
    """Erase a number (E.164), for good, and with it the data of every lead that has or had it.

    The leads stay as rows with the status `anonymised`, their call facts without the number;
    payloads in quarantine, views, exports and files of imports that hold the number go, filters of
    segments that name it too.
    Do-not-call entries of the number go on blocking it, though nobody can read it in them. Say
    why: it cannot be taken back.
    """

    aggregate: ClassVar[str] = "dnc"
    roles: ClassVar[frozenset[str]] = frozenset({"admin"})

    number: PhoneText
    reason: Name


@decides(EraseNumber)
def _erase(state: DncNumber | None, command: EraseNumber, facts: Facts) -> Iterable[Outcome]:
    admit(command, facts)
    try:
        parse_phone(command.number)
    except NotAPhone as problem:
        raise Refused([Reason(problem.reason.code, problem.reason.text, "number")]) from None
    leads = {stream: lead for stream, lead in facts.leads.items() if lead.exists}
    payloads = {stream: one for stream, one in facts.payloads.items() if one.fate != "erased"}
    views = {stream: one for stream, one in facts.views.items() if not one.erased}
    segments = {stream: one for stream, one in facts.segments.items() if one.numbers}
    exports = {stream: one for stream, one in facts.exports.items() if not one.erased}
    left = leads or payloads or views or segments or exports or facts.files_kept
    if state is not None and state.erased and not left:
        return
    yield DncNumberErased(reason=command.reason, leads=len(leads))
    for stream, lead in leads.items():
        erased = LeadAnonymised(reason=command.reason, previous=lead.status)
        yield Elsewhere(stream, "lead", lead.version, (erased,))
    for stream, payload in payloads.items():
        gone = PayloadErased(reason=command.reason)
        yield Elsewhere(stream, "quarantine", payload.version, (gone,))
    for stream, view in views.items():
        yield Elsewhere(stream, "view", view.version, (ViewErased(reason=command.reason),))
    for stream, segment in segments.items():
        cleared = SegmentFilterErased(reason=command.reason)
        yield Elsewhere(stream, "segment", segment.version, (cleared,))
    for stream, export in exports.items():
        yield Elsewhere(stream, "export", export.version, (ExportErased(reason=command.reason),))
