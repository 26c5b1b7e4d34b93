"""Campaigns with their template, rules, limits and hours: what the query side needs to show and
explain leads.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from schemas import campaign as events
from schemas.envelope import Recorded
from services.projections.model import Row, StreamRow, moved

VERSION = 1
_EMPTY: Row = {
    "name": "",
    "code": "",
    "project": "",
    "duplicate_key": "phone",
    "fields": [],
    "rules": [],
    "limits": None,
    "hours": None,
    "active": True,
    "active_from": None,
    "active_until": None,
    "copied_from": None,
    "created_at": None,
}


def fold(row: Row | None, recorded: Recorded) -> Row:
    """Return the campaign's row after one more event."""
    row = {**_EMPTY, "campaign_id": recorded.stream_id} if row is None else row
    changes = _changes(row, recorded)
    return moved(row, recorded, changed_at=recorded.happened_at, **changes)


def _changes(row: Row, recorded: Recorded) -> dict[str, Any]:
    event = recorded.event
    match event:
        case events.CampaignCreated():
            return {
                "name": event.name,
                "code": event.code,
                "project": event.project,
                "duplicate_key": event.duplicate_key,
                "fields": list(event.fields),
                "rules": list(event.rules),
                "limits": event.limits,
                "hours": event.hours,
                "active": event.active,
                "active_from": _time(event.active_from),
                "active_until": _time(event.active_until),
                "copied_from": event.copied_from,
                "created_at": recorded.happened_at,
            }
        case events.CampaignRenamed():
            return {"name": event.name, "code": event.code, "project": event.project}
        case events.CampaignTemplateChanged():
            return {"fields": _template(row["fields"], event.put, event.removed)}
        case events.CampaignFollowUpRulesChanged():
            return {"rules": list(event.rules)}
        case events.CampaignAttemptLimitsChanged():
            return {"limits": event.limits}
        case events.CampaignDiallingHoursChanged():
            return {"hours": event.hours}
        case events.CampaignActivityRangeChanged():
            return {
                "active_from": _time(event.active_from),
                "active_until": _time(event.active_until),
            }
        case events.CampaignActivated():
            return {"active": True}
        case events.CampaignDeactivated():
            return {"active": False}
    return {}


def _template(
    fields: Sequence[Mapping[str, Any]], put: Sequence[Mapping[str, Any]], removed: Sequence[str]
) -> list[Mapping[str, Any]]:
    """A changed field keeps its place, a new one comes last."""
    by_name = {
        field["import_name"]: field for field in fields if field["import_name"] not in removed
    }
    by_name.update((field["import_name"], field) for field in put)
    return list(by_name.values())


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


MODEL = StreamRow("campaign", "campaign", VERSION, ("campaign_id",), fold)
