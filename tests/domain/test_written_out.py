"""States of many fields are copied and compared whole, whatever fields they come to have."""

from dataclasses import dataclass, fields

from schemas.lead import LeadOwnerChanged
from services.command.domain.changes import BOOKKEEPING, changed_parts, changes
from services.command.domain.lead.evolving import evolve
from services.command.domain.lead.state import Lead
from services.command.domain.written_out import comparer, copier

NAMES = [one.name for one in fields(Lead)]


@dataclass(slots=True)
class Small:
    a: object = None
    b: object = None


def test_a_copy_has_the_very_same_values_in_every_field() -> None:
    lead = Lead(*(object() for _ in NAMES))  # type: ignore[arg-type]  # any value will do
    twin = copier(Lead)(lead)
    assert twin is not lead
    assert all(getattr(twin, name) is getattr(lead, name) for name in NAMES)


def test_what_is_another_object_is_found_and_only_among_the_names() -> None:
    old, new = Small(a=[1], b=[2]), Small(a=[1], b=[3])
    assert comparer(Small, ["a", "b"])(old, new) == [("a", [1], [1]), ("b", [2], [3])]
    assert comparer(Small, ["a"])(old, old) == []


def test_each_field_that_differs_is_a_change_but_for_bookkeeping() -> None:
    old, new = Lead(*NAMES), Lead(*NAMES)  # type: ignore[arg-type]  # any value will do
    assert changes(old, new) == {}
    for name in NAMES:
        setattr(new, name, "another")
    assert changed_parts(old, new) == set(NAMES) - BOOKKEEPING


def test_entries_of_maps_differ_one_by_one() -> None:
    old, new = Lead(fields={"age": 1, "town": "Ulm"}), Lead(fields={"age": 2, "town": "Ulm"})
    assert changes(old, new) == {"fields.age": (1, 2)}


def test_a_lead_that_goes_on_leaves_the_one_before_alone() -> None:
    before = Lead(owner="team:a", calls={"one": ("", None)})
    after = evolve(before, LeadOwnerChanged(owner="team:b", previous="team:a"))
    assert (before.owner, before.version, after.owner) == ("team:a", 0, "team:b")
    assert after.calls == before.calls
    assert after.calls is not before.calls
    assert Lead().calls is not before.calls
