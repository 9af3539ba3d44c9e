"""The storefront widget in a real Chromium: a shop's page on another origin, a real queue."""

from __future__ import annotations

import gzip
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import test_api_browser
import uvicorn
from api_client import client
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.access.audit import Audit, audit_file
from api.access.check import Access
from api.access.keys import KeyFile, key_file
from api.app import create_app
from api.live import Live
from api.provider import SnapshotProvider
from api.trials import Trials
from api.widget.make import SERVED, SOURCE, first_line
from events.config import EventsConfig
from events.event import ShopEvent
from events.queue import EventQueue, queue_file
from experiments.assign import place
from experiments.config import ExperimentsConfig
from experiments.definition import parse
from pipeline.experiments import ExperimentDesk
from pipeline.home import Home

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EXAMPLE = Path(__file__).parent.parent / "examples" / "storefront"
browser = test_api_browser.browser
on_browser = pytest.mark.browser
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


@contextmanager
def listening(app_for: Callable[[str], Any]) -> Iterator[str]:
    """Serve what ``app_for`` makes of its own address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    server = uvicorn.Server(uvicorn.Config(app_for(address), port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield address
    server.should_exit = True
    thread.join(10)


@dataclass
class Shop:
    """Addresses of the service, of the demo's open one and of the shop's pages; their home."""

    api: str
    demo: str
    pages: str
    home: Path
    trials: Trials

    def events(self) -> list[ShopEvent]:
        with EventQueue(queue_file(self.home)) as queue:
            return [event for _, event in queue.waiting(1000)]

    def event(self, wanted: Callable[[ShopEvent], bool]) -> ShopEvent:
        """The one event of a kind, as soon as it is there."""
        for _ in range(100):
            if found := [e for e in self.events() if wanted(e)]:
                time.sleep(0.2)  # a second one would be here by then
                (alone,) = [e for e in self.events() if wanted(e)]
                return alone
            time.sleep(0.05)
        raise AssertionError(f"no such event among {self.events()}, {found}")


@pytest.fixture(scope="module")
def shop(built: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    home = Home(tmp_path_factory.mktemp("widget") / "home")
    shutil.copytree(built.path, home.path)
    keys = KeyFile(key_file(home.path))
    provider = SnapshotProvider(home, "The corner shop")
    live = Live(home.path, home.store, EventsConfig())
    access = Access(keys, Audit(audit_file(home.path)), local=False)
    provider.start()
    trials = Trials(ExperimentDesk(home, ExperimentsConfig()), provider.held)
    app = create_app(provider, live=live, access=access, trials=trials)
    open_app = create_app(provider, live=live)
    with (
        listening(lambda _: app) as api,
        listening(lambda _: open_app) as demo,
        listening(lambda at: pages(at, api, keys)) as at,
    ):
        yield Shop(api, demo, at, home.path, trials)
    provider.stop()


def pages(address: str, api: str, keys: KeyFile) -> Starlette:
    """The example as a shop would have it: its service's address and its key filled in.

    What follows `?consent=` is put on the script.
    """
    _, key = keys.create("pages", ["storefront"], origins=[address], per_minute=100_000)

    async def page(request: Request) -> Response:
        file = EXAMPLE / (request.path_params["file"] or "index.html")
        if not file.is_file():
            return Response(status_code=404)
        text = file.read_text(encoding="utf-8").replace("http://127.0.0.1:8000", api)
        text = text.replace("PASTE_YOUR_KEY", key)
        if consent := request.query_params.get("consent"):
            text = text.replace("<script async", f'<script data-consent="{consent}" async')
        return Response(text, media_type=KINDS[file.suffix])

    return Starlette(routes=[Route("/{file:path}", page)])


@pytest.fixture
def page(browser: Browser, shop: Shop) -> Iterator[Page]:
    """A visitor's page; nothing may fail in it, nor anything be against its strict policy."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=shop.pages)
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    failures: list[str] = []
    opened.on("pageerror", lambda error: failures.append(str(error)))
    opened.on(
        "console",
        lambda m: failures.append(m.text) if "Content Security Policy" in m.text else None,
    )
    yield opened
    context.close()
    assert failures == []


def links(page: Page) -> list[str]:
    """Ids on the cards of the first list, when they are there."""
    cards = page.locator("coterie-recommendations").first.get_by_role("link")
    cards.first.wait_for()
    return [str(a.get_attribute("href")).partition("id=")[2] for a in cards.all()]


def test_it_is_small_and_made_from_its_source() -> None:
    """If this fails: ``python -m api.widget.make``."""
    served = SERVED.read_bytes()
    assert served.decode().startswith(first_line(SOURCE.read_text(encoding="utf-8")))
    assert len(served) <= 10_000
    assert len(gzip.compress(served)) <= 5_000


def test_any_site_may_load_it_and_keep_it() -> None:
    service = client()
    first = service.get("/static/coterie.js", headers={"Origin": "https://shop.example"})
    assert first.headers["content-type"].startswith("text/javascript")
    assert first.headers["access-control-allow-origin"] == "*"
    assert first.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "max-age=300" in first.headers["cache-control"]
    known = {"If-None-Match": first.headers["etag"]}
    assert service.get("/static/coterie.js", headers=known).status_code == 304
    page = service.get("/static/app.js")
    assert "access-control-allow-origin" not in page.headers
    assert page.headers["cache-control"] == "no-cache"


@on_browser
def test_a_list_a_click_and_the_next_list(page: Page, shop: Shop) -> None:
    page.goto("/")
    page.get_by_role("region", name="Popular right now").wait_for()
    before = links(page)
    assert len(before) == 6
    page.locator("coterie-recommendations").get_by_role("link").first.click()
    page.wait_for_url("**/product.html?id=*")
    seen = shop.event(lambda e: e.product_id == before[0])
    assert (seen.event, seen.user_id) == ("view_item", f"anonymous/{seen.session_id}")
    page.get_by_role("region", name="Similar products").wait_for()
    page.get_by_role("button", name="Buy now").click()
    bought = shop.event(lambda e: e.event == "purchase" and e.product_id == before[0])
    assert bought.session_id == seen.session_id
    assert bought.event_id == f"order/{bought.order_id}/0/{before[0]}"
    page.goto("/")
    page.get_by_role("region", name="Recommended for you").wait_for()
    after = links(page)
    assert before[0] not in after and after != before


@on_browser
def test_what_is_shown_and_clicked_of_an_experiment_is_told(page: Page, shop: Shop) -> None:
    desk = shop.trials.desk
    desk.create(parse({"id": "e", "variants": [{"id": "a"}, {"id": "b"}]}))
    desk.start("e")
    shop.trials.refresh()
    page.goto("/")
    links(page)
    session = page.evaluate("localStorage['coterie.session']").partition(" ")[0]
    page.locator("coterie-recommendations").get_by_role("link").first.click()
    seen = shop.event(lambda e: e.session_id == session)
    desk.stop("e")
    shop.trials.refresh()
    ((unit, variant, _),) = desk.ledger.exposures("e").rows()
    assert unit == seen.user_id
    assert variant == ("a", "b")[place("e", unit, (1, 1))]
    assert desk.ledger.clicks("e")["unit"].to_list() == [unit]


@on_browser
def test_an_event_is_neither_lost_nor_doubled(page: Page, shop: Shop) -> None:
    page.goto("/")
    links(page)
    page.context.set_offline(True)
    order = {"order_id": "o-7", "items": [{"product_id": "lost?"}, {"product_id": "twice?"}]}
    for _ in range(2):
        page.evaluate("order => coterie.track('purchase', order)", order)
    page.evaluate("coterie.track('view_item', 'viewed')")
    page.evaluate("coterie.track('view_item', 'viewed')")
    page.wait_for_timeout(300)
    assert not [e for e in shop.events() if e.order_id == "o-7"]
    page.context.set_offline(False)
    page.reload()
    for product in ("lost?", "twice?", "viewed"):
        shop.event(lambda e, product=product: e.product_id == product)  # type: ignore[misc]
    page.wait_for_timeout(200)
    assert not [k for k in page.evaluate("Object.keys(localStorage)") if "event." in k]


@on_browser
@pytest.mark.parametrize("broken", ["**/static/coterie.js", "**/v1/**"])
def test_without_the_service_the_page_is_as_it_was(page: Page, broken: str) -> None:
    page.route(broken, lambda route: route.abort())
    page.goto("/", wait_until="networkidle")
    assert page.get_by_role("heading", name="Good morning").is_visible()
    assert page.get_by_role("region").count() == 0
    element = page.locator("coterie-recommendations")
    if broken == "**/v1/**":
        element.wait_for(state="hidden")
    assert element.inner_text() == ""


@on_browser
def test_without_consent_nothing_is_stored_or_sent(page: Page, shop: Shop) -> None:
    asked: list[tuple[str, str | None]] = []
    page.on("request", lambda r: asked.append((r.url.removeprefix(shop.api), r.post_data)))
    page.goto("/?consent=denied")
    links(page)
    page.evaluate("coterie.identify('user-3')")
    page.evaluate("coterie.track('view_item', 'secret')")
    page.wait_for_timeout(1200)
    sent = [(path.partition("?")[0], body) for path, body in asked if path.startswith("/v1/")]
    assert {path for path, _ in sent} == {"/v1/build", "/v1/session/recommendations"}
    assert {body for path, body in sent if path != "/v1/build"} == {"{}"}
    assert page.evaluate("localStorage.length") == 0
    assert page.context.cookies() == []
    page.goto("/?consent=ask")
    links(page)
    assert page.evaluate("localStorage.length") == 0
    page.evaluate("coterie.track('view_item', 'told later')")
    page.evaluate("coterie.consent(true)")
    shop.event(lambda e: e.product_id == "told later")
    assert not [e for e in shop.events() if e.product_id == "secret"]
    page.evaluate("coterie.consent(false)")
    assert page.evaluate("localStorage.length") == 0


SHIFTS = """() => new Promise(done => new PerformanceObserver(list =>
  done(list.getEntries().reduce((sum, e) => sum + e.value, 0))
).observe({ type: "layout-shift", buffered: true }) || setTimeout(() => done(0), 300))"""


@on_browser
@pytest.mark.parametrize("width", [1280, 360])
def test_it_fits_and_nothing_moves(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    page.goto("/")
    links(page)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(SHIFTS) < 0.01


@on_browser
def test_by_keyboard(page: Page, shop: Shop) -> None:
    page.goto("/")
    first = links(page)[0]
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/product.html?id={first}")


def hindrances(page: Page) -> list[Any]:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page).response["violations"]
    return [(v["id"], [n["html"] for n in v["nodes"]]) for v in found]


@on_browser
def test_axe_finds_nothing(page: Page) -> None:
    page.goto("/")
    links(page)
    assert hindrances(page) == []


@on_browser
def test_the_demos_shop(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.demo}/storefront")
    page.get_by_role("region", name="Popular right now").get_by_role("link").nth(1).click()
    page.get_by_role("button", name="Add to basket").click()
    page.get_by_role("region", name="Similar products").wait_for()
    assert hindrances(page) == []
    product = page.url.partition("#/product/")[2]
    page.get_by_role("link", name="Basket 1").click()
    page.get_by_role("heading", name="Your basket", exact=True).wait_for()
    page.get_by_role("button", name="Buy").click()
    page.get_by_role("region", name="Something new for you").wait_for()
    bought = shop.event(lambda e: e.event == "purchase" and e.product_id == product)
    told = [e.event for e in shop.events() if e.session_id == bought.session_id]
    assert told == ["view_item", "add_to_cart", "purchase"]


CRAFTED = {"product_id": "a/b?&{id}", "title": "<img src=x onerror=alert(1)>", "price": 2.5}
ANSWER = {"source": "session", "build": "b", "items": [{"product": CRAFTED, "reasons": []}]}


@on_browser
def test_what_the_shop_calls_a_product_is_text(page: Page) -> None:
    page.route("**/v1/session/**", lambda route: route.fulfill(json=ANSWER))
    page.goto("/")
    link = page.get_by_role("link", name=CRAFTED["title"])
    link.wait_for()
    assert str(link.get_attribute("href")).endswith("?id=a%2Fb%3F%26%7Bid%7D")
    element = page.locator("coterie-recommendations")
    element.evaluate("e => e.setAttribute('product-url', 'javascript:alert(`{id}`)')")
    page.get_by_role("button", name=CRAFTED["title"]).wait_for()
    assert element.locator("a, img").count() == 0
    page.evaluate("document.documentElement.lang = 'zh-CN'; coterie.refresh()")
    page.get_by_role("region", name="为您推荐").wait_for()
