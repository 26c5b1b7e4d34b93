"""Apache Kafka's jars: named with their SHA-256 in kafka_jars.json, fetched once, checked always.

They come from the default repository of the `jgo` library, or from the folder that
LEADS_KAFKA_JARS names.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from jgo.maven import MavenContext

VERSION = "4.3.1"
DOWNLOADS_AT_ONCE = 8
FETCH_TIMEOUT_S = 30


class JarsUnavailable(Exception):
    """A jar could not be had, or is not the one that was pinned. The text names it."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One pinned artifact."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """As every Maven repository calls it."""
        return f"{self.artifact}-{self.version}.jar"

    def is_at(self, path: Path) -> bool:
        """Whether the file is there and is the pinned one."""
        try:
            with path.open("rb") as content:
                return hashlib.file_digest(content, "sha256").hexdigest() == self.sha256
        except FileNotFoundError:
            return False


def pinned_jars() -> list[Jar]:
    """All jars a broker needs, in class path order."""
    listed = json.loads(Path(__file__).with_name("kafka_jars.json").read_text())
    jars = []
    for entry in listed:
        group, artifact, version = entry["coordinate"].split(":")
        jars.append(Jar(group, artifact, version, entry["sha256"]))
    return jars


def provide_jars(say: Callable[[str], None], environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Paths of all jars, each checked; fetches what is missing, several at once.

    Raises JarsUnavailable.
    """
    jars = pinned_jars()
    given = environ.get("LEADS_KAFKA_JARS")
    folder = Path(given) if given else cache_folder(environ)
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        there = pool.map(lambda jar: jar.is_at(folder / jar.file_name), jars)
        missing = [jar for jar, good in zip(jars, there, strict=True) if not good]
        if missing and given:
            raise JarsUnavailable(
                f"LEADS_KAFKA_JARS={given}: {len(missing)} of {len(jars)} jars are missing or have"
                f" other bytes, {missing[0].file_name} first"
            )
        if missing:
            say(f"Fetching Apache Kafka {VERSION}: {len(missing)} of {len(jars)} jars")
            folder.mkdir(parents=True, exist_ok=True)
            for done, _ in enumerate(pool.map(lambda jar: _fetch(jar, folder), missing), start=1):
                if done % 15 == 0 or done == len(missing):
                    say(f"Fetched {done} of {len(missing)} jars")
    return [folder / jar.file_name for jar in jars]


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where fetched jars are kept for all checkouts of one user."""
    base = environ.get("XDG_CACHE_HOME")
    cache = Path(base) if base else Path.home() / ".cache"
    return cache / "leads" / f"kafka-{VERSION}"


def _fetch(jar: Jar, folder: Path) -> None:
    """Downloads aside, checks, then puts in place, so that other starts never see half a jar."""
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=folder) as aside:
        context = MavenContext(repo_cache=Path(aside), timeout=FETCH_TIMEOUT_S)
        component = context.project(jar.group, jar.artifact).at_version(jar.version)
        try:
            fetched = component.artifact().resolve()
        except Exception as error:
            raise JarsUnavailable(f"{jar.file_name} could not be fetched: {error}") from error
        if not jar.is_at(fetched):
            raise JarsUnavailable(f"{jar.file_name} as fetched is not the pinned one (SHA-256)")
        shutil.move(fetched, folder / jar.file_name)
