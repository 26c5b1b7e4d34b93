"""Do-not-call entries: added, replaced, lifted; they block by scope and time, not by number."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.dnc import DncAdded, DncRemoved
from schemas.event import Event
from services.command.domain.campaign.state import Campaign
from services.command.domain.dnc.commands import AddToDoNotCall, RemoveFromDoNotCall
from services.command.domain.dnc.state import DncEntry, DncNumber, evolve, fold
from tests.domain.stories import NOW, Story, ask, facts, person

HERE, THERE = (f"01950000-0000-7000-8000-0000000003{n:02}" for n in range(2))
KNOWN = facts(campaign=Campaign(id=HERE, version=1))
NUMBER = "+14155550100"
NOTHING = Story(fold)
GLOBAL = ask(AddToDoNotCall, number=NUMBER, scope="global", reason="asked")
LOCAL = ask(AddToDoNotCall, number=NUMBER, scope="campaign", campaign_id=HERE)
LIFT = ask(RemoveFromDoNotCall, number=NUMBER, scope="global", reason="asked to be called")


def entries_of(story: Story) -> tuple[DncEntry, ...]:
    """What is known of the number."""
    state = story.state
    assert isinstance(state, DncNumber)
    return state.entries


def test_global_blocks_everywhere_and_local_in_its_campaign() -> None:
    (everywhere,) = entries_of(NOTHING.after(GLOBAL, KNOWN))
    assert everywhere.blocks(HERE, NOW)
    assert everywhere.blocks(THERE, NOW)
    (local,) = entries_of(NOTHING.after(LOCAL, KNOWN))
    assert local.blocks(HERE, NOW)
    assert not local.blocks(THERE, NOW)
    assert len(entries_of(NOTHING.after(LOCAL, KNOWN).after(GLOBAL, KNOWN))) == 2


def test_an_entry_ends_at_its_expiry() -> None:
    body = {"number": NUMBER, "scope": "global", "expires_at": "2026-03-02T09:00:01Z"}
    (entry,) = entries_of(NOTHING.after(ask(AddToDoNotCall, **body)))
    assert entry.blocks(HERE, NOW)
    assert not entry.blocks(HERE, NOW + timedelta(seconds=1))
    later = facts(now=NOW + timedelta(seconds=1))
    story = NOTHING.after(ask(AddToDoNotCall, **body))
    assert story.when(LIFT, later) == []
    assert len(entries_of(story.after(GLOBAL, later))) == 1


def test_said_again_it_takes_the_place() -> None:
    story = NOTHING.after(GLOBAL)
    (event,) = story.when(ask(AddToDoNotCall, number=NUMBER, scope="global", reason="lawyer"))
    assert isinstance(event, DncAdded)
    assert event.before == {"reason": "asked", "expires_at": None}
    assert [one.reason for one in evolve(story.state, event).entries] == ["lawyer"]


def test_lifted_with_a_reason_by_an_admin() -> None:
    both = NOTHING.after(GLOBAL).after(LOCAL, KNOWN)
    assert [one.scope for one in entries_of(both.after(LIFT))] == ["campaign"]
    assert NOTHING.when(LIFT) == []
    for role in ("agent", "team_leader", "auditor", "dialer"):
        assert both.refused(LIFT, facts(person(role, ["lead_admin"]))) == ["role-not-allowed"]
    for role in ("agent", "team_leader", "dialer"):
        assert NOTHING.when(GLOBAL, facts(person(role)))
    assert NOTHING.refused(GLOBAL, facts(person("auditor"))) == ["role-not-allowed"]
    with pytest.raises(ValueError, match="must not be empty"):
        ask(RemoveFromDoNotCall, number=NUMBER, scope="global", reason=" ")


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({"scope": "campaign"}, ["campaign-missing"]),
        ({"scope": "global", "campaign_id": HERE}, ["campaign-not-allowed"]),
        ({"scope": "campaign", "campaign_id": THERE}, ["unknown-campaign"]),
        (
            {"scope": "campaign", "number": "555", "expires_at": "2026-03-02T09:00:00Z"},
            ["campaign-missing", "phone-not-e164", "time-is-past"],
        ),
    ],
)
def test_refusals(body: dict[str, Any], codes: list[str]) -> None:
    asked = ask(AddToDoNotCall, **{"number": NUMBER, **body})
    assert NOTHING.refused(asked, KNOWN) == codes


def test_lift_refusals() -> None:
    body = {"number": "555", "scope": "campaign", "reason": "x"}
    refused = NOTHING.refused(ask(RemoveFromDoNotCall, **body))
    assert refused == ["campaign-missing", "phone-not-e164"]


def test_it_blocks_when_the_number_is_erased() -> None:
    assert DncAdded.PERSONAL == DncRemoved.PERSONAL == {"number"}
    erased = fold([DncAdded("global", reason="asked", number=None)])
    assert erased.entries[0].blocks(HERE, NOW)


def test_unknown_events_only_count() -> None:
    class Later(Event):
        TOPIC = "dnc.later"

    assert evolve(DncNumber(), Later()) == DncNumber(version=1)
