"""Customers and products as a shop's own systems send them, and what became of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from typing import Annotated, Any, Final, Literal

from pydantic import (
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.config import JsonDict

from api.models.base import Answer, example
from api.models.events import EventField, Id
from events.change import Change
from graph.properties import Scalar, fitted
from graph.schema import PropertyType
from loaders.errors import DataError
from loaders.mapping_schema import is_attribute_name

__all__ = [
    "AcceptedItem",
    "ChangesAnswer",
    "Kept",
    "ProductChange",
    "ProductItem",
    "ProductsRequest",
    "RefusedItem",
    "UserChange",
    "UserItem",
    "UsersRequest",
    "Wrong",
]

MOST_NUMBER: Final = 1e15
"""Up to here JSON's numbers are exact where they are whole."""
MOST_TEXT: Final = 10_000
MOST_ATTRIBUTES: Final = 100

Wrong = Iterator[tuple[str, str]]
"""Fields that cannot be used, each with what was expected."""


def _told_once(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """One message where a value is of none of the types, instead of one a type."""
    try:
        return check(value)
    except ValidationError as error:
        raise ValueError(
            f"expected a text of at most {MOST_TEXT:,} characters, a number between "
            f"-{MOST_NUMBER:g} and {MOST_NUMBER:g}, true, false, or null to leave what is stored"
        ) from error


_Text = Annotated[StrictStr, StringConstraints(strip_whitespace=True, max_length=MOST_TEXT)]
_Number = Annotated[float, Field(strict=True, ge=-MOST_NUMBER, le=MOST_NUMBER, allow_inf_nan=False)]
Value = Annotated[StrictBool | _Number | _Text | None, WrapValidator(_told_once)]


class _Node(Answer):
    """Properties of a customer or product."""

    attributes: dict[str, Value] = Field(
        default_factory=dict,
        max_length=MOST_ATTRIBUTES,
        description="Further properties by name. Names are lower-case letters, digits and `_`; "
        "a value is a text, a number, true or false, as the attribute has been so far.",
    )

    def wrong(self, known: Mapping[str, PropertyType], categories: Set[str]) -> Wrong:
        """What of it does not fit the shop.

        Args:
            known: types of the attributes that the shop has.
            categories: ids of its categories.
        """
        for name, value in self.attributes.items():
            if name not in known and not is_attribute_name(name):
                yield (
                    f"attributes.{name}",
                    "expected an attribute's name of lower-case letters, digits and _ that is no "
                    "field of its own",
                )
            elif value is not None and name in known:
                try:
                    fitted(value, known[name])
                except DataError as error:
                    yield f"attributes.{name}", str(error)

    def change(self, id_: str) -> Change:
        """It as it waits for the store; what is empty leaves what is stored."""
        raise NotImplementedError

    def _properties(self, **own: Scalar | None) -> str:
        given = {**own, **self.attributes}
        return json.dumps({k: v for k, v in given.items() if v is not None and v != ""})


_USER: JsonDict = {"attributes": {"age": "35-44", "city": "Lyon"}}
_PRODUCT: JsonDict = {
    "title": "Oat drink 1 l",
    "price": 2.49,
    "attributes": {"in_stock": True},
}


class UserChange(_Node):
    """What a shop says of one customer; what it does not name stays as it is."""

    anonymous: StrictBool | None = Field(default=None, description="A visitor without an account.")

    model_config = ConfigDict(json_schema_extra=example(_USER))

    def change(self, id_: str) -> Change:
        """See ``_Node``."""
        return Change("User", id_, self._properties(anonymous=self.anonymous))


class ProductChange(_Node):
    """What a shop says of one product; what it does not name stays as it is."""

    title: _Text | None = Field(default=None, description="What a person reads.")
    price: float | None = Field(
        default=None,
        strict=True,
        ge=0,
        le=1e12,
        allow_inf_nan=False,
        description="Usual price of one unit, shop's currency.",
    )
    category_id: Id | None = Field(
        default=None, description="The most specific category it is in; one that the shop has."
    )
    brand: Id | None = Field(default=None, description="Name of the brand; a new one is added.")

    model_config = ConfigDict(json_schema_extra=example(_PRODUCT))

    def wrong(self, known: Mapping[str, PropertyType], categories: Set[str]) -> Wrong:
        """See ``_Node``."""
        yield from super().wrong(known, categories)
        if self.category_id is not None and self.category_id not in categories:
            yield (
                "category_id",
                "expected a category of the published build (GET /v1/categories); load new "
                "categories and build first",
            )

    def change(self, id_: str) -> Change:
        """See ``_Node``."""
        properties = self._properties(title=self.title, price=self.price)
        return Change("Product", id_, properties, self.category_id, self.brand)


class UserItem(UserChange):
    """One customer of several."""

    user_id: Id = Field(description="The shop's own id; a new customer is added.")

    model_config = ConfigDict(json_schema_extra=example({"user_id": "1228", **_USER}))

    @property
    def id(self) -> str:
        """Who it is about."""
        return self.user_id


class ProductItem(ProductChange):
    """One product of several."""

    product_id: Id = Field(description="The shop's own id; a new product is added.")

    model_config = ConfigDict(json_schema_extra=example({"product_id": "1029743", **_PRODUCT}))

    @property
    def id(self) -> str:
        """What it is about."""
        return self.product_id


UNJUDGED: Final = WrapValidator(lambda value, judge: value)
"""Takes an item as it came, to be judged by itself later; the document names its model."""


class UsersRequest(Answer):
    """Customers. Each is judged alone: good ones are kept beside bad ones."""

    users: list[Annotated[UserItem, UNJUDGED]] = Field(
        min_length=1, description="In order: of two of one customer the later holds."
    )

    model_config = ConfigDict(json_schema_extra=example({"users": [{"user_id": "1228", **_USER}]}))


class ProductsRequest(Answer):
    """Products. Each is judged alone: good ones are kept beside bad ones."""

    products: list[Annotated[ProductItem, UNJUDGED]] = Field(
        min_length=1, description="In order: of two of one product the later holds."
    )

    model_config = ConfigDict(
        json_schema_extra=example({"products": [{"product_id": "1029743", **_PRODUCT}]})
    )


class Kept(Answer):
    """What was sent is on disk, and on its way to the graph."""

    id: str = Field(description="The customer's or product's own.")

    model_config = ConfigDict(json_schema_extra=example({"id": "1029743"}))


class AcceptedItem(Answer):
    """A customer or product that is kept."""

    index: int = Field(description="Its place in the request, from 0.")
    id: str = Field(description="Its own.")


class RefusedItem(Answer):
    """A customer or product that is not kept, and why, as in a problem body."""

    index: int = Field(description="Its place in the request, from 0.")
    type: Literal["urn:coterie:problem:invalid-item"] = "urn:coterie:problem:invalid-item"
    detail: str = Field(description="What is wrong with it.")
    errors: list[EventField] = Field(description="Field by field.")


class ChangesAnswer(Answer):
    """What became of each customer or product."""

    accepted: list[AcceptedItem] = Field(description="Kept on disk, and on their way to the graph.")
    refused: list[RefusedItem] = Field(description="To be mended before they are sent again.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "accepted": [{"index": 0, "id": "1029743"}],
                "refused": [
                    {
                        "index": 1,
                        "type": "urn:coterie:problem:invalid-item",
                        "detail": "price: Input should be greater than or equal to 0",
                        "errors": [
                            {
                                "field": "price",
                                "message": "Input should be greater than or equal to 0",
                            }
                        ],
                    }
                ],
            }
        )
    )
