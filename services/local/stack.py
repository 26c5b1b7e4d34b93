"""Everything one machine needs, started together: servers, keys, migrations, services.

The services learn what runs where from their environment (services/kit/settings.py).
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.kit.background import READY
from services.kit.listening import listen
from services.kit.migrate import migrate
from services.kit.settings import PORT_MAX, SettingsError, read_settings
from services.local.data_folder import API_ADDRESS
from services.local.kafka import BrokerUnavailable, LocalKafka
from services.local.lock import AlreadyRunning, data_lock
from services.local.outside_servers import broker_answers, migrate_outside
from services.local.ports import LOOPBACK, choose_port, held
from services.local.postgres import LocalPostgres
from services.local.process import Child, Program, StartFailed, says
from services.local.secret_file import secret_in
from services.local.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[2]
HTTP_PORT_FIRST = 8080
SERVICE_READY_S = 60.0
SERVICE_STOP_S = 4.0
# On the log transport the relay only seals, and there is no topic to take calls from.
ALWAYS = {
    "relay": "services.command.relay",
    "projections": "services.projections",
    "bulk": "services.command.bulk",
    "scheduler": "services.command.scheduler",
    "sender": "services.command.sending",
}
ON_KAFKA = {"intake": "services.command.intake"}
# Started last and stopped first, so that nothing is asked of parts that are gone.
API = "services.local.api"
CONNECTION = "connection.json"
OWNER_URL = "owner_url"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Servers:
    """PostgreSQL and the transport. `environ` is what every service is given.

    `owner_url` is for what services may not do: migrate, look at everything.
    """

    transport: str
    environ: Mapping[str, str]
    owner_url: str
    supervisor: Supervisor


@dataclass(frozen=True, slots=True)
class Stack:
    """The servers and all services, at `address` (an origin without a slash at its end).

    `metrics` says where each service without routes shows its numbers.
    """

    address: str
    metrics: Mapping[str, str]
    servers: Servers


@asynccontextmanager
async def running_stack(folder: Path, say: Say) -> AsyncIterator[Stack]:
    """Starts all, yields the stack, stops all in reverse order.

    Raises what `running_servers` raises, SettingsError when the port of LEADS_HTTP_PORT is taken,
    and StartFailed when a service does not get ready.
    """
    given = os.environ.get("LEADS_HTTP_PORT", "")
    port = int(given) if given.isascii() and given.isdecimal() else 0
    if 0 < port <= PORT_MAX:
        _look_at_port(folder, port)
    async with running_servers(folder, say) as servers:
        port = port or choose_port(folder / "http.port", first=HTTP_PORT_FIRST)
        address = f"http://{LOOPBACK}:{port}"
        # Links in mails lead here, unless they are to lead to a proxy before us.
        public = os.environ.get("LEADS_PUBLIC_URL") or address
        environ = {**servers.environ, "LEADS_PUBLIC_URL": public}
        modules = ALWAYS | (ON_KAFKA if servers.transport == "kafka" else {})
        ports = {name: choose_port(folder / f"{name}.port") for name in modules}
        with held(port):
            await _all_or_none(
                *(
                    servers.supervisor.start(_service(name, module, environ, ports[name]))
                    for name, module in modules.items()
                )
            )
        await servers.supervisor.start(_api(port, environ))
        with _told_in(folder / API_ADDRESS, {"address": address}):
            yield Stack(
                address=address,
                metrics={name: f"http://{LOOPBACK}:{ports[name]}/metrics" for name in ports},
                servers=servers,
            )


@asynccontextmanager
async def running_servers(folder: Path, say: Say, *, broker: bool = True) -> AsyncIterator[Servers]:
    """PostgreSQL, migrated, and the broker; without `broker` on the log transport.

    Raises AlreadyRunning, PostgresUnavailable, StartFailed, and before anything is started
    SettingsError with every setting that is wrong. When a broker cannot be had it says so and goes
    on with the log transport.
    """
    with data_lock(folder):
        supervisor = Supervisor(folder / "logs", say)
        keys = _key_files(folder)
        _look_at_settings(keys)
        try:
            (database_url, owner_url), bootstrap = await _all_or_none(
                _database(folder, supervisor, say),
                _broker(folder, supervisor, say) if broker else _no_broker(),
            )
            transport = "kafka" if bootstrap else "log"
            environ = {
                "LEADS_DATABASE_URL": database_url,
                "LEADS_KAFKA": bootstrap,
                "LEADS_TRANSPORT": transport,
                **keys,
                "LEADS_DATA_DIR": str(folder),
            }
            with _told_in(folder / CONNECTION, environ | {OWNER_URL: owner_url}):
                yield Servers(transport, environ, owner_url, supervisor)
        finally:
            await supervisor.stop()


@asynccontextmanager
async def found_servers(folder: Path, say: Say) -> AsyncIterator[tuple[Mapping[str, str], str]]:
    """Environment and owner's URL of the servers over `folder`, for tools that work on the log.

    When none run, PostgreSQL alone is started for as long as the block runs.
    """
    try:
        async with running_servers(folder, say, broker=False) as servers:
            yield servers.environ, servers.owner_url
    except AlreadyRunning:
        try:
            environ = json.loads((folder / CONNECTION).read_text())
        except FileNotFoundError:
            raise AlreadyRunning(f"{folder} is being started or stopped; try again") from None
        yield environ, environ.pop(OWNER_URL)


def _key_files(folder: Path) -> dict[str, str]:
    """Where the two keys are: the files the caller names, else ours, made when there are none."""
    found = {}
    for name, own in (("LEADS_MASTER_KEY", "master.key"), ("LEADS_SIGNING_KEY", "signing.key")):
        given = os.environ.get(f"{name}_FILE")
        if not given:
            secret_in(folder / own)
        found[f"{name}_FILE"] = str(Path(given).absolute() if given else folder / own)
    return found


def _look_at_settings(keys: dict[str, str]) -> None:
    """Stops with a sentence for each setting that is wrong, before anything is started."""
    given = {name: value for name, value in os.environ.items() if value}
    # What is chosen or started here cannot be missing.
    assumed = {
        "LEADS_DATABASE_URL": "embedded",
        "LEADS_KAFKA": "embedded",
        "LEADS_PUBLIC_URL": f"http://{LOOPBACK}",
    }
    faults = [
        f"{name} is not taken here: give {name}_FILE"
        for name in ("LEADS_MASTER_KEY", "LEADS_SIGNING_KEY")
        if name in given
    ]
    try:
        read_settings(assumed | given | keys)
    except SettingsError as wrong:
        faults.append(str(wrong))
    if faults:
        raise SettingsError("\n".join(f"leads: {line}" for line in "\n".join(faults).splitlines()))


def _look_at_port(folder: Path, port: int) -> None:
    """Stops with a sentence when the port is taken, before anything is started."""
    try:
        listen(os.environ.get("LEADS_HTTP_HOST") or LOOPBACK, port, "LEADS_HTTP_PORT").close()
    except SettingsError:
        with data_lock(folder):  # AlreadyRunning says more: it is our own server's port
            raise


@contextmanager
def _told_in(path: Path, environ: Mapping[str, str]) -> Iterator[None]:
    """Other commands of the same user find the running servers by this file."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(dict(environ), out)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


async def _database(folder: Path, supervisor: Supervisor, say: Say) -> tuple[str, str]:
    """Starts or finds PostgreSQL and migrates it. Returns URLs for services and for the owner."""
    given = os.environ.get("LEADS_DATABASE_URL")
    if given:
        say("PostgreSQL: the server LEADS_DATABASE_URL names")
        url = owner_url = given
        applied = await migrate_outside(given)
    else:
        local = LocalPostgres(folder / "postgres")
        await supervisor.start(await local.prepare())
        say(f"PostgreSQL: {local.address}, data in {folder / 'postgres'}")
        url, owner_url = local.url, local.owner_url
        applied = await migrate(owner_url, login="leads_app")
    if applied:
        say(f"Migrations applied: {', '.join(applied)}")
    return url, owner_url


async def _broker(folder: Path, supervisor: Supervisor, say: Say) -> str:
    """Starts or finds Kafka and returns its address, "" when the log transport is to be used."""
    if os.environ.get("LEADS_TRANSPORT") == "log":
        say("Kafka: not used, LEADS_TRANSPORT=log; read models are fed from the event log")
        return ""
    given = os.environ.get("LEADS_KAFKA")
    if given:
        say(f"Kafka: {given}, as LEADS_KAFKA says")
        if not await broker_answers(given):
            say("Kafka: it does not answer yet. Commands are taken; read models wait until it does")
        return given
    local = LocalKafka(folder / "kafka", say=say)
    try:
        await supervisor.start(await local.prepare())
    except (BrokerUnavailable, StartFailed) as reason:
        say(f"NO KAFKA: {reason}")
        say("NO KAFKA: going on with the log transport; read models are fed from the event log")
        return ""
    say(f"Kafka: {local.bootstrap}, data in {folder / 'kafka'}")
    return local.bootstrap


async def _no_broker() -> str:
    return ""


def _service(name: str, module: str, environ: Mapping[str, str], metrics_port: int) -> Program:
    """A service of ours: says READY when it is; drains on SIGTERM."""
    return Program(
        name=name,
        argv=(sys.executable, "-m", module),
        env={**environ, "LEADS_METRICS_PORT": str(metrics_port)},
        cwd=ROOT,
        stop_timeout_s=SERVICE_STOP_S,
        storey=1,
        ready=says(READY),
        ready_timeout_s=SERVICE_READY_S,
    )


def _api(port: int, environ: Mapping[str, str]) -> Program:
    """The API; ready when it says so and answers so: another server may have taken the port."""

    async def ready(child: Child) -> None:
        await says(READY)(child)
        while not await _answers_ok(port, "/readyz"):
            await asyncio.sleep(0.05)

    return Program(
        name="api",
        argv=(sys.executable, "-m", API),
        env={**environ, "LEADS_HTTP_PORT": str(port)},
        cwd=ROOT,
        stop_timeout_s=SERVICE_STOP_S,
        storey=2,
        ready=ready,
        ready_timeout_s=SERVICE_READY_S,
    )


async def _answers_ok(port: int, path: str) -> bool:
    """Whether a GET on the loopback port is answered with 200."""
    try:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return False
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}\r\n\r\n".encode())
        status = await asyncio.wait_for(reader.readline(), 5)
    except (OSError, TimeoutError):
        return False
    else:
        return b" 200 " in status
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _all_or_none(*work: Coroutine[Any, Any, Any]) -> list[Any]:
    """Runs all at once; when one fails the others are cancelled and its own error is raised."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
