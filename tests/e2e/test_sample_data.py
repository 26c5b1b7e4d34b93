"""The sample is what its source says, and the same at every run; its people cannot be called."""

import csv
import gzip
from collections import Counter
from itertools import pairwise

import orjson
import pytest

from services.command.domain.phones import parse_phone
from services.command.intake_payload import Fault, read_call
from services.kit.clock import SystemClock
from services.local.dialer import _as_item
from services.local.sample_data import (
    FILE,
    GARBAGE_OF_A_KIND,
    Expected,
    calls_of,
    clients,
    expected,
    messages,
)
from services.local.sample_leads import lead_command
from services.local.sample_people import NUMBERS, phone_of

LIMIT = 500


def rows() -> list[dict[str, str]]:
    with gzip.open(FILE, "rt", newline="") as lines:
        return list(csv.DictReader(lines))


def test_the_counts_are_those_of_the_published_file() -> None:
    assert expected() == Expected(45_211, 124_956, 63, 5_289, 312)
    some = rows()[:LIMIT]
    assert expected(LIMIT) == Expected(
        LIMIT,
        sum(int(one["campaign"]) for one in some),
        max(int(one["campaign"]) for one in some),
        sum(one["y"] == "yes" for one in some),
        12 * GARBAGE_OF_A_KIND,
    )


def test_dates_go_on_in_time_from_may_2008_to_november_2010() -> None:
    days = [client.last_day for client in clients()]
    months = [(day.year, day.month) for day in days]
    assert (months[0], months[-1]) == ((2008, 5), (2010, 11))
    assert months == sorted(months)


def test_numbers_are_unique_and_can_be_dialled_nowhere() -> None:
    numbers = [phone_of(person) for person in range(1, NUMBERS + 1)]
    assert len(set(numbers)) == NUMBERS > 45_211
    for number in numbers[::97]:
        assert parse_phone(number) == number
        assert number.startswith(("+44", "+61"))
    australian = [number for number in numbers if number.startswith("+61")]
    assert {number[4:8] for number in australian} == {"5550"}


def test_the_last_call_is_the_one_of_the_file() -> None:
    for client, row in zip(clients(LIMIT), rows(), strict=False):
        calls = calls_of(client)
        assert len(calls) == int(row["campaign"])
        assert calls[-1]["talk_seconds"] == int(row["duration"])
        assert (calls[-1]["disposition"] == "subscribed") == (row["y"] == "yes")
        assert all(one["disposition"] != "subscribed" for one in calls[:-1])
        assert calls[-1]["started_at"].day == int(row["day"])
        for earlier, later in pairwise(calls):
            assert earlier["ended_at"] < later["started_at"]


def test_messages_are_the_same_at_every_run() -> None:
    assert list(messages(LIMIT)) == list(messages(LIMIT))


def test_messages_hold_every_call_with_repeats_late_ones_and_garbage() -> None:
    now = SystemClock().now()
    wanted = expected(LIMIT)
    seen: Counter[str] = Counter()
    odd: set[bytes] = set()
    late = 0
    latest: dict[str, str] = {}
    for key, value in messages(LIMIT):
        call = read_call(value, now)
        if isinstance(call, Fault) or call.call_id.startswith("g-"):
            odd.add(value)
            continue
        seen[call.call_id] += 1
        lead = call.call_id[:8]
        late += seen[call.call_id] == 1 and call.call_id < latest.get(lead, "")
        latest[lead] = max(latest.get(lead, ""), call.call_id)
        assert key.decode() == (call.lead_id or call.number)
    assert len(seen) == wanted.call_attempts
    assert set(seen.values()) == {1, 2}
    assert seen.total() - len(seen) == round(0.02 * wanted.call_attempts)
    assert len(odd) == wanted.quarantined
    assert late > 0


@pytest.mark.parametrize("raw", [b"{half", b"\xff\xfe", b"\x00"])
def test_what_is_no_json_can_still_be_sent_in_an_array(raw: bytes) -> None:
    assert isinstance(orjson.loads(_as_item(raw)), str)


def test_every_column_but_the_calls_becomes_a_field() -> None:
    client = next(clients(1))
    fields = lead_command(client).fields
    assert fields.keys() - {"name"} == client.row.keys() - {"ID", "duration", "campaign", "y"}
    assert (fields["age"], fields["job"], fields["housing"]) == (58, "management", True)
