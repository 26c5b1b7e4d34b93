"""What became of one lead, as it is kept and shown: outcome, reasons, what changed.

Values of personal fields are not kept here: erasing a lead would not reach them.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from schemas.lead import LeadCloned
from services.command.bulk.deciding import Decided
from services.command.bulk.tables import Progress, Row, Step
from services.command.domain.changes import changes
from services.command.domain.decider import Outcome, Reason
from services.command.domain.lead.state import Lead

SHOWN = frozenset(
    {
        "owner",
        "status",
        "active",
        "active_from",
        "active_until",
        "suppressed",
        "suppressed_until",
        "priority",
        "campaign_id",
        "pool_id",
        "segment_id",
        "key",
        "fields",
        "attempts",
        "attempts_by_rule",
        "call_attempts",
        "contact_attempts",
        "reset_at",
        "next_dial_at",
        "next_contact",
        "callback_at",
        "callback_agent",
        "locked_by",
        "locked_until",
        "reserved_for",
        "dial_window",
        "result",
        "processed_by",
        "processed_at",
        "anonymised",
        "deleted",
    }
)
"""Parts of a lead whose values are shown; of any other only that it changes."""


def row_of(job: Any, step: Step, one: Decided, after: Callable[[Decided], Lead]) -> Row:
    """Return the row of a lead that was decided on, or of one that was changed."""
    target, applied = one.target, one.outcome == "applied"
    return (
        job,
        step,
        target.ordinal,
        target.lead,
        one.before.version,
        one.outcome,
        one.before.version != target.version
        or bool(target.planned and target.planned != one.outcome),
        one.version_after or None,
        one.position or None,
        reasons_text(one.reasons) if one.reasons else None,
        changes_text(one.before, after(one), one.events) if applied else _left_behind(one),
    )


def _left_behind(one: Decided) -> str | None:
    """Return what a refused clone would have dropped, as JSON; None where there is nothing."""
    dropped = list(one.dropped)
    for event in one.events:
        if isinstance(event, LeadCloned):
            dropped = list(event.dropped)
    if one.outcome != "refused" or not dropped:
        return None
    return _dumps({"clone": {"before": None, "after": {"outcome": "refused", "dropped": dropped}}})


def reasons_text(reasons: Sequence[Reason]) -> str:
    """Return reasons as JSON."""
    return _dumps(
        [{"code": one.code, "detail": one.text, "pointer": _pointer(one.field)} for one in reasons]
    )


def changes_text(before: Lead, after: Lead, events: Sequence[Outcome] = ()) -> str:
    """Return what differs, part by part, as JSON; of a clone, where it went and what was dropped.

    The clone's id is not in it: it is made anew when the plan is carried out.
    """
    parts: dict[str, Any] = {
        part: {"before": old, "after": new} if part.partition(".")[0] in SHOWN else {"hidden": True}
        for part, (old, new) in changes(before, after).items()
    }
    for event in events:
        if isinstance(event, LeadCloned):
            report = {"outcome": event.outcome, "campaign_id": event.campaign_id}
            parts["clone"] = {"before": None, "after": {**report, "dropped": event.dropped}}
    return _dumps(parts)


def count(progress: Progress, rows: Sequence[Row]) -> None:
    """Add a batch to the progress."""
    for row in rows:
        if row[5] == "applied":
            progress.applied += 1
        elif row[5] == "unchanged":
            progress.unchanged += 1
        else:
            progress.refused += 1
        progress.moved += row[6]


def digested(rows: Sequence[Row]) -> bytes:
    """Return the bytes of a batch of a plan that its digest covers: who, at which version, what."""
    lines = [f"{row[2]} {row[3]} {row[4]} {row[5]} {row[9]} {row[10]}" for row in rows]
    return "\n".join(lines).encode()


def _dumps(content: Mapping[str, Any] | Sequence[Any]) -> str:
    return orjson.dumps(content, default=_plain, option=orjson.OPT_UTC_Z).decode()


def _plain(value: Any) -> Any:
    assert not isinstance(value, datetime)
    return list(value) if isinstance(value, tuple | set | frozenset) else str(value)


def _pointer(field: str) -> str:
    parts = field.split(".") if field else []
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
