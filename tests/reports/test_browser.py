"""The page in headless Chromium: quiet, self-contained, accessible, and not wider than the window.

Skipped by name where Chromium or a package that drives it is missing.
"""

import shutil

import numpy as np
import pytest

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium", path="/usr/bin")
    if path is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(params=["report", "ferplus_report", "audit_page"])
def page_file(request):
    """Each of the pages in turn."""
    return request.getfixturevalue(request.param)


def test_the_page_is_quiet_self_contained_and_accessible(browser, page_file):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        messages, requests = [], []
        page.on("console", lambda message, kept=messages: kept.append(message.text))
        page.on("pageerror", lambda error, kept=messages: kept.append(str(error)))
        page.on("request", lambda request, kept=requests: kept.append(request.url))
        page.goto(page_file.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        found = axe.Axe().run(page).response["violations"]
        serious = [v["id"] for v in found if v["impact"] in ("serious", "critical")]
        assert serious == [], scheme
        assert messages == []
        assert [url for url in requests if not url.startswith("data:")] == [page_file.as_uri()]
        page.close()


def test_no_width_makes_the_page_scroll_sideways(browser, page_file):
    page = browser.new_page()
    page.goto(page_file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    for width in (400, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_ink_and_paper_change_places_in_the_dark(browser, page_file):
    def brightness(page, script):
        colour = page.evaluate(script)
        return sum(float(v) for v in colour[colour.index("(") + 1 : -1].split(",")[:3])

    for scheme, dark in (("light", False), ("dark", True)):
        page = browser.new_page(color_scheme=scheme)
        page.goto(page_file.as_uri())
        paper = brightness(page, "getComputedStyle(document.body).backgroundColor")
        text = brightness(page, "getComputedStyle(document.querySelector('svg text')).fill")
        assert (text > paper) == dark
        page.close()


def test_the_keyboard_opens_what_is_folded(browser, page_file):
    page = browser.new_page()
    page.goto(page_file.as_uri())
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.querySelector('details').open")
    page.close()


def rows_of(page):
    """Ids of the rows that are in the document."""
    return page.evaluate(
        "[...document.querySelectorAll('#item-rows th button[value]')]"
        ".map(button => button.textContent)"
    )


def test_the_table_of_an_audit_sorts_searches_and_shows_an_item(browser, audit_page, audited):
    items = audited[1]
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(audit_page.as_uri())
    assert page.locator("#item-count").text_content() == "240 of 240 items"
    assert 5 < len(rows_of(page)) < 60
    head = page.locator("#item-rows thead th", has_text="How sure")
    for direction, sign in (("descending", -1), ("ascending", 1)):
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == direction
        first = items["confidence"][np.argsort(sign * items["confidence"], kind="stable")[0]]
        shown = items["confidence"][items["id"].tolist().index(rows_of(page)[0])]
        assert shown == pytest.approx(first, rel=1e-3)
    page.locator("#item-search").fill("folder/7.png")
    assert rows_of(page) == ["folder/7.png"]
    page.locator("#item-search").fill("NOTHING of the kind")
    assert rows_of(page) == []
    assert page.locator("#item-count").text_content() == "0 of 240 items"
    link = page.locator("a[data-route='accept']")
    link.click()
    accepted = int((items["route"] == "accept").sum())
    assert page.locator("#item-count").text_content() == f"{accepted} of 240 items"
    assert page.locator("#item-search").input_value() == ""
    page.close()


def test_the_keyboard_goes_through_the_items(browser, audit_page, audited):
    items = audited[1]
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(audit_page.as_uri())
    names = rows_of(page)
    page.locator("#item-rows th button[tabindex='0'][value]").focus()
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("ArrowDown")
    focused = page.evaluate("document.activeElement.textContent")
    assert focused not in names
    place = items["id"].tolist().index(focused)
    reason = page.locator("#item-reason").text_content()
    assert focused in reason
    assert str(items["reason"][place]) in reason
    counts = page.locator("#item-figures tbody td:nth-child(2)").all_text_contents()
    assert sum(map(int, counts)) == items["votes"][place].sum()
    page.close()


def test_no_name_of_a_class_comes_alive(browser, audit_page):
    page = browser.new_page()
    page.goto(audit_page.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.locator("#item-rows th button[value]").first.click()
    assert page.locator("main b:not(.bar b), main i:not(.bar i)").count() == 0
    assert "<b>dog</b>" in page.locator("main").inner_text()
    page.close()
