"""A client that ``openapi-python-client`` makes of a server's OpenAPI document works as it is.

Generated without network, warnings being failures: what the generator does not understand it
leaves out, and says so. What it makes is then used as somebody would who has nothing else.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import pkgutil
import shutil
import subprocess
import sys
import typing
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from shops import coterie
from test_api_schemathesis import key_of
from test_cli_serve import Server

from loaders.synthetic import Planted
from pipeline.home import Home

PACKAGE = "generated_client"


@dataclass
class Generated:
    """The package, and a client of it that may ask everything."""

    document: dict[str, Any]
    made: ModuleType
    client: Any

    def operation(self, name: str) -> Any:
        """The module of one operation, by its name alone."""
        (tag,) = {
            operation["tags"][0]
            for methods in self.document["paths"].values()
            for operation in methods.values()
            if operation["operationId"] == name
        }
        return importlib.import_module(f"{PACKAGE}.api.{tag}.{name}")

    def __call__(self, name: str, *arguments: Any, **more: Any) -> Any:
        """What an operation answers, read into its model."""
        return self.operation(name).sync(*arguments, client=self.client, **more)

    @property
    def models(self) -> Any:
        """All classes of answers and bodies."""
        return importlib.import_module(f"{PACKAGE}.models")


def generate(document: Path, target: Path) -> None:
    """Write the package.

    The generator's own formatting runs are left out: they need tools on the path.
    """
    settings = target.with_suffix(".yml")
    settings.write_text("post_hooks: []\n")
    tool = Path(sys.executable).parent / "openapi-python-client"
    told = ["--path", document, "--output-path", target, "--config", settings, "--meta", "none"]
    ran = subprocess.run(
        [tool, "generate", "--fail-on-warning", *told], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Warning" not in ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def home(built: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(built.path, folder)
    return Home(folder)


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[Server]:
    running = Server(home)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def api(
    home: Home, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Generated]:
    folder = tmp_path_factory.mktemp("made")
    document = server.get("/openapi.json")
    (folder / "openapi.json").write_text(json.dumps(document))
    generate(folder / "openapi.json", folder / PACKAGE)
    sys.path.insert(0, str(folder))
    made = importlib.import_module(PACKAGE)
    address = f"http://127.0.0.1:{server.port}"
    with made.AuthenticatedClient(base_url=address, token=key_of(home)) as client:
        yield Generated(document, made, client)
    sys.path.remove(str(folder))


def test_every_route_has_a_function_with_a_short_name_of_its_own(api: Generated) -> None:
    names = [o["operationId"] for ops in api.document["paths"].values() for o in ops.values()]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name.islower() and len(name) <= 24 for name in names)
    for name in names:
        assert callable(api.operation(name).sync), name


def test_all_of_it_can_be_imported_and_no_class_is_named_by_a_number(api: Generated) -> None:
    for module in pkgutil.walk_packages(api.made.__path__, f"{PACKAGE}."):
        importlib.import_module(module.name)
    assert not [name for name in api.models.__all__ if name[-1].isdigit()]


def test_every_answer_has_its_type(api: Generated) -> None:
    for methods in api.document["paths"].values():
        for operation in methods.values():
            detailed = api.operation(operation["operationId"]).sync_detailed
            (answer,) = typing.get_args(typing.get_type_hints(detailed)["return"])
            kinds = set(typing.get_args(answer) or (answer,)) - {api.models.Problem}
            # A 304 has no body; the generator's word for none is Any.
            assert (Any in kinds) == ("304" in operation["responses"]), operation["operationId"]
            assert len(kinds - {Any}) == 1, operation["operationId"]


def test_lists_of_a_storefront(api: Generated, planted: Planted) -> None:
    models = api.models
    mine = api("recommendations", "user-3", k=4, mode=models.RecommendationsMode.DISCOVER)
    assert isinstance(mine, models.Recommendations) and len(mine.items) == 4
    assert mine.user_known and mine.source is models.RecommendationsSource.HISTORY
    assert all(one.reasons and one.product.product_id for one in mine.items)
    first = planted.pairs[0][0]
    alike = api("similar_products", first, k=3)
    assert alike.product.product_id == first and len(alike.items) == 3
    together = api("bought_together", first, k=3)
    assert planted.pairs[0][1] in {one.product.product_id for one in together.items}
    basket = api("basket_recommendations", body=models.BasketRequest([first], k=2))
    assert len(basket.items) == 2
    visit = models.SessionRequest(events=[models.SessionEvent(product_id=first)])
    session = api("session_recommendations", body=visit, k=3)
    assert len(session.items) == 3
    bought = models.RecommendationsBought.ONLY
    again = api("recommendations", "user-3", bought=bought, exclude=[first], k=2)
    assert len(again.items) == 2


def test_events_by_themselves_and_in_batches(api: Generated) -> None:
    models = api.models

    def seen(**more: Any) -> Any:
        kind = models.EventEvent.VIEW_ITEM
        return models.Event(event=kind, product_id="product-1", user_id="user-7", **more)

    one = api("send_events", body=seen(event_id=uuid.uuid4().hex))
    assert [a.index for a in one.accepted] == [0] and one.refused == []
    rating = models.Event(
        event=models.EventEvent.RATE, product_id="product-1", user_id="user-7", rating=4.0
    )
    unrated = models.Event(event=models.EventEvent.RATE, product_id="product-1", user_id="user-7")
    batch = models.EventBatch(events=[seen(), rating, unrated])
    several = api("send_events", body=batch)
    assert [a.index for a in several.accepted] == [0, 1]
    assert [(r.index, len(r.errors)) for r in several.refused] == [(2, 1)]
    flow = api("event_flow", minutes=5)
    assert flow.total >= 3 and isinstance(flow.counts[0], models.FlowCount)


def test_customers_and_products_are_put(api: Generated) -> None:
    models = api.models
    facts = models.ProductChangeAttributes.from_dict({"in_stock": True, "stars": 4.5})
    change = models.ProductChange(title="Oat drink", price=2.5, attributes=facts)
    assert api("put_product", "new/1", body=change) == models.Kept(id="new/1")
    assert api("put_user", "user-7", body=models.UserChange(anonymous=False)).id == "user-7"
    items = [models.ProductItem(product_id="new-2"), models.ProductItem("new-3", price=-1.0)]
    several = api("put_products", body=models.ProductsRequest(products=items))
    assert [a.id for a in several.accepted] == ["new-2"]
    assert [(r.index, r.errors[0].field) for r in several.refused] == [(1, "price")]
    users = [models.UserItem(user_id="user-8")]
    assert api("put_users", body=models.UsersRequest(users=users)).refused == []


def test_an_audience_from_estimate_to_deletion(api: Generated) -> None:
    models = api.models
    where = {"kind": "bought", "category": ["aisle-1"], "times": 3}
    body = models.AudienceRequest.from_dict({"definition": {"name": "aisle", "where": where}})
    estimate = api("estimate_audience", body=body)
    assert estimate.size > 20 and isinstance(estimate.segments[0], models.SharedCustomers)
    saved = api("save_audience", "aisle", body=body)
    assert (saved.version, saved.estimate) == (1, estimate)
    assert api("audience", "aisle").definition["where"] == where
    found, cursor = [], api.made.types.UNSET
    while cursor is not None:
        page = api("audience_members", "aisle", limit=20, cursor=cursor, column=["user_id"])
        found += [member["user_id"] for member in page.members]
        cursor = page.next_cursor
    assert len(set(found)) == page.total == estimate.size
    told = api("explain_audience", "aisle", user_id=found[0])
    assert told.member and told.tree.met
    query = api("audience_cypher", "aisle", dialect=models.AudienceCypherDialect.NEO4J)
    assert query.cypher
    assert api("delete_audience", "aisle").deleted == "aisle"
    assert api("audiences").audiences == []


def test_pages_and_segments(api: Generated) -> None:
    segments = api("segments").segments
    assert segments[0].size >= segments[-1].size
    profile = api("segment", segments[0].segment_id)
    assert profile.segment_id == segments[0].segment_id
    assert api("segment_profile", segments[0].segment_id).behaviour is not None
    found, cursor = [], api.made.types.UNSET
    while cursor is not None:
        page = api("segment_users", segments[0].segment_id, limit=10, cursor=cursor)
        found += [member.user_id for member in page.users]
        cursor = page.next_cursor
    assert len(set(found)) == len(found) == page.total == segments[0].size
    first = api("search_products", limit=5)
    second = api("search_products", limit=5, cursor=first.next_cursor)
    assert not {p.product_id for p in first.products} & {p.product_id for p in second.products}


def test_an_experiment_from_plan_to_deletion(api: Generated) -> None:
    models = api.models
    planned = api("plan_experiment", body=models.Wish(baseline=0.05, effect=0.2))
    assert planned.units > 1_000
    other = models.Override(mode=models.OverrideMode.DISCOVER)
    variants = [models.Variant("control"), models.Variant("new", override=other)]
    made = api("create_experiment", body=models.ExperimentDefinition("e", variants))
    assert made.state is models.ExperimentSummaryState.DRAFT and made.started is None
    definition = api("experiment", "e").definition
    assert definition.variants[1].override.mode is models.OverrideMode.DISCOVER
    assert api("start_experiment", "e").active and api("stop_experiment", "e").stopped
    assert [one.id for one in api("experiments").experiments] == ["e"]
    assert api("delete_experiment", "e").deleted == "e"


def test_the_graph_and_figures_of_the_server(api: Generated) -> None:
    query = api.models.QueryRequest(query="MATCH (u:User) RETURN count(u) AS n")
    answer = api("cypher", body=query)
    assert answer.columns == ["n"] and answer.rows[0][0] >= 200
    assert {one.label for one in api("graph_schema").labels} >= {"User", "Product"}
    assert "coterie_request_seconds_count" in api("metrics")
    assert api("ready").status is api.models.ReadinessStatus.READY
    assert api("build").counts["users"] == 200


def test_problems_are_typed(api: Generated, server: Server, home: Home) -> None:
    problem = api("product", "nope")
    assert isinstance(problem, api.models.Problem)
    assert (problem.status, problem.type_) == (404, "urn:coterie:problem:unknown-product")
    wrong = api("recommendations", "user-1", k=1_000)
    assert wrong.status == 422 and wrong.errors[0].field == "query.k"
    detailed = api.operation("segment").sync_detailed("nope", client=api.client)
    assert detailed.status_code == 404 and detailed.parsed.retryable is False
    address = f"http://127.0.0.1:{server.port}"
    with api.made.AuthenticatedClient(base_url=address, token="none") as stranger:
        assert api.operation("build").sync(client=stranger).status == 401
    shown = coterie("keys", "create", "page", "--scope=storefront", "--home", home.path, "--json")
    with api.made.AuthenticatedClient(base_url=address, token=shown.json["key"]) as page:
        assert api.operation("user").sync("user-1", client=page).status == 403


def test_in_asyncio(api: Generated, server: Server) -> None:
    async def asked() -> Any:
        address = f"http://127.0.0.1:{server.port}"
        token = api.client.token
        async with api.made.AuthenticatedClient(base_url=address, token=token) as client:
            ask = api.operation("recommendations").asyncio
            return await asyncio.gather(*(ask(f"user-{i}", client=client, k=3) for i in range(5)))

    assert [len(found.items) for found in asyncio.run(asked())] == [3] * 5


def test_nothing_of_an_answer_is_lost_on_the_way(api: Generated) -> None:
    """What a model reads of an answer it writes again."""
    raw = api.client.get_httpx_client().get("/v1/users/user-3/recommendations?k=5")
    assert api.models.Recommendations.from_dict(raw.json()).to_dict() == raw.json()
