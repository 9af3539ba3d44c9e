"""Requests as values: each function gives the ``Call`` that a client of either kind sends.

A ``Call[T]`` is answered by a ``T``, so that type checkers know what ``send`` gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from coterie_client.answers import (
    Audience,
    AudienceMembers,
    Audiences,
    BasketSuggestions,
    BoughtTogether,
    Build,
    ChangesAnswer,
    EventsAnswer,
    Members,
    Products,
    QueryAnswer,
    Recommendations,
    Segments,
    SessionRecommendations,
    SimilarProducts,
    Users,
)

__all__ = [
    "NDJSON",
    "Call",
    "audience",
    "audience_members",
    "audiences",
    "basket",
    "bought_together",
    "build",
    "campaign",
    "campaigns",
    "change_experiment",
    "create_experiment",
    "customer",
    "cypher",
    "delete_audience",
    "delete_experiment",
    "estimate_audience",
    "events",
    "experiment",
    "experiment_options",
    "experiments",
    "explain_audience",
    "plan_experiment",
    "product",
    "products",
    "put_product",
    "put_products",
    "put_user",
    "put_users",
    "recommend",
    "save_audience",
    "schema",
    "segment",
    "segment_members",
    "segments",
    "session",
    "similar",
    "start_experiment",
    "stop_experiment",
    "user",
    "users",
]

T = TypeVar("T")
NDJSON = "application/x-ndjson"


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request.

    Attributes:
        method: of HTTP.
        path: with ids escaped.
        params: of the query; those that are ``None`` are left out, lists repeat their name.
        json: the body, where there is one.
        accept: media type wanted.
        repeatable: sent twice it changes no more than sent once, so it may be tried again.
    """

    method: str
    path: str
    params: Mapping[str, Any] | None = None
    json: Any = None
    accept: str = "application/json"
    repeatable: bool = True

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        """``params`` as HTTP takes them."""
        found: list[tuple[str, str]] = []
        for name, value in (self.params or {}).items():
            several = value if isinstance(value, list | tuple) else [value]
            found += [(name, _text(one)) for one in several if one is not None]
        return tuple(found)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _get(path: str, **params: Any) -> Call[Any]:
    return Call("GET", path, params)


def _id(value: str) -> str:
    return quote(value, safe="")


def recommend(
    user_id: str, *, k: int = 20, mode: str = "all", **options: Any
) -> Call[Recommendations]:
    """Products for a customer. ``options``: filters, ``diversity``, ``lang`` and so on."""
    return _get(f"/v1/users/{_id(user_id)}/recommendations", k=k, mode=mode, **options)


def session(
    events: Sequence[Mapping[str, Any]] = (),
    *,
    session_id: str | None = None,
    attributes: Mapping[str, Any] | None = None,
    k: int = 20,
    **options: Any,
) -> Call[SessionRecommendations]:
    """Products for a visitor, by what they did."""
    body: dict[str, Any] = {"events": [dict(e) for e in events]}
    if session_id is not None:
        body["session_id"] = session_id
    if attributes is not None:
        body["attributes"] = dict(attributes)
    return Call("POST", "/v1/session/recommendations", {"k": k, **options}, body)


def basket(product_ids: Sequence[str], *, k: int = 10, **filters: Any) -> Call[BasketSuggestions]:
    """What completes a basket."""
    body = {"product_ids": list(product_ids), "k": k}
    return Call("POST", "/v1/basket/recommendations", filters, body)


def similar(product_id: str, *, k: int = 10, **filters: Any) -> Call[SimilarProducts]:
    """Products like one product."""
    return _get(f"/v1/products/{_id(product_id)}/similar", k=k, **filters)


def bought_together(product_id: str, *, k: int = 10) -> Call[BoughtTogether]:
    """Products that orders with one product also hold."""
    return _get(f"/v1/products/{_id(product_id)}/bought-together", k=k)


def products(search: str = "", *, limit: int = 10, cursor: str | None = None) -> Call[Products]:
    """A page of products by part of their title or id."""
    return _get("/v1/products", search=search, limit=limit, cursor=cursor)


def product(product_id: str) -> Call[dict[str, Any]]:
    """A product in full."""
    return _get(f"/v1/products/{_id(product_id)}")


def events(batch: Sequence[Mapping[str, Any]]) -> Call[EventsAnswer]:
    """Keep events. They may be sent again where each has an ``event_id``."""
    named = all("event_id" in event for event in batch)
    body = {"events": [dict(event) for event in batch]}
    return Call("POST", "/v1/events", None, body, repeatable=named)


def put_user(user_id: str, properties: Mapping[str, Any]) -> Call[dict[str, str]]:
    """Add a customer or set what ``properties`` say of them."""
    return Call("PUT", f"/v1/users/{_id(user_id)}", None, dict(properties))


def put_users(batch: Sequence[Mapping[str, Any]]) -> Call[ChangesAnswer]:
    """Several customers, each with its ``user_id``."""
    return Call("PUT", "/v1/users", None, {"users": [dict(one) for one in batch]})


def put_product(product_id: str, properties: Mapping[str, Any]) -> Call[dict[str, str]]:
    """Add a product or set what ``properties`` say of it."""
    return Call("PUT", f"/v1/products/{_id(product_id)}", None, dict(properties))


def put_products(batch: Sequence[Mapping[str, Any]]) -> Call[ChangesAnswer]:
    """Several products, each with its ``product_id``."""
    return Call("PUT", "/v1/products", None, {"products": [dict(one) for one in batch]})


def users(search: str = "", *, limit: int = 10, cursor: str | None = None) -> Call[Users]:
    """A page of customers by part of their id."""
    return _get("/v1/users", search=search, limit=limit, cursor=cursor)


def user(user_id: str, *, history: int = 50) -> Call[dict[str, Any]]:
    """A customer in full."""
    return _get(f"/v1/users/{_id(user_id)}", history=history)


def customer(user_id: str) -> Call[dict[str, Any]]:
    """Where a customer stands: stage, value, risk of churn."""
    return _get(f"/v1/customers/{_id(user_id)}")


def segments() -> Call[Segments]:
    """All segments."""
    return _get("/v1/segments")


def segment(segment_id: str) -> Call[dict[str, Any]]:
    """A segment in full."""
    return _get(f"/v1/segments/{_id(segment_id)}")


def segment_members(
    segment_id: str, *, limit: int = 100, cursor: str | None = None
) -> Call[Members]:
    """A page of a segment's members."""
    return _get(f"/v1/segments/{_id(segment_id)}/users", limit=limit, cursor=cursor)


def audiences(*, segment: str | None = None) -> Call[Audiences]:
    """Saved audiences."""
    return _get("/v1/audiences", segment=segment)


def audience(name: str) -> Call[Audience]:
    """A saved audience with its versions and history."""
    return _get(f"/v1/audiences/{_id(name)}")


def estimate_audience(definition: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Size, value and overlap of a definition that need not be saved."""
    return Call("POST", "/v1/audiences/estimate", None, {"definition": dict(definition)})


def save_audience(definition: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Save a definition under the name it has."""
    path = f"/v1/audiences/{_id(str(definition['name']))}"
    body = {"definition": dict(definition)}
    # Each time it is saved it is a version more.
    return Call("PUT", path, None, body, repeatable=False)


def delete_audience(name: str) -> Call[dict[str, Any]]:
    """Forget an audience."""
    return Call("DELETE", f"/v1/audiences/{_id(name)}", repeatable=False)


def explain_audience(name: str, user_id: str) -> Call[dict[str, Any]]:
    """Why a customer is in an audience or not."""
    return _get(f"/v1/audiences/{_id(name)}/explain", user_id=user_id)


def audience_members(
    name: str,
    columns: Sequence[str] = ("user_id",),
    *,
    limit: int = 100,
    cursor: str | None = None,
) -> Call[AudienceMembers]:
    """A page of an audience's members."""
    path = f"/v1/audiences/{_id(name)}/members"
    return _get(path, column=list(columns), limit=limit, cursor=cursor)


def cypher(
    query: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    rows: int | None = None,
    seconds: float | None = None,
) -> Call[QueryAnswer]:
    """A read-only query."""
    body: dict[str, Any] = {"query": query, "parameters": dict(parameters or {})}
    body |= {k: v for k, v in (("rows", rows), ("seconds", seconds)) if v is not None}
    return Call("POST", "/v1/cypher", None, body)


def schema() -> Call[dict[str, Any]]:
    """What there is to ask about."""
    return _get("/v1/schema")


def build() -> Call[Build]:
    """The snapshot that answers."""
    return _get("/v1/build")


def experiments() -> Call[dict[str, Any]]:
    """All experiments."""
    return _get("/v1/experiments")


def experiment(experiment_id: str) -> Call[dict[str, Any]]:
    """An experiment with its results."""
    return _get(f"/v1/experiments/{_id(experiment_id)}")


def experiment_options() -> Call[dict[str, Any]]:
    """What a definition may name."""
    return _get("/v1/experiments/options")


def plan_experiment(baseline: float, effect: float, **more: Any) -> Call[dict[str, Any]]:
    """How many visitors it takes; ``more``: ``metric``, ``deviation``, ``power`` and so on."""
    body = {"baseline": baseline, "effect": effect, **more}
    return Call("POST", "/v1/experiments/plan", None, body)


def create_experiment(definition: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Save a draft."""
    return Call("POST", "/v1/experiments", None, dict(definition), repeatable=False)


def change_experiment(definition: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Save the next version; saved twice, it is one."""
    path = f"/v1/experiments/{_id(str(definition['id']))}"
    return Call("PUT", path, None, dict(definition))


def start_experiment(experiment_id: str) -> Call[dict[str, Any]]:
    """Let visitors in."""
    return Call("POST", f"/v1/experiments/{_id(experiment_id)}/start", repeatable=False)


def stop_experiment(experiment_id: str) -> Call[dict[str, Any]]:
    """Let nobody in any more."""
    return Call("POST", f"/v1/experiments/{_id(experiment_id)}/stop", repeatable=False)


def delete_experiment(experiment_id: str) -> Call[dict[str, Any]]:
    """Forget an experiment."""
    return Call("DELETE", f"/v1/experiments/{_id(experiment_id)}", repeatable=False)


def campaigns() -> Call[dict[str, Any]]:
    """All campaigns."""
    return _get("/v1/campaigns")


def campaign(name: str, *, days: float | None = None) -> Call[dict[str, Any]]:
    """What a campaign changed."""
    return _get(f"/v1/campaigns/{_id(name)}", days=days)
