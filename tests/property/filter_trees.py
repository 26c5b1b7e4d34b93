"""Random filter trees, and leads that random trees have something to say about."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from schemas.envelope import Origin, Recorded
from schemas.filters import OPERATORS, Kind, parse_filter
from schemas.instants import format_instant
from schemas.lead import LeadCreated
from services.projections.lead import fold
from tests.contract.query_service import AUTUMN, SPRING, named, team, user

KINDS: dict[str, Kind] = {
    "lead_id": "id",
    "status": "keyword",
    "owner": "owner",
    "last_modified_by": "owner",
    "priority": "number",
    "call_attempts": "number",
    "active": "boolean",
    "next_dial_at": "instant",
    "last_activity_at": "instant",
    "latest_call_by": "user",
    "campaign_name": "text",
    "project": "text",
    "pool_name": "text",
    "pool_active": "boolean",
    "segment_name": "text",
    "name": "text",
    "email": "text",
    "phone": "phone",
    "phone_typed": "phone",
    "fields.age": "number",
    "fields.city": "text",
    "fields.born": "date",
    "fields.seen": "instant",
    "fields.vip": "boolean",
    "fields.tier": "keyword",
    "fields.second phone": "phone",
    "contacts.phone": "phone",
    "contacts.name": "text",
    "contacts.age": "number",
    "contacts.born": "date",
    "contacts.seen": "instant",
    "contacts.vip": "boolean",
}
SORTED = sorted(name for name in KINDS if not name.startswith("contacts."))
"""A lead has several contacts: no order goes by them."""
POOLS: dict[str | None, dict[str, Any]] = {
    str(UUID(int=100 + number)): {"name": name, "active": number % 2 == 0}
    for number, name in enumerate(["Äpfel", "a_b", "Äpfel", "", "zz"])
}
SEGMENTS: dict[str | None, dict[str, Any]] = {
    str(UUID(int=200 + number)): {"name": name, "active": True}
    for number, name in enumerate(["warm", "cold"])
}
GONE = str(UUID(int=299))
"""A pool, and a segment, that nobody knows."""
MEMBERS = [named(name) for name in ("leader", "agent", "agent_east", "agent_south")]
OWNERS = [team("top"), team("north"), team("north_east"), *(f"user:{one}" for one in MEMBERS)]
START = datetime(2026, 3, 1, tzinfo=UTC)
SIGNS = "aAbBäÄ%_\\\"' .-1"
IDS = [str(UUID(int=number + 1)) for number in range(12)]
TIMES = [
    *(format_instant(START + timedelta(hours=hours, microseconds=hours % 3)) for hours in range(9)),
    *("now", "today", "today-2d@Europe/Berlin", "week", "month+1d", "year", "now-3h", "2026-03-01"),
]
DATES = ["1990-01-01", "1990-01-02", "2001-12-31", "today", "year-36y"]
NUMBERS = st.sampled_from([0, 1, 2, 3, 5, 9, 10, -1, 2.5, 1.5, 1e9, 2**53, -(2**53), 1e300])
TEXTS = st.text(SIGNS, min_size=1, max_size=3)
DIGITS = st.text("0123456789 +-", min_size=1, max_size=5)
CAUSES = ("Busy", "NoResponse", "NotApplicable")
KINDS_OF_LOG = ("lead.call_recorded", "lead.note_added")

_VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    "text": TEXTS,
    "keyword": st.sampled_from(["ready", "created", "gold", "", "team:x"]) | TEXTS,
    "owner": st.sampled_from([*OWNERS[:3], user("agent"), "user", ""]) | TEXTS,
    "id": st.sampled_from(IDS),
    "user": st.sampled_from([*MEMBERS, IDS[0]]),
    "phone": DIGITS | st.sampled_from(["+4915100000001", "0151"]),
    "number": NUMBERS,
    "boolean": st.booleans(),
    "date": st.sampled_from(DATES),
    "instant": st.sampled_from(TIMES),
}
_STATUSES = st.sampled_from(["ready", "created", "callback", "success"])
_NAMES: dict[str, st.SearchStrategy[Any]] = {
    "status": _STATUSES,
    "previous_status": _STATUSES,
    "latest_end_cause": st.sampled_from(CAUSES),
}


@st.composite
def leaves(draw: st.DrawFn) -> dict[str, Any]:
    """One condition on a field, on the log, or a search."""
    what = draw(st.integers(0, 11))
    if what == 0:
        return {"op": "search", "value": draw(TEXTS | DIGITS)}
    if what == 1:
        return draw(_logged())
    field = draw(st.sampled_from(sorted(KINDS)))
    kind = KINDS[field]
    op = draw(st.sampled_from(sorted(OPERATORS[kind])))
    values = _NAMES.get(field, _VALUES[kind])
    match op:
        case "equals":
            return {"op": op, "field": field, "value": draw(values)}
        case "in":
            return {
                "op": op,
                "field": field,
                "values": draw(st.lists(values, min_size=1, max_size=4)),
            }
        case "range":
            bounds = {draw(st.sampled_from(["gt", "gte"])): draw(values)}
            upper = {draw(st.sampled_from(["lt", "lte"])): draw(values)}
            given = draw(st.sampled_from([bounds, upper, bounds | upper]))
            return {"op": op, "field": field, **given}
        case "is_empty":
            return {"op": op, "field": field}
        case "in_teams":
            teams = st.sampled_from([named(name) for name in ("top", "north", "south")] + IDS[:1])
            chosen = draw(st.lists(teams, min_size=1, max_size=2))
            return {"op": op, "field": field, "teams": chosen, "below": draw(st.booleans())}
    return {"op": op, "field": field, "value": draw(DIGITS if kind == "phone" else TEXTS)}


@st.composite
def _logged(draw: st.DrawFn) -> dict[str, Any]:
    node: dict[str, Any] = {"op": "log", "at_least": draw(st.sampled_from([1, 1, 2]))}
    for name, values in (
        ("kinds", KINDS_OF_LOG),
        ("end_causes", CAUSES),
        ("dispositions", ("sold", "later")),
        ("actors", ("user:a", "user:b")),
    ):
        if draw(st.booleans()):
            node[name] = draw(st.lists(st.sampled_from(values), min_size=1, max_size=2))
    for name in ("since", "until"):
        if draw(st.integers(0, 3)) == 0:
            node[name] = draw(st.sampled_from(TIMES))
    return node


def _branches(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(children, min_size=1, max_size=4)
    return (
        st.builds(lambda of: {"op": "and", "of": of}, several)
        | st.builds(lambda of: {"op": "or", "of": of}, several)
        | st.builds(lambda of: {"op": "not", "of": of}, children)
    )


def trees() -> st.SearchStrategy[Any]:
    """Any tree of a sensible size."""
    return st.recursive(leaves(), _branches, max_leaves=8).map(parse_filter)


def rows(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Leads whose values are close enough to those of the trees that conditions often hold."""
    chance = random.Random(seed)

    def maybe(value: Any) -> Any:
        return value if chance.random() < 0.7 else None

    def text() -> str:
        return "".join(chance.choice(SIGNS) for _ in range(chance.randint(0, 6)))

    found = []
    for number in range(count):
        fields = {
            "age": chance.choice([0, 1, 2, 2.5, 3, 9]),
            "city": text(),
            "born": chance.choice(DATES[:3]),
            "seen": chance.choice(TIMES[:9]),
            "vip": chance.random() < 0.5,
            "tier": chance.choice(["gold", "tin"]),
            "second phone": f"+49151{chance.randint(0, 99):08d}",
        }
        fields = {name: value for name, value in fields.items() if chance.random() < 0.7}
        recorded = Recorded(
            number + 1,
            UUID(int=number + 1),
            1,
            START,
            START,
            Origin("user:a", "command:x"),
            LeadCreated(IDS[0], "team:x"),
        )
        row = fold(None, recorded)
        row |= {
            "status": chance.choice(["ready", "created", "callback"]),
            "owner": chance.choice(OWNERS),
            "last_modified_by": maybe(chance.choice([user("agent"), user("nobody"), "service:x"])),
            "campaign_id": chance.choice([SPRING, AUTUMN, IDS[0]]),
            "pool_id": maybe(chance.choice([*POOLS, GONE])),
            "segment_id": maybe(chance.choice([*SEGMENTS, GONE])),
            "priority": chance.randint(1, 10),
            "call_attempts": chance.randint(0, 3),
            "active": chance.random() < 0.8,
            "next_dial_at": maybe(START + timedelta(hours=chance.randint(0, 9))),
            "last_activity_at": START + timedelta(hours=chance.randint(0, 9), microseconds=1),
            "latest_call_by": maybe(chance.choice([*MEMBERS, IDS[0]])),
            "name": maybe(text()),
            "email": maybe(text()),
            "phone": maybe(f"+49151{number:08d}"),
            "phone_typed": maybe(f"0151-{number:03d} {number % 7}"),
            "contacts": _contacts(chance, number, text),
            "fields": fields,
        }
        found.append(row)
    return found


def _contacts(chance: random.Random, number: int, text: Any) -> list[dict[str, Any]]:
    contacts = []
    for place in range(chance.randint(0, 2)):
        fields = {
            "name": text(),
            "age": chance.choice([0, 2, 2.5, 9]),
            "born": chance.choice(DATES[:3]),
            "seen": chance.choice(TIMES[:9]),
            "vip": chance.random() < 0.5,
        }
        fields = {name: value for name, value in fields.items() if chance.random() < 0.5}
        phone = f"+4930{number * 3 + place}"
        contacts.append({"id": place + 1, "phone": phone, "typed": "", "fields": fields})
    return contacts


def log_of(row: dict[str, Any], seed: int = 2) -> list[dict[str, Any]]:
    """A few entries of a lead's log."""
    chance = random.Random(f"{seed}{row['lead_id']}")
    entries = []
    for version in range(1, chance.randint(1, 4)):
        data = {"end_cause": chance.choice(CAUSES), "disposition": chance.choice(["sold", "later"])}
        if data["end_cause"] == "NotApplicable":
            del data["end_cause"]  # a default is not stored
        entries.append(
            {
                "lead_id": row["lead_id"],
                "version": version,
                "position": version,
                "kind": chance.choice(KINDS_OF_LOG),
                "happened_at": START + timedelta(hours=chance.randint(0, 9)),
                "recorded_at": START,
                "actor": chance.choice(["user:a", "user:b"]),
                "cause": "command:x",
                "data": data,
                "personal": None,
            }
        )
    return entries
