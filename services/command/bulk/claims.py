"""Duplicate keys in a job (rule 15): who holds what a lead wants, in the log or in the plan.

The execution learns of a taken key from the log, one lead after the other. The dry run appends
nothing, so it keeps book of the keys its earlier decisions would have taken and freed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.command.bulk.deciding import Decided, Judge, Target, duplicate_reason


@dataclass(slots=True)
class PlannedClaims:
    """Keys that a plan takes, with the lead whose change takes each, and keys that it frees."""

    taken: dict[bytes, Target] = field(default_factory=dict)
    freed: set[bytes] = field(default_factory=set)

    def note(self, judge: Judge, one: Decided) -> None:
        """Add what a decision takes and frees."""
        made = judge.plan(one)
        for key, _ in made.freed:
            self.taken.pop(key, None)
            self.freed.add(key)
        for key, _ in made.taken:
            self.taken[key] = one.target


async def with_duplicates(
    judge: Judge, decided: Sequence[Decided], planned: PlannedClaims | None = None
) -> list[Decided]:
    """Decide again about leads that want a key somebody holds, knowing who does."""
    if not judge.takes_claims:
        return list(decided)
    holders = await _holders(judge, decided)
    knowing = await _knowing_holders(judge, decided, holders)
    settled = []
    for first in decided:
        one = first
        if one.outcome == "applied":
            one = await _knowing(judge, first, holders, knowing, planned)
        if planned is not None and one.outcome == "applied":
            planned.note(judge, one)
        settled.append(one)
    return settled


async def _holders(judge: Judge, decided: Sequence[Decided]) -> Mapping[bytes, UUID]:
    wanted = {key for one in decided if one.outcome == "applied" for key in wanted_keys(judge, one)}
    return await judge.log.holders(wanted) if wanted else {}


async def _knowing_holders(
    judge: Judge, decided: Sequence[Decided], holders: Mapping[bytes, UUID]
) -> Mapping[UUID, Decided]:
    """Decide again, all at once, about the leads that want a key another one has in the log."""
    held: dict[UUID, UUID] = {}
    ones = []
    for one in decided:
        others = [
            holders[key]
            for key in (wanted_keys(judge, one) if one.outcome == "applied" else ())
            if holders.get(key, one.target.lead) != one.target.lead
        ]
        if others:
            held[one.target.lead] = others[0]
            ones.append(one)
    return await judge.decide_knowing(ones, held) if ones else {}


def wanted_keys(judge: Judge, one: Decided) -> list[bytes]:
    """Return the keys a change takes that it does not itself take from somebody."""
    made = judge.plan(one)
    if not made.freed:
        return [key for key, _ in made.taken]
    freed = {key for key, _ in made.freed}
    return [key for key, _ in made.taken if key not in freed]


async def _knowing(
    judge: Judge,
    one: Decided,
    holders: Mapping[bytes, UUID],
    knowing: Mapping[UUID, Decided],
    planned: PlannedClaims | None,
) -> Decided:
    for key in wanted_keys(judge, one):
        earlier = None if planned is None else planned.taken.get(key)
        if earlier is not None and earlier.lead != one.target.lead:
            second = await judge.decide_beside(one, earlier, key)
        elif key in holders and (planned is None or key not in planned.freed):
            if holders[key] == one.target.lead:
                continue
            second = knowing[one.target.lead]
        else:
            continue
        if second.outcome == "applied" and key in wanted_keys(judge, second):
            holder = holders[key] if earlier is None else earlier.lead
            refused = Decided(one.target, "refused", one.before, events=second.events)
            refused.reasons = [duplicate_reason(holder)]
            return refused
        return second
    return one
