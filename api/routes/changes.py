"""Customers and products as they change: kept on disk first, then in the graph, as live events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Request
from pydantic import ValidationError
from starlette.responses import Response

from api.live import LiveParts
from api.models.changes import (
    AcceptedItem,
    ChangesAnswer,
    Kept,
    ProductChange,
    ProductItem,
    ProductsRequest,
    RefusedItem,
    UserChange,
    UserItem,
    UsersRequest,
)
from api.models.events import EventField, Id
from api.paths import ONE_PRODUCT, ONE_USER
from api.problems import responses
from api.routes.common import WRITING, Current, Intake, Settings, answer
from api.routes.judging import detail_of, fields_of, refusal, text
from api.service import Service
from graph.schema import PropertyType

__all__ = ["router"]

router = APIRouter()

OneUser = Annotated[Id, Path(description="The shop's own id of the customer.", examples=["1228"])]
OneProduct = Annotated[Id, Path(description="The shop's own id.", examples=["1029743"])]
Item = TypeVar("Item", UserItem, ProductItem)


@dataclass(frozen=True)
class _Shop:
    """What a change must fit: types of attributes, and ids of categories."""

    known: Mapping[str, PropertyType]
    categories: Set[str]

    @classmethod
    def of(cls, service: Service, label: str) -> _Shop:
        products = label == "Product"
        found = {c.category_id for c in service.categories()} if products else set()
        return cls(service.attribute_types(label), found)

    def wrong(self, item: UserChange | ProductChange) -> list[tuple[str, str]]:
        return list(item.wrong(self.known, self.categories))


@router.put(
    "/users",
    tags=["customers"],
    response_model=ChangesAnswer,
    responses=responses(400, 413),
    dependencies=WRITING,
)
def put_users(
    request: Request, service: Current, live: Intake, settings: Settings, body: UsersRequest
) -> Response:
    """Add customers, or set what is said of them; the rest of what is known of them stays.

    Each is judged alone: those in order are kept, the others told, and where none is in order the
    answer is a problem. What is kept is on disk, and in the graph within about a second, or when it
    is back if it is away; lists, segments and profiles learn of it with the next build.
    """
    if len(body.users) > settings.event_batch:
        return _too_many(request, "users", settings.event_batch)
    return _take(request, live, "users", _judged(UserItem, body.users, _Shop.of(service, "User")))


@router.put(
    "/products",
    tags=["products"],
    response_model=ChangesAnswer,
    responses=responses(400, 413),
    dependencies=WRITING,
)
def put_products(
    request: Request, service: Current, live: Intake, settings: Settings, body: ProductsRequest
) -> Response:
    """Add products, or set what is said of them; the rest of what is known of them stays.

    Judged and kept as customers are. Lists, their filters and product pages hold to it within a
    second; products that the published build does not know are listed from the next one on.
    """
    if len(body.products) > settings.event_batch:
        return _too_many(request, "products", settings.event_batch)
    shop = _Shop.of(service, "Product")
    return _take(request, live, "products", _judged(ProductItem, body.products, shop))


@router.put(
    ONE_USER,
    tags=["customers"],
    response_model=Kept,
    responses=responses(400, 413),
    dependencies=WRITING,
)
def put_user(
    request: Request, service: Current, live: Intake, user_id: OneUser, body: UserChange
) -> Response:
    """Add a customer, or set what is said of them; the rest of what is known of them stays.

    A slash in the id is written `%2F`.
    """
    return _take_one(request, live, _Shop.of(service, "User"), user_id, body)


@router.put(
    ONE_PRODUCT,
    tags=["products"],
    response_model=Kept,
    responses=responses(400, 413),
    dependencies=WRITING,
)
def put_product(
    request: Request, service: Current, live: Intake, product_id: OneProduct, body: ProductChange
) -> Response:
    """Add a product, or set what is said of it; the rest of what is known of it stays.

    Lists, their filters and product pages hold to it within a second; a product that the published
    build does not know is listed from the next one on. A slash in the id is written `%2F`.
    """
    return _take_one(request, live, _Shop.of(service, "Product"), product_id, body)


def _take_one(
    request: Request, live: LiveParts, shop: _Shop, id_: str, body: UserChange | ProductChange
) -> Response:
    if wrong := shop.wrong(body):
        return refusal(request, "body", [(f".{text(f)}", text(m)) for f, m in wrong])
    live.change([body.change(id_)])
    return answer(Kept(id=id_))


def _too_many(request: Request, name: str, most: int) -> Response:
    return refusal(request, f"body.{name}", [("", f"expected at most {most} {name}")])


def _judged(
    model: type[Item], raw: Sequence[Any], shop: _Shop
) -> Iterator[tuple[int, Item | RefusedItem]]:
    """Each with its place: what is in order, and why the others are not."""
    for index, value in enumerate(raw):
        try:
            item = model.model_validate(value)
        except ValidationError as error:
            yield index, _refused(index, fields_of(error, "item"))
            continue
        wrong = [EventField(field=text(f), message=text(m)) for f, m in shop.wrong(item)]
        yield index, _refused(index, wrong) if wrong else item


def _refused(index: int, fields: list[EventField]) -> RefusedItem:
    return RefusedItem(index=index, detail=detail_of(fields), errors=fields)


def _take(
    request: Request,
    live: LiveParts,
    name: str,
    judged: Iterator[tuple[int, Item | RefusedItem]],
) -> Response:
    """Keep what is in order, all or none of it, and tell of each."""
    kept: list[tuple[int, Item]] = []
    refused: list[RefusedItem] = []
    for index, one in judged:
        refused.append(one) if isinstance(one, RefusedItem) else kept.append((index, one))
    if not kept:
        wrong = [(f".{r.index}.{e.field}", e.message) for r in refused for e in r.errors]
        return refusal(request, f"body.{name}", wrong)
    live.change([item.change(item.id) for _, item in kept])
    accepted = [AcceptedItem(index=index, id=item.id) for index, item in kept]
    return answer(ChangesAnswer(accepted=accepted, refused=refused))
