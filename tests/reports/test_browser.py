"""The page in headless Chromium: quiet, self-contained, accessible, and not wider than the window.

Skipped by name where Chromium or a package that drives it is missing.
"""

import shutil

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


@pytest.fixture(params=["report", "ferplus_report"])
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
