"""Ids are UUIDv7, told apart everywhere, and equal to the standard library's."""

import os
from uuid import NAMESPACE_URL, RFC_4122, UUID, uuid5

import pytest

from services.kit.ids import named_id, new_id, parse_id


def test_an_id_is_a_uuid_of_version_7_that_no_other_is() -> None:
    ids = [new_id() for _ in range(2_000)]
    assert len(set(ids)) == len(ids)
    assert all(one.version == 7 and one.variant == RFC_4122 for one in ids)
    assert [one.bytes[:6] for one in ids] == sorted(one.bytes[:6] for one in ids)


def test_an_id_equals_the_standard_librarys() -> None:
    made = new_id()
    same = UUID(str(made))
    assert isinstance(made, UUID)
    assert made == same
    assert {same: 1}[made] == 1
    assert {made: 1}[same] == 1


@pytest.mark.parametrize("name", ["", "a", "é", str(NAMESPACE_URL), "x" * 300])
def test_a_name_has_the_id_the_standard_library_gives_it(name: str) -> None:
    found = named_id(NAMESPACE_URL, name)
    assert found == uuid5(NAMESPACE_URL, name)
    assert (found.version, found.variant) == (5, RFC_4122)


def test_a_child_process_does_not_draw_what_its_parent_draws() -> None:
    new_id()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"".join(new_id().bytes for _ in range(10)))
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 160)
    os.close(reading)
    os.close(writing)
    randoms = {theirs[at + 8 : at + 16] for at in range(0, 160, 16)}
    assert len(randoms) == 10
    assert not randoms & {new_id().bytes[8:] for _ in range(20)}


@pytest.mark.parametrize("text", ["", "x", "{}", "0192" * 9, "z" * 32])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="UUID"):
        parse_id(text)
