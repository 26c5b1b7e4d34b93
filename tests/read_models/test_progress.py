"""How far everything is visible, as told from the relay's cursor and the workers' offsets."""

from itertools import accumulate

import orjson
from hypothesis import given
from hypothesis import strategies as st

from services.command.relay import Cursor
from services.kit.publisher import Place
from services.projections.progress import visible_in

FEW_PARTITIONS = 3
Told = dict[str, dict[str, int]]


def published(partitions: list[int], sizes: list[int]) -> tuple[Told, int]:
    """What the cursor tells once events at 1, 2, 3… of these partitions were published, so many at
    a time; and its position.
    """
    cursor, told, at = Cursor(0, {}, 1), Told(), 0
    for upto in accumulate(sizes):
        events = [
            (position, partition)
            for position, partition in enumerate(partitions, 1)
            if at < position <= upto
        ]
        firsts = {partition: position for position, partition in reversed(events)}
        places = {partition: Place(position, position) for position, partition in events}
        at += len(events)
        told |= cursor.move(at, places, firsts)
    return told, cursor.position


def seen(told: Told, relayed: int, applied: list[int]) -> int:
    text = orjson.dumps(told)
    return visible_in(
        {"published": text, "relayed": relayed, "applied": applied, "from_log": False}
    )


@given(
    partitions=st.lists(st.integers(0, FEW_PARTITIONS - 1), min_size=1, max_size=30),
    sizes=st.lists(st.integers(1, 6), max_size=8),
    behind=st.tuples(*[st.integers(0, 4)] * FEW_PARTITIONS),
)
def test_nothing_is_called_visible_before_it_is_applied(
    partitions: list[int], sizes: list[int], behind: tuple[int, ...]
) -> None:
    told, relayed = published(partitions, sizes)
    lowest = relayed + 1  # the first published event that is not applied
    applied = []
    for partition in range(FEW_PARTITIONS):
        mine = [p for p, other in enumerate(partitions, 1) if other == partition and p <= relayed]
        done = mine[: max(len(mine) - behind[partition], 0)]
        applied.append(done[-1] if done else 0)
        lowest = min([lowest, *mine[len(done) :]])
    assert seen(told, relayed, applied) < lowest


def test_a_partition_that_waits_for_its_next_event_alone_holds_nobody_up() -> None:
    """Of three partitions one is behind: by the event at 9, published last; before it was 2."""
    partitions = [0, 1, 2, 0, 2, 0, 2, 0, 1]
    told, relayed = published(partitions, [3, 3, 3])
    assert seen(told, relayed, [8, 2, 7]) == 8
    assert seen(told, relayed, [8, 9, 7]) == 9


def test_two_publications_behind_it_counts_up_to_what_is_applied() -> None:
    told, relayed = published([0, 1, 1, 0, 1], [2, 2, 1])
    assert seen(told, relayed, [4, 2]) == 2
    assert seen(told, relayed, [4, 3]) == 4


def test_what_an_older_relay_told_is_understood() -> None:
    told = {"0": {"position": 7, "offset": 3}}
    assert seen(told, 9, [5]) == 5
    assert seen(told, 9, [7]) == 9
