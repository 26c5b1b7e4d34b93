"""The columns of a lead as the API names them: the allow-list that filters, sorts and answers use.

A name is also the column's name in `read.lead`, so nothing a caller writes becomes an identifier.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.filters import Kind


@dataclass(frozen=True, slots=True)
class Column:
    """One system column. `label` is what people call it, `nullable` that it may have no value."""

    name: str
    kind: Kind
    label: str
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Through:
    """Where a column is that the lead only points at: `value` in the row of `read.<table>` whose
    `key` the lead has as a column of the same name.
    """

    table: str
    key: str
    value: str


_ALL: tuple[tuple[str, Kind, str], ...] = (
    ("lead_id", "id", "Lead"),
    ("version", "number", "Version"),
    ("position", "number", "Position"),
    ("campaign_id", "id", "Campaign"),
    ("pool_id", "id", "Pool"),
    ("segment_id", "id", "Segment"),
    ("cloned_from", "id", "Cloned from"),
    ("source", "keyword", "Source"),
    ("owner", "owner", "Owner"),
    ("original_owner", "owner", "Original owner"),
    ("status", "keyword", "Status"),
    ("previous_status", "keyword", "Previous status"),
    ("active", "boolean", "Active"),
    ("active_from", "instant", "Active from"),
    ("active_until", "instant", "Active until"),
    ("suppressed", "boolean", "Suppressed"),
    ("suppressed_until", "instant", "Suppressed until"),
    ("priority", "number", "Priority"),
    ("passes", "number", "Attempts since the last reset"),
    ("reset_at", "instant", "Reset at"),
    ("call_attempts", "number", "Call attempts"),
    ("contact_attempts", "number", "Contact attempts"),
    ("talk_seconds", "number", "Talk time, seconds"),
    ("next_dial_at", "instant", "Scheduled dial"),
    ("callback_at", "instant", "Callback"),
    ("callback_agent", "user", "Callback for"),
    ("reserved_for", "user", "Reserved for"),
    ("locked_by", "user", "Locked by"),
    ("locked_until", "instant", "Locked until"),
    ("dial_from", "keyword", "Dialled from"),
    ("dial_until", "keyword", "Dialled until"),
    ("dial_zone", "keyword", "Dial zone"),
    ("calling_id", "keyword", "Call in progress"),
    ("calling_until", "instant", "Being called until"),
    ("latest_call_id", "keyword", "Latest call"),
    ("latest_call_at", "instant", "Latest call at"),
    ("latest_call_by", "user", "Latest call by"),
    ("latest_end_cause", "keyword", "Latest end cause"),
    ("latest_disposition", "keyword", "Latest disposition"),
    ("last_contacted_at", "instant", "Last contacted"),
    ("result", "keyword", "Result"),
    ("user_processed_by", "user", "User processed by"),
    ("user_processed_at", "instant", "User processed at"),
    ("uploaded_by", "owner", "Uploaded by"),
    ("uploaded_at", "instant", "Uploaded at"),
    ("created_at", "instant", "Created at"),
    ("last_modified_by", "owner", "Last modified by"),
    ("last_modified_at", "instant", "Last modified at"),
    ("last_activity_at", "instant", "Last activity"),
    ("phone", "phone", "Phone"),
    ("phone_typed", "phone", "Phone as typed"),
    ("name", "text", "Name"),
    ("email", "text", "E-mail"),
    ("whatsapp", "phone", "WhatsApp"),
    ("anonymised", "boolean", "Anonymised"),
    ("deleted", "boolean", "Deleted"),
    ("merged_into", "id", "Merged into"),
    ("message_count", "number", "Messages"),
    ("latest_message_at", "instant", "Latest message"),
    ("contract_icon", "keyword", "Contract"),
    ("status_since", "instant", "Status since"),
)
_NEVER_NULL = frozenset(
    {"lead_id", "version", "position", "status", "active", "suppressed", "priority", "passes"}
    | {"call_attempts", "contact_attempts", "talk_seconds", "last_activity_at"}
    | {"last_modified_at"}
    | {"anonymised", "deleted", "message_count"}
)

COLUMNS: Mapping[str, Column] = {
    name: Column(name, kind, label, name not in _NEVER_NULL) for name, kind, label in _ALL
}
"""Every column of the lead's own row by name, in the order in which a whole lead is shown."""

THROUGH: Mapping[str, Through] = {
    "campaign_name": Through("campaign", "campaign_id", "name"),
    "campaign_active": Through("campaign", "campaign_id", "active"),
    "project": Through("campaign", "campaign_id", "project"),
    "pool_name": Through("pool", "pool_id", "name"),
    "pool_active": Through("pool", "pool_id", "active"),
    "segment_name": Through("segment", "segment_id", "name"),
    "segment_active": Through("segment", "segment_id", "active"),
}
"""Columns kept once for many leads, so that renaming a pool changes one row. They are filtered,
sorted and broken down by like all others and shown when asked for by name.
"""

SYSTEM: Mapping[str, Column] = {
    **COLUMNS,
    "campaign_name": Column("campaign_name", "text", "Campaign name"),
    "campaign_active": Column("campaign_active", "boolean", "Campaign is active"),
    "project": Column("project", "text", "Project"),
    "pool_name": Column("pool_name", "text", "Pool name"),
    "pool_active": Column("pool_active", "boolean", "Pool is active"),
    "segment_name": Column("segment_name", "text", "Segment name"),
    "segment_active": Column("segment_active", "boolean", "Segment is active"),
}
"""Every system column, those of THROUGH with them."""

BESIDE: Mapping[str, str] = {
    "next_dial_at": "lead_due",
    "call_attempts": "lead_calls",
    "latest_call_at": "lead_calls",
}
"""Columns that have their order in a table beside the lead (schemas/tables/search.sql)."""

CONTACT_NUMBERS = ("phone", "typed")
"""What a contact has besides fields of the template; filtered as `contacts.phone`."""

PHONES = frozenset({"phone", "phone_typed", "whatsapp"})
"""Columns that are masked for those who may not see numbers."""

COLLECTIONS = ("contacts", "notes", "fields", "absorbed", "contracts", "messages")
"""Parts of a lead that are no single value: not filtered or sorted by, but shown."""

FIELD_KINDS: Mapping[str, Kind] = {
    "text": "text",
    "number": "number",
    "date": "date",
    "datetime": "instant",
    "boolean": "boolean",
    "picklist": "keyword",
    "phone": "phone",
    "email": "text",
    "url": "text",
}
"""How a template field of each type is filtered."""
