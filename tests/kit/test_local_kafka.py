"""The embedded broker: started, found again after a kill; every jar is the pinned one."""

import signal
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError

from services.local import kafka, kafka_jars
from services.local.kafka import BrokerUnavailable, LocalKafka
from services.local.kafka_jars import Jar, JarsUnavailable, pinned_jars, provide_jars

TOPIC = "kept"


async def make_topic(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(TOPIC, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def send(bootstrap: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True)
    await producer.start()
    try:
        await producer.send_and_wait(TOPIC, value)
    finally:
        await producer.stop()


async def read_all(bootstrap: str) -> list[bytes]:
    partition = TopicPartition(TOPIC, 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([partition])
        consumer.seek(partition, 0)  # seek_to_beginning() races with its own first position
        end = (await consumer.end_offsets([partition]))[partition]
        return [(await consumer.getone()).value for _ in range(end)]
    finally:
        await consumer.stop()


async def test_a_second_start_finds_the_records_also_after_a_kill_and_on_another_port(
    tmp_path: Path,
) -> None:
    first = LocalKafka(tmp_path)
    bootstrap = await first.start()
    try:
        await make_topic(bootstrap)
        await send(bootstrap, b"before the kill")
    finally:
        first.kill()
    assert await first.wait() == -signal.SIGKILL
    (tmp_path / "port").unlink()
    second = LocalKafka(tmp_path)
    bootstrap = await second.start()
    try:
        await send(bootstrap, b"after it")
        assert await read_all(bootstrap) == [b"before the kill", b"after it"]
    finally:
        await second.stop()
    # The exit code of a Java that obeyed SIGTERM.
    assert await second.wait() == 128 + signal.SIGTERM


async def test_topics_are_not_made_by_a_typing_error(kafka: str, topic_prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        (described,) = await admin.describe_topics([topic_prefix + "nowhere"])
        assert described["error_code"] == UnknownTopicOrPartitionError.errno
    finally:
        await admin.close()


async def test_no_java_is_a_reason_to_go_without_a_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerUnavailable, match=r"no Java from 17 up \(none found\)"):
        await LocalKafka(tmp_path / "kafka").start()
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    java.chmod(0o755)
    with pytest.raises(BrokerUnavailable, match="version 11"):
        await LocalKafka(tmp_path / "kafka").start()


async def test_a_folder_without_the_jars_is_a_reason_to_go_without_a_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADS_KAFKA_JARS", str(tmp_path))
    with pytest.raises(BrokerUnavailable, match=r"46 of 46 jars are missing"):
        await LocalKafka(tmp_path / "kafka").start()


async def test_a_broker_that_fails_tells_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(kafka.SETTINGS, "log.cleaner.dedupe.buffer.size", "not a number")
    with pytest.raises(BrokerUnavailable, match="not a number"):
        await LocalKafka(tmp_path / "kafka").start()


def test_jars_are_taken_from_a_given_folder_when_their_bytes_are_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256_of_hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    jar = Jar("org.example", "greeting", "1.0", sha256_of_hello)
    monkeypatch.setattr(kafka_jars, "pinned_jars", lambda: [jar])
    given = {"LEADS_KAFKA_JARS": str(tmp_path)}
    path = tmp_path / "greeting-1.0.jar"
    path.write_bytes(b"hello")
    assert provide_jars(print, given) == [path]
    path.write_bytes(b"hullo")
    with pytest.raises(JarsUnavailable, match=r"other bytes, greeting-1\.0\.jar first"):
        provide_jars(print, given)


def test_a_fetched_jar_with_other_bytes_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Component:
        def artifact(self) -> "Component":
            return self

        def resolve(self) -> Path:
            wrong = tmp_path / "wrong.jar"
            wrong.write_bytes(b"something else")
            return wrong

    class Repository:
        def __init__(self, **_: object) -> None:
            pass

        def project(self, *_: str) -> "Repository":
            return self

        def at_version(self, _: str) -> Component:
            return Component()

    monkeypatch.setattr(kafka_jars, "MavenContext", Repository)
    told: list[str] = []
    with pytest.raises(JarsUnavailable, match="is not the pinned one"):
        provide_jars(told.append, {"XDG_CACHE_HOME": str(tmp_path)})
    assert told == ["Fetching Apache Kafka 4.3.1: 46 of 46 jars"]
    assert not list(kafka_jars.cache_folder({"XDG_CACHE_HOME": str(tmp_path)}).iterdir())


def test_every_jar_is_pinned_by_name_and_content() -> None:
    jars = pinned_jars()
    assert len({jar.file_name for jar in jars}) == len(jars)
    assert all(len(bytes.fromhex(jar.sha256)) == 32 for jar in jars)
    names = {jar.artifact for jar in jars}
    # Without a log binding every failure of the broker would be silent.
    assert {"kafka_2.13", "kafka-clients", "slf4j-simple"} <= names
