"""The part of the grid's row that messages, contracts and merging change; used by lead.py."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from schemas import lead as events
from schemas.contracts import STEPS
from schemas.envelope import Recorded
from schemas.event import Event
from schemas.instants import format_instant, is_before
from services.projections.model import Row

MESSAGES_SHOWN = 50
"""The latest ones stand in the row; the log has all."""

EMPTY: Row = {
    "merged_into": None,
    "absorbed": [],
    "message_count": 0,
    "latest_message_at": None,
    "messages": [],
    "contracts": [],
    "contract_icon": None,
}


def _message_recorded(row: Row, event: events.LeadMessageRecorded, _: Recorded) -> None:
    state = "received" if event.direction == "in" else "sent"
    _message_begun(row, event, event.direction, state, event.sent_at)


def _message_queued(row: Row, event: events.LeadMessageQueued, recorded: Recorded) -> None:
    at = format_instant(recorded.happened_at)
    _message_begun(row, event, "out", "queued", at, event.contract_id)


def _message_begun(
    row: Row,
    event: events.LeadMessageRecorded | events.LeadMessageQueued,
    direction: str,
    state: str,
    at: str,
    contract_id: str | None = None,
) -> None:
    message = {
        "id": event.message_id,
        "channel": event.channel,
        "direction": direction,
        "state": state,
        "at": at,
        "contract_id": contract_id,
        "code": None,
    }
    row["messages"] = [*row["messages"][1 - MESSAGES_SHOWN :], message]
    row["message_count"] += 1
    sent = datetime.fromisoformat(at)
    if row["latest_message_at"] is None or sent > row["latest_message_at"]:
        row["latest_message_at"] = sent


_STATES: dict[type[Event], str] = {
    events.LeadMessageRequeued: "queued",
    events.LeadMessageSent: "sent",
    events.LeadMessageDelivered: "delivered",
    events.LeadMessageFailed: "failed",
    events.LeadMessageCancelled: "cancelled",
}


def _message_moved(row: Row, event: Any, recorded: Recorded) -> None:
    """Set a message's state; one that arrived was sent, whichever is told first."""
    state = _STATES[type(event)]
    code, at = getattr(event, "code", None), format_instant(recorded.happened_at)
    row["messages"] = [
        {**one, "state": state, "at": at, "code": code}
        if one["id"] == event.message_id and (state, one["state"]) != ("sent", "delivered")
        else one
        for one in row["messages"]
    ]


def _contract_recorded(row: Row, event: events.LeadContractRecorded, _: Recorded) -> None:
    _step(row, event.contract_id, event.at, event.step)


def _contract_rejected(row: Row, event: events.LeadContractRejected, recorded: Recorded) -> None:
    _step(row, event.contract_id, format_instant(recorded.happened_at), "cancelled")


def _contract_resend_requested(_: Row, __: Event, ___: Recorded) -> None:
    """What is asked for moves no contract on; the lead only counts as modified."""


def _step(row: Row, contract_id: str, at: str, step: str) -> None:
    """Put the step at its place in time; the icon is that of the contract that moved last."""
    known = {one["id"]: one for one in row["contracts"]}
    timeline = list(known.get(contract_id, {}).get("timeline", ()))
    place = len(timeline)
    while place and is_before(at, timeline[place - 1]["at"]):
        place -= 1
    timeline.insert(place, {"at": at, "step": step, "icon": STEPS.get(step, "")})
    last = timeline[-1]
    known[contract_id] = {"id": contract_id, **last, "timeline": timeline}
    row["contracts"] = list(known.values())
    latest = row["contracts"][0]
    for one in row["contracts"][1:]:
        if not is_before(one["at"], latest["at"]):
            latest = one
    row["contract_icon"] = latest["icon"]


def _absorbed(row: Row, event: events.LeadAbsorbed, _: Recorded) -> None:
    row["contacts"] = [*row["contacts"], *event.contacts]
    row["absorbed"] = [*row["absorbed"], event.lead_id]


def _released(row: Row, event: events.LeadReleased, _: Recorded) -> None:
    row["contacts"] = [one for one in row["contacts"] if one["id"] not in event.contacts]
    row["absorbed"] = [one for one in row["absorbed"] if one != event.lead_id]


def _merged(row: Row, event: events.LeadMerged, _: Recorded) -> None:
    row["merged_into"], row["active"] = event.into, False


def _unmerged(row: Row, event: events.LeadUnmerged, _: Recorded) -> None:
    row["merged_into"], row["active"] = None, event.active


def erase(row: Row) -> None:
    """Take away what the lead's data was (rule 16); that there were messages is a fact."""
    row["contracts"], row["contract_icon"] = [], None
    row["messages"] = [
        {**one, "state": "cancelled"} if one["state"] == "queued" else one
        for one in row["messages"]
    ]


CHANGES: dict[type[Event], Callable[[Row, Any, Recorded], None]] = {
    events.LeadMessageRecorded: _message_recorded,
    events.LeadMessageQueued: _message_queued,
    **dict.fromkeys(_STATES, _message_moved),
    events.LeadContractRecorded: _contract_recorded,
    events.LeadContractRejected: _contract_rejected,
    events.LeadContractResendRequested: _contract_resend_requested,
    events.LeadAbsorbed: _absorbed,
    events.LeadReleased: _released,
    events.LeadMerged: _merged,
    events.LeadUnmerged: _unmerged,
}
