"""The page in a real Chromium: what a person does with it, and that nothing leaves the host."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import uvicorn
from api_fixture import TinyService

from api.app import create_app

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

REQUIRED = os.environ.get("COTERIE_REQUIRE_BROWSER") == "1"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def _without(what: str) -> None:
    message = f"{what} is missing: apt-get install chromium, pip install playwright"
    if REQUIRED:
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        _without("Chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _without("playwright")
    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root, as which containers run tests.
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    service = TinyService()
    config = uvicorn.Config(create_app(lambda: service), port=port, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page whose every request must go to the service, and whose scripts must not fail."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=address)
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    asked: list[str] = []
    failures: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: failures.append(str(error)))
    opened.on(
        "console",
        lambda m: failures.append(m.text) if "Content Security Policy" in m.text else None,
    )
    yield opened
    context.close()
    assert asked
    assert [a for a in asked if not a.startswith((address, "data:", "blob:" + address))] == []
    assert failures == []


def test_pick_a_customer_and_see_what_to_recommend_and_why(page: Page) -> None:
    page.goto("/#/customers")
    page.get_by_label("Search customers by id").fill("zo")
    page.get_by_role("link", name="Zoë Müller").click()
    page.get_by_role("heading", name="Customer Zoë Müller").wait_for()
    first = page.locator("#recommendations .items li").first
    first.wait_for()
    assert "Bread" in first.inner_text()
    assert "Bought 1 times, last 6 days ago." in first.inner_text()
    assert page.locator("#segment").inner_text() == "Bakery & dairy"
    page.get_by_label("Language of the reasons").select_option("zh")
    page.locator("#recommendations [lang=zh]", has_text="买过1次，最近一次在6天前").first.wait_for()
    page.get_by_label("Language of the reasons").select_option("en")
    page.get_by_role("radio", name="Discover").check()
    page.locator("#recommendations .items li", has_text="Strawberry jam").wait_for()
    assert "mode=discover" in page.url
    page.get_by_label("Only this category").select_option("drinks")
    page.locator("#recommendations .items li").first.get_by_text("Green tea").wait_for()
    page.reload()
    page.locator("#recommendations .items li").first.get_by_text("Green tea").wait_for()


def test_open_a_segment_and_download_its_members(page: Page) -> None:
    page.goto("/#/segments")
    page.get_by_role("table").get_by_role("link", name="Bakery & dairy").click()
    page.get_by_role("heading", name="Bakery & dairy").wait_for()
    page.get_by_role("link", name="ann").wait_for()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="CSV").click()
    assert "Zoë Müller" in waiting.value.path().read_text(encoding="utf-8")


def test_ids_with_slashes_are_linkable(page: Page) -> None:
    page.goto("/#/customer/anonymous%2F123")
    page.get_by_role("heading", name="Customer anonymous/123").wait_for()
    page.get_by_role("link", name="Green tea").first.click()
    page.get_by_role("heading", name="Green tea").wait_for()
    page.get_by_role("row", name="Süßer Kaffee").first.wait_for()
    assert page.url.endswith("#/product/tea%2Fgreen%2050%20g")


def test_a_stranger_and_a_mistake_are_explained(page: Page) -> None:
    page.goto("/#/customer/stranger")
    page.get_by_text("Nobody has this id yet").wait_for()
    page.get_by_text("no customer has the id 'stranger'").first.wait_for()
    page.goto("/#/cypher")
    page.get_by_role("button", name="Run").click()
    page.get_by_role("cell", name="Bakery & dairy").wait_for()
    page.locator("#query").fill("MATCH (n) DELETE n")
    page.keyboard.press("Control+Enter")
    page.get_by_role("alert").get_by_text("remove the clause DELETE").wait_for()


def test_nothing_overflows_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    views = ("", "customers", "customer/ann", "segments", "segment/breakfast", "products")
    for view in (*views, "product/bread", "cypher"):
        page.goto("about:blank")
        page.goto(f"/#/{view}")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") == 360, view


def test_the_docs_page_renders(page: Page) -> None:
    page.goto("/docs")
    page.get_by_text("/v1/basket/recommendations").wait_for()
    assert page.get_by_text("Unable to render this definition").count() == 0
