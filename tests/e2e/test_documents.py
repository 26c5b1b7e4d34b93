"""What the documents tell people to type works as printed, on the sample.

Every page with requests in it is run from top to bottom, in one shell, by a bash that knows where
the test's server is. A request that is answered with a problem must say so in its own line: the
number of such answers in a block is the number of its comments that begin with `# refused`.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import Loaded

ROOT = Path(__file__).parents[2]
PRINTED = "http://127.0.0.1:8080"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
ASKS = re.compile(
    r"\$LEADS\b|^export LEADS=|\bask |\./leads (command|bulk|campaign|lead) ", re.MULTILINE
)
PIPE_CLOSED = 23
pytestmark = pytest.mark.timeout(400)

# Says of each request how it was answered; curl itself does the asking.
CURL = """#!/bin/sh
headers=$(mktemp "$DOCUMENT_LOG/headers.XXXXXX")
"$REAL_CURL" -D "$headers" "$@"; code=$?
status=$(sed -n 's/^HTTP[^ ]* \\([0-9]*\\).*/\\1/p' "$headers" | tail -n 1)
echo "curl $code ${status:-000} $*" >> "$DOCUMENT_LOG/said"
exit $code
"""
LEADS = """#!/bin/sh
PYTHONPATH="$PROJECT" "$PYTHON" -m services.cli "$@"; code=$?
echo "leads $code 200 $*" >> "$DOCUMENT_LOG/said"
exit 0
"""


def pages() -> Iterator[Path]:
    """Every page of ours that has requests to type."""
    for path in sorted(ROOT.rglob("*.md")):
        parts = path.relative_to(ROOT).parts
        if any(part.startswith(".") or part == "node_modules" for part in parts):
            continue
        if any(ASKS.search(block) for block in BLOCK.findall(path.read_text())):
            yield path


PAGES = {str(path.relative_to(ROOT)): path for path in pages()}


def blocks(page: Path) -> list[str]:
    """The blocks of a page that ask the server something."""
    return [block for block in BLOCK.findall(page.read_text()) if ASKS.search(block)]


@dataclass
class Said:
    """One request of a block and its answer."""

    who: str
    code: int
    status: int
    what: str

    @property
    def refused(self) -> bool:
        return self.status >= 400 or (self.who == "leads" and self.code == 1)

    @property
    def failed(self) -> bool:
        if self.who == "leads":
            return self.code not in (0, 1)
        return self.code not in (0, PIPE_CLOSED) or self.status in (0, *range(500, 600))


@dataclass
class Desk:
    """A folder that looks like the project's, beside a shell."""

    folder: Path
    loaded: Loaded

    def type(self, page: Path) -> list[tuple[str, list[Said]]]:
        """Type all blocks of a page; return each with what was asked in it."""
        log = self.folder / "log"
        log.mkdir()
        project = self.folder / "leads"
        project.mkdir()
        (project / ".leads").symlink_to(self.loaded.folder)
        self._script(project / "leads", LEADS)
        self._script(self.folder / "bin" / "curl", CURL)
        typed = blocks(page)
        steps = [
            block.replace(PRINTED, self.loaded.stack.address)
            + f'\necho "block {number}" >> "$DOCUMENT_LOG/said"\n'
            for number, block in enumerate(typed)
        ]
        result = subprocess.run(
            ["bash", "-eu", "-c", "\n".join(steps)],
            check=False,
            cwd=self.folder,
            env=self._environ(log),
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert result.returncode == 0, result.stdout[-4_000:] + result.stderr[-4_000:]
        assert "rror" not in result.stderr, result.stderr
        return self._told(typed, (log / "said").read_text())

    def _told(self, typed: list[str], said: str) -> list[tuple[str, list[Said]]]:
        found, asked = [], list[Said]()
        for line in said.splitlines():
            who, code, *rest = line.split(" ", 3)
            if who == "block":
                found.append((typed[int(code)], asked))
                asked = []
            else:
                asked.append(Said(who, int(code), int(rest[0]), rest[1]))
        return found

    def _environ(self, log: Path) -> dict[str, str]:
        kept = {name: one for name, one in os.environ.items() if not name.startswith("LEADS_")}
        real = subprocess.run(["which", "curl"], check=True, capture_output=True, text=True)
        return {
            **kept,
            "PATH": f"{self.folder / 'bin'}:{kept['PATH']}",
            "REAL_CURL": real.stdout.strip(),
            "DOCUMENT_LOG": str(log),
            "PROJECT": str(ROOT),
            "PYTHON": sys.executable,
            "LEADS_DATA_DIR": str(self.loaded.folder),
        }

    def _script(self, path: Path, text: str) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_says_can_be_typed(name: str, loaded: Loaded, tmp_path: Path) -> None:
    for block, asked in Desk(tmp_path, loaded).type(PAGES[name]):
        failed = [one for one in asked if one.failed]
        assert not failed, (failed, block)
        refused = [one for one in asked if one.refused]
        assert len(refused) == block.count("# refused"), (refused, block)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_begins_as_the_readme_does(name: str) -> None:
    preamble = blocks(ROOT / "README.md")[0]
    assert "ask()" in preamble
    assert blocks(PAGES[name])[0] == preamble
