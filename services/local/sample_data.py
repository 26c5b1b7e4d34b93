"""The sample: 45,211 clients of a real phone campaign and every call made to them, as messages.

Real: the clients, how often each was called, date and length of the last call, who subscribed (see
data/README.md). Made up, from fixed seeds: names, numbers, the calls before the last, repeats, late
ones, garbage. Two runs give the same bytes, so a run that was killed may simply begin again.
"""

import csv
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from uuid import UUID, uuid5

import orjson

from schemas.instants import format_instant
from services.local.sample_people import name_of, phone_of

FILE = Path(__file__).with_name("data") / "bank-full.csv.gz"
SAMPLE = UUID("01920000-5a00-7000-8000-00000000da7a")
CAMPAIGN = uuid5(SAMPLE, "campaign")
CAMPAIGN_CODE = "bank-term-deposit"
POOL = uuid5(SAMPLE, "pool")
TEAMS = ("North", "South")
AGENTS_PER_TEAM = 4

REPEATED = 0.02
LATE = 0.01
GARBAGE_OF_A_KIND = 26
BY_NUMBER = 20
"""Every twentieth call names its lead by campaign and number instead of by id."""

_YEAR = 2008
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SEED = 20080505
_REDIAL = 0.15
_EARLIER = (
    ("NoResponse", None, 55),
    ("Busy", None, 15),
    ("VoiceMail", None, 12),
    ("DroppedCall", None, 4),
    ("DialingCancelled", None, 4),
    ("NormalDisconnect", "call_back_later", 10),
)
"""How calls before the last ended: end cause, disposition, of a hundred."""
_WEIGHTS = [weight for _, _, weight in _EARLIER]


@dataclass(frozen=True, slots=True)
class Client:
    """One client: their place in the file from 1, the file's row, and the day of the last call."""

    number: int
    row: dict[str, str]
    last_day: datetime

    @property
    def lead(self) -> UUID:
        """The id of the client's lead, the same in every installation."""
        return UUID(f"01920000-5a00-7000-8000-{self.number:012x}")

    @property
    def phone(self) -> str:
        """The client's number."""
        return phone_of(self.number)

    @property
    def name(self) -> str:
        """The client's name."""
        return name_of(self.number)

    @property
    def team(self) -> str:
        """The name of the team whose lead it is."""
        return TEAMS[self.number % len(TEAMS)]

    @property
    def subscribed(self) -> bool:
        """Whether the last call ended in success."""
        return self.row["y"] == "yes"

    @property
    def calls(self) -> int:
        """How often the client was called."""
        return int(self.row["campaign"])


class Message(NamedTuple):
    """What the dialer sends: the record's key and value."""

    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be there in the end."""

    leads: int
    call_attempts: int
    most_on_one_lead: int
    success: int
    quarantined: int


def clients(limit: int | None = None) -> Iterator[Client]:
    """Read the clients in the file's order, or the first `limit`.

    The file names day and month of the last call and goes on in time: the year follows.
    """
    year, month_before = _YEAR, 1
    with gzip.open(FILE, "rt", encoding="ascii", newline="") as lines:
        for number, row in enumerate(islice(csv.DictReader(lines), limit), start=1):
            month = _MONTHS.index(row["month"]) + 1
            if month < month_before:
                year += 1
            month_before = month
            yield Client(number, row, datetime(year, month, int(row["day"]), tzinfo=UTC))


def expected(limit: int | None = None) -> Expected:
    """Count what the read models must show once the first `limit` clients, or all, are in."""
    those = list(clients(limit))
    return Expected(
        leads=len(those),
        call_attempts=sum(one.calls for one in those),
        most_on_one_lead=max(one.calls for one in those),
        success=sum(one.subscribed for one in those),
        quarantined=len(_KINDS_OF_GARBAGE) * GARBAGE_OF_A_KIND,
    )


@lru_cache
def agents_of(team: str) -> tuple[str, ...]:
    """Return the ids of the sample's agents in a team."""
    return tuple(str(uuid5(SAMPLE, f"agent {team} {n}")) for n in range(AGENTS_PER_TEAM))


def calls_of(client: Client) -> list[dict[str, Any]]:
    """Return the client's calls as a dialer tells them, oldest first."""
    random = Random(_SEED + client.number)
    calls = [_last_call(client, random)]
    session = 0
    while len(calls) < client.calls:
        later = calls[-1]
        cause, disposition, _ = random.choices(_EARLIER, _WEIGHTS)[0]
        talked = random.randint(5, 60) if disposition else 0
        if random.random() < _REDIAL:  # tried again within minutes, in the same session
            ended = later["started_at"] - timedelta(seconds=random.randint(100, 300))
        else:
            session += 1
            day = later["started_at"] - timedelta(days=random.choice((1, 1, 1, 2, 3)))
            ended = day.replace(hour=9) + timedelta(seconds=random.randint(900, 32_000))
        length = timedelta(seconds=talked + random.randint(8, 35))
        calls.append(_call(client, random, session, ended - length, ended, cause))
        calls[-1] |= {"disposition": disposition, "talk_seconds": talked}
    calls.reverse()
    for place, call in enumerate(calls, start=1):
        call["call_id"] = f"s-{client.number:06d}-{place:02d}"
        if place % BY_NUMBER == client.number % BY_NUMBER:
            del call["lead_id"]
            call["campaign"] = CAMPAIGN_CODE
    return calls


def _last_call(client: Client, random: Random) -> dict[str, Any]:
    """Return the one call of which the file tells: its day, its length, its end."""
    talked = int(client.row["duration"])
    started = client.last_day + timedelta(hours=9, seconds=random.randint(900, 32_000))
    ended = started + timedelta(seconds=talked + random.randint(4, 30))
    cause = "NormalDisconnect" if talked or client.subscribed else "NoResponse"
    call = _call(client, random, 0, started, ended, cause)
    told = "subscribed" if client.subscribed else "declined"
    return call | {"disposition": told if talked else None, "talk_seconds": talked}


def _call(
    client: Client, random: Random, session: int, started: datetime, ended: datetime, cause: str
) -> dict[str, Any]:
    return {
        "call_id": "",
        "lead_id": str(client.lead),
        "number": client.phone,
        "agent": random.choice(agents_of(client.team)),
        "started_at": started,
        "ended_at": ended,
        "end_cause": cause,
        "contact_session_id": f"s-{client.number:06d}-{session:02d}",
    }


def messages(limit: int | None = None) -> Iterator[Message]:
    """Yield everything the dialer sends: in order of time, but for what is late or repeated."""
    calls = [
        (call["started_at"], call["call_id"], _message(call))
        for client in clients(limit)
        for call in calls_of(client)
    ]
    calls.sort()
    random = Random(_SEED)
    count = len(calls)
    late = set(random.sample(range(count), round(LATE * count)))
    order = [
        (place + random.randint(500, 20_000) if place in late else place, place)
        for place in range(count)
    ]
    order += [
        (place + random.randint(1, 5_000), place)
        for place in random.sample(range(count), round(REPEATED * count))
    ]
    garbage = _garbage([message for _, _, message in calls], random)
    order += [(random.randrange(count), count + one) for one in range(len(garbage))]
    order.sort()
    for _, place in order:
        yield calls[place][2] if place < count else garbage[place - count]


def _message(call: dict[str, Any]) -> Message:
    return Message((call.get("lead_id") or call["number"]).encode(), _told(call))


def _told(call: dict[str, Any]) -> bytes:
    times = {name: format_instant(call[name]) for name in ("started_at", "ended_at")}
    raw = orjson.dumps({name: one for name, one in {**call, **times}.items() if one is not None})
    # orjson leaves what it makes in a block of 4 kB; kept by the hundred thousand that matters.
    return bytes(memoryview(raw))


_Change = dict[str, Any]
_KINDS_OF_GARBAGE: dict[str, _Change | None] = {
    "half of a message": None,
    "not UTF-8": None,
    "a list": None,
    "unknown lead": {"lead_id": "00000000-0000-7000-8000-000000000000", "campaign": None},
    "unknown number": {"lead_id": None, "campaign": CAMPAIGN_CODE, "number": "+442079460999"},
    "unknown campaign": {"lead_id": None, "campaign": "no-such-campaign"},
    "unknown agent": {"agent": "no-such-agent"},
    "unknown end cause": {"end_cause": "Exploded"},
    "control character": {"disposition": "sub\0scribed"},
    "text for a number": {"talk_seconds": "12"},
    "no time zone": {"started_at": "2009-05-05T10:00:00"},
    "not yet": {"started_at": "2199-05-05T10:00:00Z"},
}
"""Each kind, and what it changes in a good call; None for what is no call at all."""


def _garbage(calls: Sequence[Message], random: Random) -> list[Message]:
    made: list[Message] = []
    for kind, change in _KINDS_OF_GARBAGE.items():
        for number in range(GARBAGE_OF_A_KIND):
            key, told = random.choice(calls)
            call = orjson.loads(told) | {"call_id": f"g-{len(made):04d}"}
            good = orjson.dumps(call)
            if change is not None:
                bad = {name: one for name, one in (call | change).items() if one is not None}
                raw = orjson.dumps(bad)
            elif kind == "half of a message":
                raw = good[: len(good) // 2]
            elif kind == "not UTF-8":
                raw = good.replace(b'"call_id"', b'"call\xff"')
            else:
                raw = orjson.dumps([number, "calls"])
            made.append(Message(key, raw))
    return made
