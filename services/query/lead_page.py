"""What the page of one lead shows beside its row: when it is dialled next and why, its messages,
its numbers.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from pydantic import Field

from services.query import answers
from services.query.changes import complete
from services.query.masking import mask_event
from services.query.reading import Asked

MESSAGES_MAX = 20
PRIMARY = 0
_MESSAGE = "lead.message_recorded"

# Whatever sets the next dial; a call only when a follow-up rule decided about it.
_WHY: dict[str, str] = {
    "lead.call_recorded": "rule",
    "lead.manual_pass_recorded": "rule",
    "lead.dial_scheduled": "scheduled",
    "lead.callback_set": "callback",
    "lead.reset": "reset",
    "lead.created": "created",
}
_ENTRY = "version, kind, happened_at, actor, data, personal"
_ENTRIES = f"""(select coalesce(json_agg(e), '[]') from (
    (select {_ENTRY} from read.lead_log where lead_id = {{lead}} and version <= {{version}}
        and kind in ({", ".join(f"'{kind}'" for kind in _WHY)})
        and (kind not in ('lead.call_recorded', 'lead.manual_pass_recorded') or data ? 'rule')
      order by version desc limit 1)
    union all
    (select {_ENTRY} from read.lead_log where lead_id = {{lead}} and version <= {{version}}
        and kind = '{_MESSAGE}'
      order by happened_at desc, version desc limit {MESSAGES_MAX})) e
    ) as entries"""  # noqa: S608 - our own text
OF_LEAD = _ENTRIES.format(lead="l.lead_id", version="l.version")
"""What `parts_of` reads of a lead `l` as it is, for a select list."""
_THEN = f"select {_ENTRIES.format(lead='$1', version='$2')}"


class FollowUp(answers.Shape):
    """The next dial: when, to which contact (0 is the primary number), and what decided it.

    why: `rule` (a follow-up rule after a call: `rule` names it), `scheduled` by somebody,
    `callback`, `reset`, or `created` with the lead. `cancel` is the command that takes it back.
    """

    at: datetime
    why: Literal["rule", "scheduled", "callback", "reset", "created"] | None
    rule: str | None
    after_call: str | None
    contact: int
    decided_at: datetime | None
    decided_by: str | None
    version: int | None = Field(description="The event that set it")
    cancel: str


class Message(answers.Shape):
    """A message to or from the lead. `erased`: what it said is gone for good (rule 16)."""

    message_id: str
    channel: str
    direction: str
    sent_at: datetime
    agent: UUID | None
    address: str | None
    subject: str | None
    body: str | None
    erased: bool


class Statistics(answers.Shape):
    """Calls are counted one by one, contacts by session; `last_contacted_at` is when somebody last
    talked with the lead, `last_modified_at` when it was last changed.
    """

    call_attempts: int
    contact_attempts: int
    talk_seconds: int
    attempts_since_reset: int
    messages: int
    latest_call_at: datetime | None
    last_contacted_at: datetime | None
    last_modified_at: datetime | None


class Parts(answers.Shape):
    """The parts of a lead's page; messages are the newest, all of them are in the log."""

    follow_up: FollowUp | None
    messages: list[Message]
    statistics: Statistics


async def entries_then(asked: Asked, lead_id: UUID, version: int) -> str:
    """Return what OF_LEAD is of a lead in sight as it stood at that version."""
    found: str = await asked.connection.fetchval(_THEN, lead_id, version)
    return found


def parts_of(asked: Asked, row: Any, entries: str, *, erased: bool) -> dict[str, Any]:
    """Return the parts of a lead's page from its row and what OF_LEAD is of it.

    erased: whether it is by now; what its messages said is gone from its past as well.
    """
    found = orjson.loads(entries)
    setting = next((one for one in found if one["kind"] in _WHY), None)
    return {
        "follow_up": _follow_up(row, setting),
        "messages": [_message(asked, one, erased) for one in found if one["kind"] == _MESSAGE],
        "statistics": {
            "call_attempts": row["call_attempts"],
            "contact_attempts": row["contact_attempts"],
            "talk_seconds": row["talk_seconds"],
            "attempts_since_reset": row["passes"],
            "messages": row["message_count"],
            "latest_call_at": row["latest_call_at"],
            "last_contacted_at": row["last_contacted_at"],
            "last_modified_at": row["last_modified_at"],
        },
    }


def _follow_up(row: Any, setting: Any) -> dict[str, Any] | None:
    if row["next_dial_at"] is None:
        return None
    data = {} if setting is None else complete(setting["kind"], setting["data"], None)
    command = "cancel-scheduled-dial" if row["callback_at"] is None else "cancel-callback"
    return {
        "at": row["next_dial_at"],
        "why": None if setting is None else _WHY[setting["kind"]],
        "rule": data.get("rule"),
        "after_call": data.get("call_id"),
        "contact": data.get("next_contact") or PRIMARY,
        "decided_at": None if setting is None else datetime.fromisoformat(setting["happened_at"]),
        "decided_by": None if setting is None else setting["actor"],
        "version": None if setting is None else setting["version"],
        "cancel": f"/v1/leads/{row['lead_id']}/{command}",
    }


def _message(asked: Asked, entry: Any, erased: bool) -> dict[str, Any]:
    personal = entry["personal"]
    if personal is not None and not asked.shows_phones:
        personal = mask_event(entry["kind"], personal, asked.directory.kinds, personal=True)
    data = complete(entry["kind"], entry["data"], personal)
    names = ("message_id", "channel", "direction", "sent_at", "agent")
    hidden = {name: data.get(name) for name in ("address", "subject", "body")}
    gone = erased and personal is None
    return {**{name: data.get(name) for name in names}, **hidden, "erased": gone}
