"""House rules that can be checked by reading files. Each failure names the place and the rule.

Docstrings, imports and formatting are checked by ruff and import-linter; this is the rest.
"""

import ast
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
NOT_OURS = {"dist", "generated", "package-lock.json", "snapshots"}
NEVER_COMMITTED = {"node_modules", "__pycache__"}
WRITTEN_BY_HAND = {".py", ".sql", ".sh", ".ts", ".tsx", ".css"}
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100
NAMES_THAT_SAY_NOTHING = re.compile(r"(^|_)(utils?|helpers?|managers?|common|misc|stuff)(_|$)")
# Spelled in two parts, so that this file does not break its own rules.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK|NotImplemented" r"Error)\b")
SILENCED = re.compile(r"#\s*(type: " r"ignore|no" r"qa)")
SILENCED_WITH_REASON = re.compile(
    r"#\s*(type: ignore\[[\w, -]+\]\s+#|noqa: [A-Z]+\d+(, ?[A-Z]+\d+)* -) \w"
)
INDEX_HOSTS = re.compile(
    r"pypi\.(org|python)|pythonhosted\.org|npmjs\.(org|com)|yarnpkg\.com"
    r"|maven\.(apache\.)?org/maven2|(deb|ftp|security)\.debian\.org|archive\.ubuntu\.com"
    r"|static\.crates\.io|proxy\.golang\.org"
)
MACHINE_PATHS = re.compile(r"(?<![\w.~-])/(work|root|home/[a-z]|Users/[A-Za-z])/?[\w.-]")


def tracked() -> list[Path]:
    """Files a commit could hold, going by the folders that are ours."""
    roots = ("services", "schemas", "tests", "deploy", ".ci", "data")
    found = [path for path in ROOT.iterdir() if path.is_file() and path.name != ".git"]
    for root in roots:
        for folder, folders, files in os.walk(ROOT / root):
            folders[:] = [name for name in folders if name not in NEVER_COMMITTED]
            found += (Path(folder, name) for name in files)
    return found


def ours() -> list[Path]:
    """Source files written by hand."""
    return [
        path
        for path in tracked()
        if path.suffix in WRITTEN_BY_HAND and not NOT_OURS.intersection(path.parts)
    ]


def texts() -> Iterator[tuple[Path, str]]:
    for path in tracked():
        if NOT_OURS.intersection(path.parts) - {"package-lock.json", "snapshots", "generated"}:
            continue
        try:
            yield path, path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


def python_files(folder: str) -> list[Path]:
    return [path for path in ours() if path.suffix == ".py" and path.is_relative_to(ROOT / folder)]


def place(path: Path, line: int = 0) -> str:
    name = str(path.relative_to(ROOT))
    return f"{name}:{line}" if line else name


def show(faults: list[str], rule: str) -> None:
    assert not faults, f"{rule}\n  " + "\n  ".join(faults)


def test_files_are_short() -> None:
    faults = []
    for path in ours():
        count = len(path.read_text("utf-8").splitlines())
        if count > FILE_LINES_MAX:
            faults.append(f"{place(path)}: {count} lines")
    show(faults, f"a file has at most {FILE_LINES_MAX} lines: split it by what it is about")


def test_functions_are_short() -> None:
    faults = []
    for path in (each for each in ours() if each.suffix == ".py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = (node.end_lineno or node.lineno) - node.lineno + 1
                if count > FUNCTION_LINES_MAX:
                    faults.append(f"{place(path, node.lineno)} {node.name}: {count} lines")
    show(faults, f"a function has at most {FUNCTION_LINES_MAX} lines")


def test_lines_are_short() -> None:
    faults = [
        f"{place(path, number)}: {len(line)} columns"
        for path in ours()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if len(line) > COLUMNS_MAX
    ]
    show(faults, f"a line has at most {COLUMNS_MAX} columns")


def test_names_say_something() -> None:
    faults = [place(path) for path in ours() if NAMES_THAT_SAY_NOTHING.search(path.stem)]
    show(faults, "a file is named for what it does, not as a place for leftovers")


def test_nothing_is_left_unfinished() -> None:
    faults = [
        f"{place(path, number)}: {line.strip()}"
        for path in ours()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    show(faults, "finish it, or say in the issue what is missing")


def test_a_silenced_check_says_why() -> None:
    faults = [
        f"{place(path, number)}: {line.strip()}"
        for path in ours()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if SILENCED.search(line) and not SILENCED_WITH_REASON.search(line)
    ]
    show(
        faults,
        "name the one rule and why: `noqa: ABC123 - because`, `type: ignore[abc]  # because`",
    )


def test_no_addresses_of_indexes_and_machines() -> None:
    faults = []
    for path, text in texts():
        for pattern in (INDEX_HOSTS, MACHINE_PATHS):
            for found in pattern.finditer(text):
                line = text.count("\n", 0, found.start()) + 1
                faults.append(f"{place(path, line)}: {found[0]}")
    show(faults, "package indexes and paths of one machine do not belong into the project")


def test_the_lock_satisfies_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lock = (ROOT / "requirements.lock").read_text()
    locked = {
        canonicalize_name(name): version
        for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", lock, re.MULTILINE)
    }
    wanted = [
        Requirement(text)
        for text in (*project["dependencies"], *project["optional-dependencies"]["dev"])
    ]
    faults = [
        f"{each} (lock: {locked.get(canonicalize_name(each.name))})"
        for each in wanted
        if (version := locked.get(canonicalize_name(each.name))) is None
        or version not in each.specifier
    ]
    show(faults, "requirements.lock is stale; CONTRIBUTING.md says how it is made")
    assert lock.count("==") <= lock.count("--hash=sha256:"), "every pin has its hashes"


def test_every_dependency_has_its_line_in_the_architecture() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {
        canonicalize_name(Requirement(text).name)
        for text in (*project["dependencies"], *project["optional-dependencies"]["dev"])
    }
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    _, _, table = text.partition("| package | why |\n|---|---|\n")
    rows = table.partition("\n\n")[0].splitlines()
    told = [
        canonicalize_name(name.strip()) for row in rows for name in row.split("|")[1].split(",")
    ]
    assert sorted(told) == sorted(declared), "a dependency has one line, and an absent one has none"


def test_decision_records_are_listed() -> None:
    folder = ROOT / "deploy" / "decisions"
    records = {path.name for path in folder.glob("[0-9]*.md")}
    listed = re.findall(r"\]\(([^)]+)\)", (folder / "README.md").read_text("utf-8"))
    assert sorted(listed) == sorted(records)


def test_pages_point_at_what_there_is() -> None:
    """Links, files in backticks, and metrics that runbooks tell people to look at."""
    code = "".join(path.read_text("utf-8") for path in python_files("services"))
    names = {path.name for path in tracked()}
    faults = []
    for page in (each for each, _ in texts() if each.suffix == ".md"):
        text, where = page.read_text("utf-8"), place(page)
        links = re.findall(r"\]\(([^)#:]+)\)", text)
        faults += [f"{where}: link to {one}" for one in links if not (page.parent / one).exists()]
        for file in re.findall(r"`(\w[\w./-]*\.(?:py|sql|md|yaml))`", text):
            there = (ROOT / file).exists() or (page.parent / file).exists()
            if not (there or ("/" not in file and file in names)):
                faults.append(f"{where}: file {file}")
        # A counter's `_total` is added by the client library.
        metrics = re.findall(r"`(leads_\w+?)(?:_total)?`", text)
        faults += [f"{where}: {one}" for one in metrics if f'"{one}' not in code]
    show(faults, "a page names only what exists")


def read_models() -> list[str]:
    """Modules of services/projections that have a VERSION are read models."""
    return [
        path.stem
        for path in python_files("services/projections")
        if re.search(r"^VERSION\b", path.read_text(), re.MULTILINE)
    ]


@pytest.mark.parametrize(
    "room", ["schemas/tables/{}.sql", "services/query/{}.py", "tests/read_models/test_{}.py"]
)
def test_a_read_model_has_the_same_name_in_every_room(room: str) -> None:
    faults = [
        room.format(name) for name in read_models() if not (ROOT / room.format(name)).exists()
    ]
    show(faults, "a read model is a table, a projection, a query and a test of one name")


def test_every_failpoint_has_a_fault_case() -> None:
    failpoints = {
        argument.value: place(path, node.lineno)
        for path in python_files("services")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", "")) == "at"
        for argument in node.args[:1]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }
    cases = "".join(path.read_text("utf-8") for path in python_files("tests/faults"))
    faults = [f"{where}: {name}" for name, where in failpoints.items() if name not in cases]
    show(faults, "a place where the world may stop has a case in tests/faults")
