"""The dashboard in a real Chromium over a real build: what marketers, analysts and admins do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import test_api_browser
from test_api_widget import hindrances, listening

from api.access.audit import Audit, audit_file
from api.access.check import Access
from api.access.keys import KeyFile, key_file
from api.app import create_app
from api.builds import HomeBuilds
from api.live import Live
from api.merchandising import House
from api.provider import SnapshotProvider
from api.trials import Trials
from events.config import EventsConfig
from pipeline.audiences import Desk
from pipeline.config import load_config
from pipeline.experiments import ExperimentDesk
from pipeline.home import Home
from pipeline.merchandising import MerchandisingDesk

playwright = pytest.importorskip("playwright.sync_api")

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.browser
browser = test_api_browser.browser
VIEWS = (
    *("", "segments", "segment/segment-1", "audiences", "audience?idea=lapsed", "customers"),
    *("customer/user-0", "products", "product/product-0", "cypher", "quality", "snapshots"),
    *("experiments", "experiment-new", "stage/mature"),
    *("merchandising", "rule"),
)


@pytest.fixture(scope="module")
def shop(built: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home with two builds of one shop, the later one published."""
    home = Home(tmp_path_factory.mktemp("dashboard") / "home")
    shutil.copytree(built.path, home.path)
    first = home.current()
    again = home.snapshots / f"{first[:-4]}ffff"
    shutil.copytree(home.snapshot(first), again)
    manifest = (again / "manifest.json").read_text("utf-8")
    (again / "manifest.json").write_text(manifest.replace(first, again.name), "utf-8")
    home.publish(again.name)
    yield home


@pytest.fixture(scope="module")
def address(shop: Home) -> Iterator[str]:
    house = House(MerchandisingDesk(shop))
    provider = SnapshotProvider(shop, "The corner shop", every=0.1, rules=house)
    live = Live(shop.path, shop.store, EventsConfig())
    keys = KeyFile(key_file(shop.path))
    access = Access(keys, Audit(audit_file(shop.path)), local=True)
    config = load_config(shop.path / "coterie.toml")
    desk, tried = Desk(shop, config.audiences), ExperimentDesk(shop, config.experiments)
    trials = Trials(tried, provider.held, provider.hold)
    provider.start()
    trials.start()
    app = create_app(provider, None, live, access, HomeBuilds(shop), desk, None, trials, house)
    with listening(lambda _: app) as at:
        yield at
    trials.stop()
    provider.stop()


@pytest.fixture
def context(browser: Browser, address: str) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=address)
    opened.set_default_timeout(15_000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    """A page whose every request goes to the service, and in which nothing fails."""
    opened = context.new_page()
    asked: list[str] = []
    failures: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: failures.append(str(error)))
    opened.on(
        "console",
        lambda m: failures.append(m.text) if "Content Security Policy" in m.text else None,
    )
    yield opened
    assert [a for a in asked if not a.startswith((address, "data:", f"blob:{address}"))] == []
    assert failures == []


def settled(page: Page) -> None:
    """Wait until nothing loads any more."""
    # Not `wait_for_function`, which the page's policy on scripts bars.
    playwright.expect(page.locator("main .skeleton, main [aria-busy=true]")).to_have_count(0)


def test_a_marketer_builds_and_exports_an_audience(page: Page, shop: Home) -> None:
    page.goto("/#/audiences")
    page.get_by_role("link", name="New audience").click()
    add = page.get_by_role("combobox", name="Add a condition…")
    add.select_option("value")
    page.get_by_label("At least").fill("1")
    size = page.locator(".sizefigure")
    size.wait_for()
    everybody = int(size.inner_text())
    assert everybody == 200
    spend = pl.read_parquet(shop.snapshot() / "user_stats.parquet")["spend"]
    page.get_by_label("At least").fill(str(spend.median()))
    playwright.expect(size).not_to_have_text(str(everybody))
    some = size.inner_text()
    add.last.select_option("segment")
    page.get_by_text("Choose…").click()
    page.locator(".choices input").first.check()
    playwright.expect(size).not_to_have_text(some)
    page.keyboard.press("Escape")
    found = size.inner_text()
    page.get_by_label("What people call it").fill("Good ones")
    page.get_by_role("button", name="Save audience").click()
    page.get_by_role("heading", name="Audience good-ones").wait_for()
    page.get_by_text("Columns").first.wait_for()
    page.locator(".picker summary", has_text="user id").click()
    page.get_by_role("checkbox", name="spend", exact=True).check()
    page.keyboard.press("Escape")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    lines = waiting.value.path().read_text("utf-8").splitlines()
    assert lines[0] == "user_id,spend" and len(lines) == int(found) + 1
    page.get_by_label("Customer id").fill(lines[1].partition(",")[0])
    page.get_by_role("button", name="Explain").click()
    page.locator(".badge", has_text="in it").wait_for()
    page.goto("/#/audiences")
    page.get_by_role("row", name="Good ones").get_by_text(found, exact=True).wait_for()


def test_an_analyst_asks_and_sees_a_graph(page: Page) -> None:
    page.goto("/#/cypher")
    page.get_by_role("button", name="Segments and their firmest members (graph)").click()
    page.get_by_role("button", name="Run").click()
    page.locator(".forcegraph .node").first.wait_for()
    assert page.locator(".forcegraph .edge").count() == 60
    page.get_by_role("radio", name="Table").check()
    page.get_by_role("region", name="Result").get_by_role("columnheader", name="c").wait_for()
    page.get_by_role("button", name="PURCHASED", exact=True).wait_for()  # the schema is there
    area = page.locator("#query")
    area.fill("MATCH (u:Us")
    area.press("Control+ ")
    page.get_by_role("option", name="User", exact=True).wait_for()
    area.press("Enter")
    assert area.input_value() == "MATCH (u:User"
    area.press_sequentially(") RETURN count(u) AS n")
    with page.expect_response("**/v1/cypher"):
        area.press("Control+Enter")
    page.get_by_role("cell", name="200").wait_for()
    assert "query=MATCH" in page.url
    page.reload()
    assert page.locator("#query").input_value() == "MATCH (u:User) RETURN count(u) AS n"


def test_a_rollback(page: Page, shop: Home) -> None:
    earlier, later = shop.builds()
    assert shop.current() == later
    page.goto("/#/snapshots")
    page.get_by_role("region", name="Compare two builds").first.wait_for()
    page.get_by_text("Both learned from the same events.").wait_for()
    page.get_by_role("row", name=earlier).get_by_role("button").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert shop.current() == later
    page.get_by_role("row", name=earlier).get_by_role("button").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish this build").click()
    page.get_by_role("row", name=earlier).get_by_text("published").wait_for()
    assert shop.current() == earlier
    shop.publish(later)


def test_an_experiment_is_planned_begun_and_ended(page: Page) -> None:
    page.goto("/#/experiments")
    page.get_by_label("Figure now").fill("0.2")
    page.get_by_text("Visitors a variant").wait_for()
    page.get_by_role("link", name="New experiment").click()
    page.get_by_label("Name").fill("Only new things")
    page.get_by_label("Id (a-z, 0-9, -)").first.fill("only-new")
    page.get_by_role("button", name="Save experiment").click()
    page.get_by_role("heading", name="Only new things draft").wait_for()
    for act, state in (("Start", "running"), ("Stop", "stopped")):
        page.get_by_role("button", name=act, exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name=act, exact=True).click()
        page.get_by_role("heading", name=f"Only new things {state}").wait_for()
    page.get_by_role("cell", name="control", exact=True).wait_for()


def test_a_rule_shows_what_it_changes(page: Page) -> None:
    page.goto("/#/merchandising")
    page.get_by_role("link", name="New rule").click()
    page.get_by_label("Name").fill("Hero")
    page.get_by_label("Id (a-z, 0-9, -)").fill("hero")
    page.get_by_label("Effect").select_option("pin")
    product = page.get_by_label("Products")
    product.fill("product-59")
    product.press("Enter")
    changed = page.get_by_role("region", name="What it changes")
    row = changed.get_by_role("row").nth(1)
    playwright.expect(row.get_by_role("cell").last).to_have_text("1")
    page.get_by_role("button", name="Save rule").click()
    page.get_by_role("row", name="Hero").get_by_text("active").wait_for()


def test_a_key_shows_what_it_opens(browser: Browser, built: Home, tmp_path: Any) -> None:
    keys = KeyFile(key_file(tmp_path))
    _, token = keys.create("m", ["marketer"], per_minute=1_000)
    provider = SnapshotProvider(built, "The corner shop")
    provider.start()
    app = create_app(provider, access=Access(keys, Audit(audit_file(tmp_path)), local=False))
    with listening(lambda _: app) as at:
        page = browser.new_page(base_url=at)
        page.goto("/")
        page.get_by_label("Key").fill(token)
        page.get_by_role("button", name="Use this key").click()
        page.get_by_role("link", name="Audiences").wait_for()
        assert page.get_by_role("link", name="Cypher").count() == 0
        assert page.get_by_role("link", name="Snapshots").count() == 0
        page.goto("/#/cypher")
        page.get_by_text("It takes the scope analyst.").wait_for()
        page.close()
    provider.stop()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_view_is_whole_fits_a_phone_and_hinders_nobody(
    browser: Browser, address: str, theme: Any
) -> None:
    """English and light on a desk, Chinese and dark on a phone; axe looks at each."""
    phone = theme == "dark"
    opened = browser.new_page(
        base_url=address,
        viewport={"width": 375 if phone else 1280, "height": 780},
        color_scheme=theme,
        locale="zh-CN" if phone else "en-GB",
        reduced_motion="reduce",
    )
    opened.set_default_timeout(15_000)
    opened.goto("/")
    for view in VIEWS:
        opened.evaluate("view => { location.hash = `#/${view}`; }", view)
        opened.locator("main h1").wait_for()
        settled(opened)
        assert opened.locator("main .failure").count() == 0, view
        assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
        assert hindrances(opened) == [], view
    opened.close()
