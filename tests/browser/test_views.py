"""Views among people: shared, changed by others, gone back to; and what a list looks like kept."""

import re

from playwright.async_api import Locator, Page, expect

from tests.browser.visiting import Visits, accessibility_faults

GAPPED = {
    "name": "With a gap",
    "columns": ["name", "fields.gone", "status"],
    "filter": {
        "op": "and",
        "of": [
            {"op": "equals", "field": "status", "value": "success"},
            {"op": "equals", "field": "fields.gone", "value": "x"},
        ],
    },
    "sort": [{"field": "fields.gone", "descending": True}],
}
"""A view of a field that no campaign has."""


async def _ask_of(page: Page, view: str, what: str) -> Locator:
    """Choose something in the menu of a view; returns the dialog it opens."""
    await page.get_by_role("button", name=f"What to do with {view}", exact=True).click()
    await page.get_by_role("menuitem", name=what, exact=True).click()
    return page.get_by_role("dialog")


async def _share(dialog: Locator, may: str, *names: str) -> None:
    await dialog.get_by_role("combobox", name="Teams and users").click()
    for name in names:
        await dialog.page.get_by_role("option", name=name, exact=True).click()
    await dialog.page.keyboard.press("Escape")
    await dialog.get_by_text(may, exact=True).click()
    await dialog.get_by_role("button", name="Share", exact=True).click()


async def _add_column(page: Page, label: str) -> None:
    await page.get_by_role("button", name="Columns", exact=True).click()
    await page.get_by_label("Find a column").fill(label)
    await page.get_by_role("checkbox", name=label).check()
    await page.keyboard.press("Escape")


def _head(page: Page, label: str) -> Locator:
    return page.get_by_role("columnheader", name=label, exact=True)


async def test_a_shared_view_is_changed_by_another_and_brought_back(visits: Visits) -> None:
    made = await visits.give("team_leader", "/v1/views", {"name": "Ours", "columns": ["name"]})
    leader = await visits.open("team_leader", f"/leads?view={made['id']}")
    dialog = await _ask_of(leader, "Ours", "Share")
    await _share(dialog, "May look at it", "North")
    shared = dialog.get_by_role("table", name="Shared with")
    await expect(shared.get_by_role("row", name="North (team)")).to_contain_text("may look at it")
    await _share(dialog, "May change it", "Nils North")
    await expect(shared.get_by_role("row", name="Nils North")).to_contain_text("may change it")
    assert await accessibility_faults(leader) == []

    agent = await visits.open("agent", f"/leads?view={made['id']}")
    await expect(agent.get_by_role("region", name="Shared with me")).to_contain_text("Ours")
    await _add_column(agent, "Priority")
    await agent.get_by_role("button", name="Save", exact=True).click()
    await expect(agent.get_by_text("“Ours” is saved.")).to_be_visible()

    await leader.reload()
    await expect(_head(leader, "Priority")).to_be_visible()
    versions = await _ask_of(leader, "Ours", "Versions")
    row = versions.get_by_role("row")
    await expect(row.nth(1)).to_contain_text("columns changed")
    await expect(row.nth(1)).to_contain_text("Nils North")
    await expect(row.nth(1).get_by_role("button")).to_have_count(0)
    await expect(row.nth(2)).to_contain_text("shared with Nils North, who may change it")
    assert await accessibility_faults(leader) == []
    await versions.get_by_role("button", name="Go back to 1", exact=True).click()
    await expect(row.nth(1)).to_contain_text("back to 1: columns")
    await versions.press("Escape")
    await expect(_head(leader, "Priority")).to_have_count(0)

    dialog = await _ask_of(leader, "Ours", "Share")
    await dialog.get_by_role("button", name="Take it back from Nils North").click()
    await dialog.get_by_role("button", name="Take it back from North").click()
    await expect(dialog.get_by_role("table", name="Shared with")).to_have_count(0)
    await agent.reload()
    await expect(agent.get_by_role("region", name="Views", exact=True)).to_be_visible()
    await expect(agent.get_by_role("region", name="Shared with me")).to_have_count(0)


async def test_what_a_view_cannot_use_is_told_and_survives_saving(visits: Visits) -> None:
    visits.provoke("status of 412")
    made = await visits.give("team_leader", "/v1/views", GAPPED)
    path = f"/v1/views/{made['id']}"
    page = await visits.open("team_leader", f"/leads?view={made['id']}")
    told = page.get_by_role("button", name="3 parts are not used")
    await told.press("Enter")
    unused = page.get_by_role("dialog")
    await expect(unused).to_contain_text("Filter: there is no field fields.gone")
    await page.keyboard.press("Escape")
    await expect(_head(page, "gone, which is not there any more")).to_be_visible()

    await _add_column(page, "Priority")
    # Somebody else is faster: one is told who, and one's own columns are not lost.
    await visits.give("team_leader", f"{path}/change", {"columns": ["name", "phone"]})
    await page.get_by_role("button", name="Save", exact=True).click()
    conflict = page.get_by_role("dialog", name="“With a gap” is not saved")
    await expect(conflict).to_contain_text("Lena Leader changed it")
    assert await accessibility_faults(page) == []
    await conflict.get_by_role("button", name="Save mine all the same").click()
    await expect(page.get_by_text("“With a gap” is saved.")).to_be_visible()
    view = (await visits.read("team_leader", path))["view"]
    assert view["columns"] == [*GAPPED["columns"], "priority"]
    assert (view["filter"], view["sort"]) == (GAPPED["filter"], GAPPED["sort"])


async def test_columns_are_dragged_and_widened_and_stay_so(visits: Visits) -> None:
    columns = ["name", "phone", "status", "owner"]
    made = await visits.give("team_leader", "/v1/views", {"name": "Drawn", "columns": columns})
    page = await visits.open("team_leader", f"/leads?view={made['id']}")
    owner, phone = _head(page, "Owner"), _head(page, "Phone")
    await owner.drag_to(phone, target_position={"x": 10, "y": 10})
    await expect(page.get_by_role("columnheader").nth(2)).to_have_text("Owner")
    before = await owner.bounding_box()
    assert before is not None
    edge, middle = before["x"] + before["width"] - 2, before["y"] + before["height"] / 2
    await page.mouse.move(edge, middle)
    await page.mouse.down()
    await page.mouse.move(edge + 60, middle, steps=4)
    await page.mouse.up()
    wide = round(before["width"]) + 60
    await expect(page).to_have_url(re.compile(f"widths=.*owner.*{wide}"))
    await owner.press("Alt+Shift+ArrowLeft")
    narrower = wide - 16
    await expect(page).to_have_url(re.compile(f"widths=.*owner.*{narrower}"))
    await page.reload()
    after = await owner.bounding_box()
    assert after is not None
    assert round(after["width"]) == narrower

    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("“Drawn” is saved.")).to_be_visible()
    await expect(page).not_to_have_url(re.compile("widths"))
    view = (await visits.read("team_leader", f"/v1/views/{made['id']}"))["view"]
    assert view["columns"] == ["name", "owner", "phone", "status"]
    assert view["layout"]["width:owner"] == narrower
