"""Asking the API from a shell: where it is, with which key, and what its refusals say.

`leads command`, `bulk`, `campaign` and the like all speak through this, over HTTP as anybody does.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import httpx
import typer

from services.kit.ids import new_id
from services.local.data_folder import API_ADDRESS, data_folder
from services.local.demo_keys import FILE as KEYS
from services.local.demo_keys import demo_keys

REFUSED, USAGE, UNREACHABLE = 1, 2, 3
"""Exit codes beside 0: the answer is no, the question is incomplete, nobody answers."""

TIMEOUT_SECONDS = 30.0
DOWNLOAD_TIMEOUT_SECONDS = 90.0
"""Between two pieces: a large list is sorted before its first lead comes."""
SEND_TIMEOUT_SECONDS = 300.0
"""A large workbook is read to its end before it is answered."""
SENT_BYTES = 1 << 18
TRIES = 3
PAUSE_SECONDS = 0.5


class Failed(Exception):
    """Nothing to go on with: a sentence for people and the exit code."""

    def __init__(self, text: str, code: int = UNREACHABLE) -> None:
        """Keep the code beside the sentence."""
        super().__init__(text)
        self.code = code


class Problem(Exception):
    """The API says no; `body` is its problem document."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        """Keep status and body as answered."""
        super().__init__(str(body.get("detail") or body.get("title") or status))
        self.status, self.body = status, body

    def lines(self) -> list[str]:
        """Say what was refused, then every reason, a line each; nothing twice."""
        told = dict.fromkeys(self.body.get(part) for part in ("title", "detail"))
        reasons = {one["detail"] for one in self.body.get("errors", ())}
        said = ": ".join(str(one) for one in told if one and one not in reasons)
        listed = [
            f"  - {where + ': ' if (where := _field(one)) else ''}{one['detail']} [{one['code']}]"
            for one in self.body.get("errors", ())
        ]
        more = [
            f"  {name}: {self.body[name]}" for name in ("version", "changed") if name in self.body
        ]
        return [said or f"HTTP {self.status}", *listed, *more]


def _field(reason: Mapping[str, Any]) -> str:
    return str(reason.get("pointer") or "").strip("/").replace("/", ".")


@dataclass(frozen=True)
class Client:
    """Who asks, and where."""

    address: str
    key: str

    def get(self, path: str, **query: Any) -> Any:
        """Return what a read answers; empty parameters are left out."""
        given = {name: value for name, value in query.items() if value not in (None, "", ())}
        return self._asked("GET", path, None, given, {}).json()

    def post(self, path: str, body: Any, **headers: str) -> Any:
        """Return what a write answers. Its key of its own makes trying again safe."""
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value}
        sent.setdefault("idempotency-key", f"cli-{new_id()}")
        return self._asked("POST", path, body, {}, sent).json()

    def put(self, path: str, body: Any) -> Any:
        """Return what a write answers that sets something as a whole."""
        return self._asked("PUT", path, body, {}, {}).json()

    def send(self, path: str, source: BinaryIO, media: str, **query: Any) -> Any:
        """Send a file as it is read and return what is answered. Raises Failed when that broke off;
        it is not tried again by itself.
        """
        given = {name: value for name, value in query.items() if value not in (None, "", ())}
        sent = {"authorization": f"Bearer {self.key}", "content-type": media}
        try:
            answer = httpx.post(
                self.address + path, params=given, headers=sent, trust_env=False,
                content=iter(lambda: source.read(SENT_BYTES), b""), timeout=SEND_TIMEOUT_SECONDS,
            )  # fmt: skip
        except httpx.HTTPError as error:
            raise Failed(_silent(self.address, error)) from None
        if answer.is_error:
            raise _problem(answer)
        return answer.json()

    def save(self, path: str, sink: BinaryIO, **query: Any) -> None:
        """Write a download into `sink` as it comes. Raises Failed when it broke off: what is
        written then is not all. Nothing is tried again once something was written.
        """
        given = {name: value for name, value in query.items() if value not in (None, "", ())}
        sent = {"authorization": f"Bearer {self.key}"}
        try:
            with httpx.stream(
                "GET", self.address + path, params=given, headers=sent,
                timeout=DOWNLOAD_TIMEOUT_SECONDS, trust_env=False,
            ) as answer:  # fmt: skip
                if answer.is_error:
                    answer.read()
                    raise _problem(answer)
                sink.writelines(answer.iter_bytes())
        except httpx.RemoteProtocolError as error:
            raise Failed(f"the download broke off, it is not complete ({error})") from None
        except httpx.HTTPError as error:
            raise Failed(_silent(self.address, error)) from None

    def text(self, path: str) -> str:
        """Return a document that is no JSON."""
        return self._asked("GET", path, None, {}, {}).text

    def _asked(
        self,
        method: str,
        path: str,
        body: Any,
        query: Mapping[str, Any],
        headers: Mapping[str, str],
    ) -> httpx.Response:
        """Ask, up to three times while nobody answers or the answer is to try again."""
        sent = {**headers, "authorization": f"Bearer {self.key}"}
        content = None if body is None else as_line(body).encode()
        if content is not None:
            sent["content-type"] = "application/json"
        url = self.address + path
        for left in reversed(range(TRIES)):
            try:
                answer = httpx.request(
                    method, url, params=query, content=content, headers=sent,
                    timeout=TIMEOUT_SECONDS, trust_env=False,
                )  # fmt: skip
            except httpx.HTTPError as error:
                if not left:
                    raise Failed(_silent(self.address, error)) from None
            except (httpx.InvalidURL, UnicodeError):
                raise Failed(f"{self.address} is no address of a server", USAGE) from None
            else:
                if not answer.is_error:
                    return answer
                problem = _problem(answer)
                if not left or not problem.body.get("retryable"):
                    raise problem
            time.sleep(PAUSE_SECONDS)  # noqa: TID251 - the server said when, or says nothing
        raise AssertionError("the last try answers or raises")


def _problem(answer: httpx.Response) -> Problem:
    try:
        body = answer.json()
    except ValueError:
        body = {}
    known = isinstance(body, dict)
    return Problem(answer.status_code, body if known else {"detail": answer.text[:200]})


def _silent(address: str, error: httpx.HTTPError) -> str:
    return f"nobody answers at {address} ({error}); start it with ./leads up, or name --address"


def client(address: str, key_file: str, user: str) -> Client:
    """Find the API and the key: as named, else as the stack that runs over the data folder says."""
    folder = data_folder()
    return Client((address or _running(folder)).rstrip("/"), _key(key_file, user, folder))


def _running(folder: Path) -> str:
    try:
        told: Mapping[str, str] = json.loads((folder / API_ADDRESS).read_text())
    except FileNotFoundError:
        text = f"nothing runs over {folder}; start it with ./leads up, or name --address"
        raise Failed(text) from None
    return told["address"]


def _key(key_file: str, user: str, folder: Path) -> str:
    if key_file:
        try:
            return Path(key_file).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Failed(f"the key file cannot be read: {error}", USAGE) from None
    keys = demo_keys(folder)
    if user not in keys:
        known = ", ".join(keys)
        text = f"there is no demo user {user}; there are: {known}"
        if not keys:
            text = f"there is no {folder / KEYS}; name your key with --key-file"
        raise Failed(text, USAGE)
    return keys[user]


def answers(work: Any, *, as_json: bool) -> Any:
    """Return what `work()` returns; a refusal or a failure is told, and ends the command."""
    try:
        return work()
    except Problem as problem:
        if as_json:
            print(as_line(problem.body))
        for line in problem.lines():
            print(line, file=sys.stderr)
        unable = problem.status in (401, 429) or problem.status >= 500
        raise typer.Exit(UNREACHABLE if unable else REFUSED) from None
    except Failed as failed:
        give_up(str(failed), failed.code)


def give_up(text: str, code: int = USAGE) -> NoReturn:
    """Tell why the command cannot go on, and end it."""
    print(f"leads: {text}", file=sys.stderr)
    raise typer.Exit(code)


def as_line(value: Any) -> str:
    """Return a value as JSON on one line, spelled as the API spells it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def width() -> int:
    """Return how wide a table may be: the terminal's columns, or plenty for a file."""
    return int(os.environ.get("COLUMNS") or 0) or (0 if sys.stdout.isatty() else 200)
