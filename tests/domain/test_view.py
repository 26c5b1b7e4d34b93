"""Views: saved, copied, changed, gone back to, shared and taken back; the one that opens first."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from schemas import favourite as favourite_events
from schemas import view as events
from schemas.default_views import DEFAULT_VIEWS
from schemas.filters import parse_filter
from services.command.domain.favourite.commands import ChooseFavourite, ClearFavourite
from services.command.domain.favourite.state import fold as fold_favourite
from services.command.domain.view.commands import (
    ChangeView,
    CopyView,
    CreateView,
    DeleteView,
    RenameView,
    RestoreView,
    RevertView,
)
from services.command.domain.view.sharing import ShareView, UnshareView
from services.command.domain.view.state import Contents, View, evolve, fold
from tests.domain.given_when_then import STREAM
from tests.domain.stories import Story, ask
from tests.domain.world import ADA, ANA, AUD, BEN, DIA, LEE, NORTH, OLD, SALES, SUE, an_id, facts

READY = {"op": "equals", "field": "status", "value": "ready"}
GONE = {"op": "equals", "field": "fields.no such field", "value": 1}
SORT = [{"field": "priority", "descending": True}]
CREATE = ask(
    CreateView, name="Ready", filter=READY, columns=["name", "fields.gone"], sort=SORT,
    layout={"mode": "table"},
)  # fmt: skip
NOTHING = Story(fold)
MADE = NOTHING.after(CREATE, facts(ANA))
SHARED = MADE.after(ask(ShareView, to=[f"team:{SALES}"]), facts(ANA)).after(
    ask(ShareView, to=[f"user:{SUE}"], may="edit"), facts(ANA)
)
CHANGES: Mapping[str, Any] = {
    "rename": ask(RenameView, name="Mine"),
    "change": ask(ChangeView, columns=["status"]),
    "revert": ask(RevertView, version=1),
    "share": ask(ShareView, to=[f"user:{BEN}"]),
    "unshare": ask(UnshareView, to=[f"user:{SUE}"]),
    "delete": ask(DeleteView),
}


def test_a_view_is_saved_whole_and_is_its_makers_alone() -> None:
    assert MADE.state.contents == Contents(
        "Ready", READY, ("name", "fields.gone"), tuple(SORT), {"mode": "table"}
    )
    assert (MADE.state.id, MADE.state.owner, MADE.state.shares) == (str(STREAM), ANA, {})
    assert MADE.refused(CREATE, facts(ANA)) == ["view-exists"]
    assert NOTHING.refused(CREATE, facts(DIA)) == ["role-not-allowed"]
    assert NOTHING.when(ask(CreateView, name="All"), facts(AUD)) == [events.ViewCreated("All", AUD)]


def test_fields_that_do_not_exist_are_no_fault_and_everything_else_is_said_at_once() -> None:
    assert NOTHING.when(ask(CreateView, name="X", filter=GONE), facts(ANA))
    large = {"op": "or", "of": [{"op": "and", "of": [GONE] * 99} for _ in range(3)]}
    asked = ask(CreateView, name="X", filter=large, columns=["name", "name"], sort=SORT * 2)
    assert NOTHING.refused(asked, facts(ANA)) == [
        "filter-too-large", "column-repeated", "sort-repeated",
    ]  # fmt: skip
    assert MADE.refused(ask(ChangeView, columns=["name"] * 2, sort=SORT * 2), facts(ANA)) == [
        "column-repeated", "sort-repeated",
    ]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_who_does_not_see_a_view_hears_there_is_none(change: str) -> None:
    for who in (BEN, LEE, ADA):
        assert MADE.refused(CHANGES[change], facts(who)) == ["unknown-view"]
    assert NOTHING.refused(CHANGES[change], facts(ANA)) == ["unknown-view"]
    assert MADE.refused(CHANGES[change], facts(DIA)) == ["role-not-allowed"]


def test_a_reader_reads_an_editor_edits_and_the_owner_decides() -> None:
    for who in (BEN, LEE):  # by the team above Ben's, and by Lee's own
        for change in CHANGES.values():
            assert SHARED.refused(change, facts(who)) == ["view-out-of-reach"]
    assert SHARED.refused(CHANGES["rename"], facts(ADA)) == ["unknown-view"]
    renamed = SHARED.after(CHANGES["rename"], facts(SUE))
    assert renamed.happened[-1] == events.ViewRenamed("Mine", previous="Ready")
    for change in ("share", "unshare", "delete"):
        assert SHARED.refused(CHANGES[change], facts(SUE)) == ["view-out-of-reach"]
    more = SHARED.after(ask(ShareView, to=[f"user:{BEN}"], may="edit"), facts(ANA))
    assert more.when(CHANGES["change"], facts(BEN))  # of two shares the better one counts


def test_what_is_left_out_of_a_change_stays_and_a_filter_can_go() -> None:
    changed = MADE.after(ask(ChangeView, columns=["status"]), facts(ANA))
    assert changed.state.contents == MADE.state.contents._replace(columns=("status",))
    bare = changed.after(ask(ChangeView, filter=None, sort=[], layout={}), facts(ANA))
    assert bare.state.contents == Contents("Ready", None, ("status",), (), {})
    assert bare.when(ask(ChangeView), facts(ANA)) == []


def test_any_version_can_be_gone_back_to() -> None:
    story = MADE.after(ask(RenameView, name="Later"), facts(ANA))
    story = story.after(ask(ChangeView, filter=None), facts(ANA))
    story = story.after(ask(ShareView, to=[f"user:{BEN}"]), facts(ANA))
    assert story.state.at(4) == story.state.contents
    back = story.when(ask(RevertView, version=1), facts(ANA))
    assert back[0] == events.ViewRenamed("Ready", previous="Later")
    assert isinstance(back[1], events.ViewChanged)
    assert (back[1].filter, back[1].back_to) == (READY, 1)
    reverted = story.after(ask(RevertView, version=1), facts(ANA)).state
    assert reverted.contents == MADE.state.contents
    assert reverted.shares == {f"user:{BEN}": "view"}
    assert story.when(ask(RevertView, version=4), facts(ANA)) == []
    assert story.refused(ask(RevertView, version=5), facts(ANA)) == ["unknown-version"]


def test_shared_with_who_is_there_once_and_taken_back() -> None:
    targets = [f"team:{an_id(99)}", f"user:{OLD}", f"user:{ANA}", f"team:{NORTH}"]
    assert MADE.refused(ask(ShareView, to=targets), facts(ANA)) == [
        "unknown-team", "unknown-user", "own-view",
    ]  # fmt: skip
    again = SHARED.when(ask(ShareView, to=[f"team:{SALES}", f"user:{SUE}"]), facts(ANA))
    assert again == [events.ViewShared(f"user:{SUE}", "view", previous="edit")]
    taken = SHARED.after(ask(UnshareView, to=[f"team:{SALES}", f"user:{BEN}"]), facts(ANA))
    assert taken.happened[-1] == events.ViewShareEnded(f"team:{SALES}", previous="view")
    assert taken.refused(CHANGES["rename"], facts(BEN)) == ["unknown-view"]


def test_a_deleted_view_is_gone_for_all_and_comes_back_as_it_was() -> None:
    gone = SHARED.after(ask(DeleteView), facts(ANA))
    assert gone.refused(CHANGES["rename"], facts(SUE)) == ["unknown-view"]
    assert gone.refused(CHANGES["rename"], facts(ANA)) == ["view-deleted"]
    assert gone.refused(ask(RestoreView), facts(SUE)) == ["unknown-view"]
    back = gone.after(ask(RestoreView), facts(ANA))
    assert replace(back.state, version=SHARED.state.version) == SHARED.state


def test_a_view_that_names_an_erased_number_is_gone_for_good() -> None:
    named = {"op": "in", "field": "phone", "values": ["+1 415 555 0100", "2026-03-04", "4711"]}
    story = MADE.after(ask(ChangeView, filter=named), facts(ANA))
    story = story.after(ask(ChangeView, filter=None), facts(ANA))
    assert story.state.numbers == {"+14155550100"}
    erased = replace(story, happened=(*story.happened, events.ViewErased("asked")))
    gone = erased.state
    assert (gone.deleted, gone.filter, gone.numbers) == (True, None, frozenset())
    for command in (*CHANGES.values(), ask(RestoreView), ask(DeleteView)):
        assert erased.refused(command, facts(ANA)) == ["view-erased"]
    assert erased.refused(CHANGES["rename"], facts(BEN)) == ["unknown-view"]


def test_a_copy_stands_alone() -> None:
    source = MADE.state
    copy = ask(CopyView, view=source.id, name="Copy")
    (made,) = NOTHING.when(copy, facts(ANA, view=source))
    assert isinstance(made, events.ViewCreated)
    assert (made.owner, made.filter, made.copied_from) == (ANA, READY, source.id)
    assert NOTHING.refused(copy, facts(BEN, view=source)) == ["unknown-view"]
    assert NOTHING.refused(copy, facts(BEN)) == ["unknown-view"]
    (shared,) = NOTHING.when(copy, facts(BEN, view=SHARED.state))
    assert isinstance(shared, events.ViewCreated)
    assert shared.owner == BEN
    assert NOTHING.refused(copy, facts(ANA, view=replace(source, deleted=True))) == ["unknown-view"]


@pytest.mark.parametrize("code", DEFAULT_VIEWS)
def test_a_default_view_is_copied_as_it_is_for_its_caller(code: str) -> None:
    copy = ask(CopyView, view=code, name="Copy", zone="Europe/Berlin")
    (made,) = NOTHING.when(copy, facts(ANA))
    assert isinstance(made, events.ViewCreated)
    assert made.copied_from == code
    if code != "all":
        parse_filter(made.filter)
    nowhere = copy.model_copy(update={"zone": "Mars/Base"})
    assert NOTHING.refused(nowhere, facts(ANA)) == ["unknown-zone"]


def test_one_view_opens_first() -> None:
    story = Story(fold_favourite).after(ask(ChooseFavourite, view="mine"), facts(ANA))
    own = ask(ChooseFavourite, view=MADE.state.id)
    story = story.after(own, facts(ANA, view=MADE.state))
    assert story.happened[-1] == favourite_events.FavouriteChosen(
        ANA, MADE.state.id, previous="mine"
    )
    assert story.refused(own, facts(BEN, view=MADE.state)) == ["unknown-view"]
    assert story.refused(ask(ChooseFavourite, view="nonsense"), facts(ANA)) == ["unknown-view"]
    assert story.refused(ask(ClearFavourite), facts(DIA)) == ["role-not-allowed"]
    assert story.after(ask(ClearFavourite), facts(ANA)).state.view is None


def test_what_newer_code_wrote_only_counts() -> None:
    assert evolve(View(version=1), favourite_events.FavouriteCleared("x")) == View(version=2)
