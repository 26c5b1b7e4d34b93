"""Every promise of the sources has its command or read, and a test that shows it (SOURCES.md)."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import orjson

from services.command.catalogue import all_commands
from services.command.domain.decider import Command

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "services/command/domain/SOURCES.md"
OPENAPI = ROOT / "schemas/generated/openapi.json"
TEST = re.compile(r"[\w/]+\.py::test_\w+")
READ = re.compile(r"(GET|POST) /v1/\S+")


class Row(NamedTuple):
    """One promise."""

    promise: str
    by: tuple[str, ...]
    shown_by: tuple[str, ...]


def rows() -> Iterator[Row]:
    """Read the rows of all tables of the page."""
    for line in PAGE.read_text().splitlines():
        if not line.startswith("| ") or line.startswith("| promise |"):
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert len(cells) == 3, f"a row has three cells: {line}"
        promise, by, shown_by = cells
        yield Row(promise, tuple(one.strip() for one in by.split(",")), tuple(shown_by.split()))


def commands() -> dict[str, type[Command]]:
    return {one.__name__: one for one in all_commands()}


@cache
def names_in(file: str) -> frozenset[str]:
    """Return the names of the tests of a file; none when it is not there."""
    path = ROOT / "tests" / file
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(one.name for one in ast.walk(tree) if isinstance(one, kinds))


def test_every_row_has_a_test_that_is_there() -> None:
    found = list(rows())
    assert len(found) > 100
    for row in found:
        assert row.shown_by, f"nothing shows: {row.promise}"
        for shown in row.shown_by:
            assert TEST.fullmatch(shown), f"{shown} names no test: {row.promise}"
            file, _, name = shown.partition("::")
            assert name in names_in(file), f"there is no {shown}: {row.promise}"


def test_every_row_has_a_command_or_a_read_that_is_there() -> None:
    known = commands()
    paths = orjson.loads(OPENAPI.read_bytes())["paths"]
    for row in rows():
        for by in row.by:
            if READ.fullmatch(by):
                method, _, path = by.partition(" ")
                assert method.lower() in paths.get(path, {}), f"there is no {by}: {row.promise}"
            else:
                assert by in known, f"there is no command {by}: {row.promise}"


def test_every_command_has_a_row() -> None:
    named = {by for row in rows() for by in row.by}
    missing = sorted(commands().keys() - named)
    assert not missing, f"no promise is shown for {', '.join(missing)}"


def test_no_promise_stands_there_twice() -> None:
    promises = [row.promise for row in rows()]
    assert len(promises) == len(set(promises))
