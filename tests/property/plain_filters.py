"""What a filter means, said once more in plain Python: the yardstick for the SQL made of it."""

import re
from datetime import datetime
from typing import Any

from schemas.filters import (
    CUSTOM,
    And,
    Contains,
    Equals,
    In,
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
    kind = kinds[tree.field]
    value = _value(tree.field, kind, row)
    if isinstance(tree, IsEmpty):
        return value is None or value == ""
    return value is not None and _holds(tree, kind, value, now)


def _value(field: str, kind: Kind, row: Row) -> Any:
    if not field.startswith(CUSTOM):
        return str(row[field]) if kind == "id" and row[field] else row[field]
    value = row["fields"].get(field.removeprefix(CUSTOM))
    return parse_instant(value) if kind == "instant" and value else value


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
    parts += [contact["phone"] for contact in row["contacts"]]
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
