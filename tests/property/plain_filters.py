"""What a filter means, said once more in plain Python: the yardstick for the SQL made of it."""

import re
from datetime import datetime
from typing import Any

from schemas.filters import (
    CONTACTS,
    CUSTOM,
    And,
    Contains,
    Equals,
    In,
    InTeams,
    IsEmpty,
    Kind,
    Logged,
    Not,
    Or,
    Range,
    Search,
    Starts,
)
from schemas.instants import parse_instant
from schemas.relative_time import resolve_date, resolve_instant
from tests.contract.query_service import AUTUMN, SPRING, TEAMS, USERS, named
from tests.property.filter_trees import POOLS, SEGMENTS

CAMPAIGNS: dict[str | None, dict[str, Any]] = {
    SPRING: {"name": "Spring", "project": "", "active": True},
    AUTUMN: {"name": "Autumn", "project": "", "active": True},
}
POINTED: dict[str, tuple[str, dict[str | None, dict[str, Any]], str]] = {
    "campaign_name": ("campaign_id", CAMPAIGNS, "name"),
    "project": ("campaign_id", CAMPAIGNS, "project"),
    "pool_name": ("pool_id", POOLS, "name"),
    "pool_active": ("pool_id", POOLS, "active"),
    "segment_name": ("segment_id", SEGMENTS, "name"),
}
Row = dict[str, Any]


def matches(tree: Any, row: Row, log: list[Row], kinds: dict[str, Kind], now: datetime) -> bool:
    """Say whether a lead with this row and this log satisfies the tree."""
    match tree:
        case And():
            return all(matches(child, row, log, kinds, now) for child in tree.of)
        case Or():
            return any(matches(child, row, log, kinds, now) for child in tree.of)
        case Not():
            return not matches(tree.of, row, log, kinds, now)
        case Search():
            return _searched(tree.value, row)
        case Logged():
            return sum(_logged(tree, entry, now) for entry in log) >= tree.at_least
        case InTeams():
            return _in_teams(tree, kinds[tree.field], row[tree.field])
    kind = kinds[tree.field]
    if tree.field.startswith(CONTACTS):
        return _of_contacts(tree, tree.field.removeprefix(CONTACTS), kind, row, now)
    value = value_of(tree.field, kind, row)
    if isinstance(tree, IsEmpty):
        return value is None or value == ""
    return value is not None and _holds(tree, kind, value, now)


def value_of(field: str, kind: Kind, row: Row) -> Any:
    """Return what a lead has in a field, None for nothing."""
    if field in POINTED:
        key, rows, name = POINTED[field]
        return rows.get(row[key], {}).get(name)
    if not field.startswith(CUSTOM):
        return str(row[field]) if kind in ("id", "user") and row[field] else row[field]
    value = row["fields"].get(field.removeprefix(CUSTOM))
    return parse_instant(value) if kind == "instant" and value else value


def _in_teams(tree: InTeams, kind: Kind, value: str | None) -> bool:
    def inside(team: str | None) -> bool:
        """A team's name, or one of the teams above it, is asked for."""
        if team is None:
            return False
        return named(team) in tree.teams or (tree.below and inside(TEAMS[team]))

    for name, (team, _, _) in USERS.items():
        if value in (named(name), f"user:{named(name)}"):
            return inside(team)
    if kind == "owner" and value is not None and value.startswith("team:"):
        return any(value == f"team:{named(team)}" and inside(team) for team in TEAMS)
    return False


def _of_contacts(tree: Any, name: str, kind: Kind, row: Row, now: datetime) -> bool:
    values = [
        contact[name] if name == "phone" else contact["fields"].get(name)
        for contact in row["contacts"]
    ]
    present = [value for value in values if value not in (None, "")]
    if isinstance(tree, IsEmpty):
        return not present
    if kind == "instant":
        present = [parse_instant(value) for value in present]
    empty = [value for value in values if value == ""]
    return any(_holds(tree, kind, value, now) for value in [*present, *empty])


def _holds(tree: Any, kind: Kind, value: Any, now: datetime) -> bool:
    def meant(given: Any) -> Any:
        if kind == "instant":
            return resolve_instant(given, now)
        return resolve_date(given, now).isoformat() if kind == "date" else given

    match tree:
        case Equals():
            return bool(value == meant(tree.value))
        case In():
            return value in [meant(one) for one in tree.values]
        case Range():
            return all(_within(name, value, meant(bound)) for name, bound in tree.bounds())
        case Contains() | Starts():
            return _like(tree, kind, value)
    raise AssertionError(tree)


def _within(name: str, value: Any, bound: Any) -> bool:
    return bool(
        {
            "gt": lambda: value > bound,
            "gte": lambda: value >= bound,
            "lt": lambda: value < bound,
            "lte": lambda: value <= bound,
        }[name]()
    )


def _like(tree: Contains | Starts, kind: Kind, value: str) -> bool:
    wanted = tree.value.lower()
    if kind == "phone":
        wanted = re.sub(r"\D", "", tree.value, flags=re.ASCII)
        value = re.sub(r"[+ ()/.-]", "", value)
        if not wanted:
            return False
    value = value.lower()
    return value.startswith(wanted) if isinstance(tree, Starts) else wanted in value


def _searched(wanted: str, row: Row) -> bool:
    parts = [row["name"], row["email"], row["phone"], row["whatsapp"]]
    for contact in row["contacts"]:
        parts += [contact["phone"], *map(_text, contact["fields"].values())]
    parts += [_text(value) for value in row["fields"].values()]
    text = "\n".join(part for part in parts if part is not None).lower()
    if wanted.lower() in text:
        return True
    digits = re.sub(r"\D", "", wanted, flags=re.ASCII)
    spelled = re.fullmatch(r"[\d\s+()/.-]+", wanted, re.ASCII)
    return bool(spelled and digits and (digits.lstrip("0") or digits) in text)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _logged(tree: Logged, entry: Row, now: datetime) -> bool:
    data = entry["data"]
    return (
        entry["kind"] in tree.kinds
        and (not tree.end_causes or _ended(entry) in tree.end_causes)
        and (not tree.dispositions or data.get("disposition") in tree.dispositions)
        and (not tree.actors or entry["actor"] in tree.actors)
        and (tree.since is None or entry["happened_at"] >= resolve_instant(tree.since, now))
        and (tree.until is None or entry["happened_at"] < resolve_instant(tree.until, now))
    )


def _ended(entry: Row) -> str | None:
    """Only calls have an end cause, and one that is the default is not stored."""
    if entry["kind"] != "lead.call_recorded":
        return None
    return str(entry["data"].get("end_cause", "NotApplicable"))
