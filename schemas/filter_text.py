"""The text form of a filter, for addresses and command lines: one spelling of each tree, and a
parser that points at faults.

    status in (ready, callback) and not owner = "team:…" and attempts between [1, 3)
    fields.age >= 30 and (name contains ann or search "0151") and next_dial_at < today@Europe/Berlin
    log(end_causes = (Busy), since = week, at_least = 2) and "fields.Last name" is empty
    owner in teams (0195…, 0196…) and not latest_call_by in teams alone (0195…)

`not` binds tightest, then `and`, then `or`; a group of one condition is `and (…)`. Texts need
quotes (as in JSON) only where they hold blanks, brackets or commas, or look like a number, true,
false or a word of the language.
"""

import json
import re
from typing import Any, NoReturn

from schemas.filters import (
    CHILDREN_MAX,
    DEPTH_MAX,
    VALUES_MAX,
    And,
    Contains,
    Equals,
    Fault,
    FilterInvalid,
    In,
    InTeams,
    IsEmpty,
    Logged,
    Not,
    Or,
    Search,
    Starts,
    parse_filter,
)

TEXT_MAX = 8_000
_SIGN = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_BOUND = {sign: name for name, sign in _SIGN.items()}
_WORDS = frozenset(
    {"and", "or", "not", "in", "between", "contains", "starts", "is", "empty", "log", "search"}
    | {"true", "false"}
)
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_BARE = re.compile(r"[A-Za-z0-9_.:@/%+*#~$&?|;{}^`'\\-]+", re.ASCII)
_TOKEN = re.compile(
    r"\s*(?:(?P<quoted>\"(?:[^\"\\]|\\.)*\")|(?P<sign><=|>=|!=|[=<>()\[\],])"
    r"|(?P<bare>[^\s\"=<>!()\[\],]+))"
)


def print_filter(tree: Any) -> str:
    """Return the one spelling of `tree`; `read_filter` gives the same tree back."""
    match tree:
        case And():
            return _joined(tree, (And, Or))
        case Or():
            return _joined(tree, (Or,))
        case Not():
            if isinstance(tree.of, Equals):
                return f"{_text(tree.of.field)} != {_value(tree.of.value)}"
            if isinstance(tree.of, IsEmpty):
                return f"{_text(tree.of.field)} is not empty"
            return "not " + _inner(tree.of, (And, Or))
        case Search():
            return f"search {_value(tree.value)}"
        case Logged():
            return _print_log(tree)
    return f"{_text(tree.field)} {_condition(tree)}"


def _joined(tree: And | Or, bracketed: tuple[type, ...]) -> str:
    """A single child is written with its operator before it, or reading could not tell that there
    was one.
    """
    if len(tree.of) == 1:
        return f"{tree.op} ({print_filter(tree.of[0])})"
    return f" {tree.op} ".join(_inner(child, bracketed) for child in tree.of)


def _inner(child: Any, bracketed: tuple[type, ...]) -> str:
    bare = not isinstance(child, bracketed) or len(getattr(child, "of", ())) == 1
    return print_filter(child) if bare else f"({print_filter(child)})"


def _condition(tree: Any) -> str:
    match tree:
        case Equals():
            return f"= {_value(tree.value)}"
        case In():
            return f"in ({', '.join(map(_value, tree.values))})"
        case Contains():
            return f"contains {_value(tree.value)}"
        case Starts():
            return f"starts {_value(tree.value)}"
        case IsEmpty():
            return "is empty"
        case InTeams():
            alone = "" if tree.below else "alone "
            return f"in teams {alone}({', '.join(map(_value, tree.teams))})"
    bounds = tree.bounds()
    if len(bounds) == 1:
        return f"{_SIGN[bounds[0][0]]} {_value(bounds[0][1])}"
    (lower, first), (upper, last) = bounds
    opening, closing = "[" if lower == "gte" else "(", "]" if upper == "lte" else ")"
    return f"between {opening}{_value(first)}, {_value(last)}{closing}"


def _print_log(tree: Logged) -> str:
    given = []
    for name, value in tree:
        if name == "op" or value == type(tree).model_fields[name].default:
            continue
        text = f"({', '.join(map(_value, value))})" if isinstance(value, tuple) else _value(value)
        given.append(f"{name} = {text}")
    return f"log({', '.join(given)})"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    return json.dumps(value)


def _text(text: str) -> str:
    if _BARE.fullmatch(text) and text not in _WORDS and not _NUMBER.fullmatch(text):
        return text
    return json.dumps(text, ensure_ascii=False)


def read_filter(text: str) -> Any:
    """Return the tree that `text` spells; raise FilterInvalid, pointing at the sign where reading
    stopped making sense.
    """
    if len(text) > TEXT_MAX:
        raise FilterInvalid([Fault("too-large", f"use at most {TEXT_MAX} characters", "")])
    reader = _Reader(text)
    raw = reader.any_of(1)
    if reader.kind:
        reader.fail("expected `and`, `or` or the end")
    return parse_filter(raw)


class _Reader:
    """Reads one token ahead and builds the JSON form, so that both forms are checked by the same
    rules.
    """

    def __init__(self, text: str) -> None:
        self._all = text
        self._next = 0
        self.kind = self.token = ""
        self._start = 0
        self._advance()

    def fail(self, wanted: str) -> NoReturn:
        found = f"`{self.token[:40]}`" if self.kind else "the end"
        fault = f"{wanted}, found {found} at character {self._start + 1}"
        raise FilterInvalid([Fault("syntax", fault, "")])

    def _advance(self) -> None:
        while self._next < len(self._all) and self._all[self._next].isspace():
            self._next += 1
        self._start = self._next
        if self._next == len(self._all):
            self.kind = self.token = ""
            return
        found = _TOKEN.match(self._all, self._next)
        if found is None:
            self.kind, self.token = "broken", self._all[self._next]
            self.fail("expected a name, a value or a sign")
        self.kind = found.lastgroup or ""
        self.token = found[self.kind]
        self._next = found.end()

    def _is(self, token: str) -> bool:
        return self.kind != "quoted" and self.token == token

    def _take(self, token: str) -> bool:
        taken = self._is(token)
        if taken:
            self._advance()
        return taken

    def _expect(self, token: str) -> None:
        if not self._take(token):
            self.fail(f"expected `{token}`")

    def any_of(self, depth: int) -> Any:
        return self._joined("or", lambda: self._joined("and", lambda: self._one(depth)))

    def _joined(self, word: str, read: Any) -> Any:
        children = [read()]
        while self._take(word):
            children.append(read())
            if len(children) > CHILDREN_MAX:
                self.fail(f"expected at most {CHILDREN_MAX} conditions side by side")
        return {"op": word, "of": children} if len(children) > 1 else children[0]

    def _one(self, depth: int) -> Any:
        if depth > DEPTH_MAX:
            self.fail(f"expected at most {DEPTH_MAX} levels")
        if self._take("not"):
            return {"op": "not", "of": self._one(depth + 1)}
        for word in ("and", "or"):
            if self._take(word):
                self._expect("(")
                inner = self.any_of(depth + 1)
                self._expect(")")
                return {"op": word, "of": [inner]}
        if self._take("("):
            inner = self.any_of(depth + 1)
            self._expect(")")
            return inner
        if self._take("search"):
            return {"op": "search", "value": self._word()}
        if self._take("log"):
            return self._log()
        return self._comparison(self._name())

    def _name(self) -> str:
        if self.kind not in ("bare", "quoted") or (self.kind == "bare" and self.token in _WORDS):
            self.fail("expected a condition")
        return self._word()

    def _comparison(self, name: str) -> Any:
        if self._take("="):
            return {"op": "equals", "field": name, "value": self._value()}
        if self._take("!="):
            return {"op": "not", "of": {"op": "equals", "field": name, "value": self._value()}}
        for sign, bound in _BOUND.items():
            if self._take(sign):
                return {"op": "range", "field": name, bound: self._value()}
        if self._take("in"):
            if self._take("teams"):
                below = not self._take("alone")
                return {"op": "in_teams", "field": name, "teams": self._values(), "below": below}
            return {"op": "in", "field": name, "values": self._values()}
        if self._take("between"):
            return {"op": "range", "field": name, **self._bounds()}
        for word in ("contains", "starts"):
            if self._take(word):
                return {"op": word, "field": name, "value": self._word()}
        if self._take("is"):
            negated = self._take("not")
            self._expect("empty")
            empty = {"op": "is_empty", "field": name}
            return {"op": "not", "of": empty} if negated else empty
        return self.fail("expected =, !=, <, <=, >, >=, in, between, contains, starts or is")

    def _bounds(self) -> dict[str, Any]:
        lower = "gte" if self._take("[") else "gt"
        if lower == "gt":
            self._expect("(")
        first = self._value()
        self._expect(",")
        last = self._value()
        upper = "lte" if self._take("]") else "lt"
        if upper == "lt":
            self._expect(")")
        return {lower: first, upper: last}

    def _values(self) -> list[Any]:
        self._expect("(")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
            if len(values) > VALUES_MAX:
                self.fail(f"expected at most {VALUES_MAX} values")
        self._expect(")")
        return values

    def _log(self) -> dict[str, Any]:
        self._expect("(")
        node: dict[str, Any] = {"op": "log"}
        while not self._take(")"):
            if len(node) > 1:
                self._expect(",")
            name = self._name()
            if name in node:
                self.fail(f"expected {name} only once")
            self._expect("=")
            node[name] = self._values() if self._is("(") else self._value()
        return node

    def _word(self) -> str:
        """What can only be a text needs no quotes to keep its digits from being a number."""
        kind, token = self.kind, self.token
        value = self._value()
        return value if kind == "quoted" else token

    def _value(self) -> Any:
        if self.kind not in ("bare", "quoted"):
            self.fail("expected a value")
        kind, token = self.kind, self.token
        if kind == "quoted" or token in ("true", "false") or _NUMBER.fullmatch(token):
            try:
                value = json.loads(token)
            except ValueError:
                self.fail("expected a text in quotes as in JSON")
            self._advance()
            return value
        if token in _WORDS:
            self.fail("expected a value (a word of the language needs quotes)")
        self._advance()
        return token
