"""Who comes without a key, with a wrong one, by a link; and who one is told to be."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.visiting import Visits, accessibility_faults
from tests.loaded import Loaded


async def test_a_wrong_key_is_refused_with_a_sentence(visits: Visits) -> None:
    page = await visits.open()
    key = page.get_by_label("API key")
    await expect(key).to_be_focused()
    await expect(page.get_by_role("button", name="Sign in")).to_be_disabled()
    assert await accessibility_faults(page) == []

    visits.provoke("status of 401")
    await key.fill("lk_wrong")
    await key.press("Enter")
    await expect(page.get_by_text("This key opens nothing")).to_be_visible()
    assert await accessibility_faults(page) == []


async def test_a_key_signs_in_and_out_again(visits: Visits, loaded: Loaded) -> None:
    page = await visits.open()
    await page.get_by_label("API key").fill(loaded.key("agent"))
    await page.get_by_role("button", name="Sign in").click()
    account = page.get_by_role("button", name="Account")
    await expect(account).to_contain_text("Nils North")
    await account.click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await expect(page.get_by_label("API key")).to_have_value("")
    assert await page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize(
    ("user", "name", "place"),
    [
        ("admin", "Ada Admin", "Admin, Head office"),
        ("auditor", "Otto Auditor", "Auditor, Head office"),
        ("team_leader", "Lena Leader", "Team leader, North"),
        ("dialer", "Dialer", "Dialer, Head office"),
    ],
)
async def test_a_link_signs_in_and_the_shell_says_who_one_is(
    visits: Visits, loaded: Loaded, user: str, name: str, place: str
) -> None:
    page = await visits.open(user)
    account = page.get_by_role("button", name="Account")
    await expect(account).to_contain_text(name)
    await expect(account).to_contain_text(place)
    # The key is in this tab, and in no address that could be copied or found in the history.
    assert loaded.key(user) not in await page.evaluate("location.href")
    assert await page.evaluate("history.length") <= 2
    assert await page.evaluate("Object.values(sessionStorage)") == [loaded.key(user)]
    assert await page.evaluate("[localStorage.length, document.cookie]") == [0, ""]


async def test_the_shell_can_be_used_by_everybody(page: Page) -> None:
    await expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    assert await accessibility_faults(page) == []


async def test_a_page_runs_no_script_and_asks_no_origin_but_its_own(
    visits: Visits, page: Page
) -> None:
    visits.provoke("Content Security Policy")
    await page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
        }"""
    )
    assert not await page.evaluate("window.ran === true")
    asked = "fetch('http://127.0.0.2:9/').then(() => 'answered', () => 'refused')"
    assert await page.evaluate(asked) == "refused"
