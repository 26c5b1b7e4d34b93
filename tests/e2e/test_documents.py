"""What the documents tell people to type works as printed, on the sample.

Every page with requests in it is run from top to bottom, in one shell, by a bash that knows where
the test's server is. A request that is answered with a problem must say so in its own line: the
number of such answers in a block is the number of its comments that begin with `# refused`. A
request shows something: an empty list shows nobody what it is. And every read there is stands on
some page.
"""

import contextlib
import json
import os
import re
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from typer.testing import CliRunner

from services.cli import app as leads
from tests.loaded import Loaded

ROOT = Path(__file__).parents[2]
PRINTED = "http://127.0.0.1:8080"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
ASKS = re.compile(
    r"\$LEADS\b|^export LEADS=|\bask "
    r"|\./leads (command|bulk|campaign|export|import|lead|quarantine|view) ",
    re.MULTILINE,
)
PIPE_CLOSED = 23
pytestmark = pytest.mark.timeout(900)

# Says of each request how it was answered; curl itself does the asking.
CURL = """#!/usr/bin/env bash
headers=$(mktemp "$DOCUMENT_LOG/headers.XXXXXX")
"$REAL_CURL" -D "$headers" "$@" | tee "$headers.body"; code=${PIPESTATUS[0]}
status=$(sed -n 's/^HTTP[^ ]* \\([0-9]*\\).*/\\1/p' "$headers" | tail -n 1)
echo "curl $code ${status:-000} $headers.body $(echo "$*" | tr '\\n' ' ')" >> "$DOCUMENT_LOG/said"
exit $code
"""
LISTS = (
    *("leads", "entries", "events", "contracts", "callbacks", "tasks", "jobs", "segments"),
    *("pools", "campaigns", "views", "versions", "parts", "counts", "exports", "imports", "rows"),
)
"""Names under which an answer holds what was asked for."""
# The command line is at hand in this process: started afresh for each line it would take a minute.
LEADS = """#!/usr/bin/env -S python3 -S -E
import json, os, socket, sys
asked = {"arguments": sys.argv[1:], "stdin": "" if sys.stdin.isatty() else sys.stdin.read()}
asked["here"] = os.getcwd()
with socket.socket(socket.AF_UNIX) as line:
    line.connect(os.environ["DOCUMENT_LOG"] + "/leads")
    line.sendall(json.dumps(asked).encode())
    line.shutdown(socket.SHUT_WR)
    answer = json.loads(b"".join(iter(lambda: line.recv(65536), b"")))
with open(os.environ["DOCUMENT_LOG"] + "/said", "a") as said:
    said.write(f"leads {answer['code']} 200 - {' '.join(sys.argv[1:])}\\n")
sys.stdout.write(answer["stdout"])
sys.stderr.write(answer["stderr"])
"""


class AtHand(socketserver.StreamRequestHandler):
    """Answers one line of `./leads`."""

    environ: ClassVar[dict[str, str]] = {}

    def handle(self) -> None:
        asked = json.loads(self.rfile.read())
        with contextlib.chdir(asked["here"]):
            told = CliRunner().invoke(
                leads, asked["arguments"], input=asked["stdin"], env=self.environ, prog_name="leads"
            )
        answer = {"code": told.exit_code, "stdout": told.stdout, "stderr": told.stderr}
        self.wfile.write(json.dumps(answer).encode())


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
    body: bytes
    what: str

    @property
    def empty(self) -> bool:
        """Whether an answer that should show something did not."""
        if "/v1/activity" in self.what:
            return b"\ndata: " not in self.body
        if self.status != 200 or not self.body.startswith(b"{"):
            return False
        try:
            answer = json.loads(self.body)
        except ValueError:  # a line of JSON each, or cut off by the page
            return False
        return any(answer.get(name) == [] for name in LISTS)

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
        AtHand.environ = {"LEADS_DATA_DIR": str(self.loaded.folder), "COLUMNS": "200"}
        with socketserver.UnixStreamServer(str(log / "leads"), AtHand) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            result = subprocess.run(
                ["bash", "-eu", "-c", "\n".join(steps)],
                check=False,
                cwd=self.folder,
                env=self._environ(log),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=600,
            )
            server.shutdown()
        assert result.returncode == 0, result.stdout[-4_000:] + result.stderr[-4_000:]
        return self._told(typed, (log / "said").read_text())

    def _told(self, typed: list[str], said: str) -> list[tuple[str, list[Said]]]:
        found, asked = [], list[Said]()
        for line in said.splitlines():
            who, code, *rest = line.split(" ", 4)
            if who == "block":
                found.append((typed[int(code)], asked))
                asked = []
            else:
                body = Path(rest[1]).read_bytes() if who == "curl" else b""
                asked.append(Said(who, int(code), int(rest[0]), body, rest[-1]))
        return found

    def _environ(self, log: Path) -> dict[str, str]:
        kept = {name: one for name, one in os.environ.items() if not name.startswith("LEADS_")}
        real = subprocess.run(["which", "curl"], check=True, capture_output=True, text=True)
        return {
            **kept,
            "PATH": f"{self.folder / 'bin'}:{kept['PATH']}",
            "REAL_CURL": real.stdout.strip(),
            "DOCUMENT_LOG": str(log),
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
        empty = [(one.what, one.body) for one in asked if one.empty]
        assert not empty, (empty, block)
        refused = [one for one in asked if one.refused]
        assert len(refused) == block.count("# refused"), (refused, block)


ASKED = (
    *("/v1/leads/search", "/v1/leads/count", "/v1/leads/breakdown", "/v1/leads/export"),
    *("/v1/selections", "/v1/pasts", "/v1/pasts/{past_id}/search", "/v1/pasts/{past_id}/count"),
    *("/v1/pasts/{past_id}/breakdown", "/v1/pasts/{past_id}/cancel"),
    "/v1/pools/{pool_id}/select-unprocessed",
)
"""Reads whose question is a body."""
MAIL_ONLY = {"/v1/export-links/{token}", "/v1/view-mails/{mailing_id}"}
"""Reads of what there is only where mail is set up, as on the sample it is not."""
SHORTHAND = re.compile(r'^(\w+)\(\) \{.*"(\$LEADS/v1/[^" ]*)\$1"', re.MULTILINE)
"""A function of a page that asks for what is below an address."""


def printed() -> set[str]:
    """Every address of ours that stands in a block of a page, without its query."""
    found = set[str]()
    for page in PAGES.values():
        text = "\n".join(blocks(page))
        for name, address in SHORTHAND.findall(text):
            text = re.sub(rf'\b{name} "', f'"{address}', text)
        found |= set(re.findall(r'\$LEADS(/v1/[^"\s?]*)', text))
    return found


def test_every_read_stands_on_a_page() -> None:
    document = json.loads((ROOT / "schemas/generated/openapi.json").read_bytes())
    paths = document["paths"]
    reads = {path for path, operations in paths.items() if "get" in operations} | set(ASKED)
    assert reads <= paths.keys()
    known = {path: re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))) for path in paths}
    shown = set[str]()
    for address in printed():
        fits = {path for path, pattern in known.items() if pattern.fullmatch(address)}
        shown |= {address} if address in fits else fits
    assert reads - shown == MAIL_ONLY


@pytest.mark.parametrize("name", PAGES)
def test_every_page_begins_as_the_readme_does(name: str) -> None:
    preamble = blocks(ROOT / "README.md")[0]
    assert "ask()" in preamble
    assert blocks(PAGES[name])[0] == preamble
