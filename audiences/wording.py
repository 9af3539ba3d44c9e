"""Conditions as a person would say them."""

from __future__ import annotations

from typing import Any, Final

from audiences.conditions import (
    Act,
    All,
    AnyOf,
    Attribute,
    Bought,
    Condition,
    InAudience,
    Likes,
    Not,
    NotBought,
    Segment,
    Sequence,
    Share,
    Similar,
    What,
)

__all__ = ["text_of"]

_DID: Final = {
    "purchase": "bought",
    "view_item": "viewed",
    "add_to_cart": "put in the cart",
    "add_to_wishlist": "put on the wish list",
    "rate": "rated",
}
_NAMES: Final = {
    "spend": "spend",
    "orders": "orders",
    "expected_value": "expected value",
    "expected_orders": "expected orders",
    "churn_risk": "risk of leaving",
    "probability_alive": "probability of being a customer still",
    "days_since_last": "days since the last purchase",
    "usual_interval_days": "usual days between purchases",
}


def text_of(condition: Condition) -> str:
    """One condition in words; of a group, what joins it."""
    if isinstance(condition, All):
        return "all of these hold"
    if isinstance(condition, AnyOf):
        return "at least one of these holds"
    if isinstance(condition, Not):
        return "this does not hold"
    if isinstance(condition, Bought | NotBought | Sequence | Share | Likes):
        return _of_products(condition)
    if isinstance(condition, Segment):
        firm = f", at least {condition.min_strength:g} firmly" if condition.min_strength else ""
        return f"in segment {_or(condition.any_of)}{firm}"
    if isinstance(condition, InAudience):
        return f"in audience {condition.name}"
    if isinstance(condition, Similar):
        examples = condition.audience or f"{len(condition.users)} customers"
        return f"among the {condition.top:,} most like {examples}"
    if isinstance(condition, Attribute):
        return _attribute(condition)
    if hasattr(condition, "any_of"):
        return f"{condition.kind} {_or(condition.any_of)}"
    return f"{_NAMES[condition.of]} {_range(condition.min, condition.max)}"


def _of_products(condition: Bought | NotBought | Sequence | Share | Likes) -> str:
    if isinstance(condition, Bought):
        often = f" at least {condition.times} times" if condition.times > 1 else ""
        paid = f" for at least {condition.value:g}" if condition.value else ""
        return f"{_act(condition)}{often}{paid}{_window(condition)}"
    if isinstance(condition, NotBought):
        return f"never {_act(condition)}{_window(condition)}"
    if isinstance(condition, Likes):
        return f"likely to like {_what(condition)} (first {condition.top})"
    if isinstance(condition, Share):
        span = f" in the last {condition.days:g} days" if condition.days else ""
        return f"{_what(condition)} is {_range(condition.min, condition.max)} of spend{span}"
    second = condition.then or condition.then_not
    assert second is not None
    link = "then" if condition.then else "then not"
    same = " of the same product" if condition.same_product else ""
    since = f", the first in the last {condition.days:g} days" if condition.days else ""
    within = f"within {condition.within_days:g} days{same}{since}"
    return f"{_act(condition.first)}, {link} {_act(second)} {within}"


def _act(act: Any) -> str:
    return f"{_DID[act.event]} {_what(act)}"


def _what(what: What | Act) -> str:
    parts = [
        f"{name} {_or(values)}"
        for name in ("product", "category", "brand")
        if (values := getattr(what, name))
    ]
    return " and ".join(parts) or "anything"


def _window(condition: Bought | NotBought) -> str:
    if condition.days is None and not condition.until_days:
        return ""
    if condition.days is None:
        return f" more than {condition.until_days:g} days ago"
    if not condition.until_days:
        return f" in the last {condition.days:g} days"
    return f" {condition.days:g} to {condition.until_days:g} days ago"


def _attribute(condition: Attribute) -> str:
    if condition.missing:
        return f"{condition.name} is unknown"
    if condition.any_of:
        return f"{condition.name} is {_or(tuple(map(str, condition.any_of)))}"
    return f"{condition.name} {_range(condition.min, condition.max)}"


def _range(least: float | None, most: float | None) -> str:
    ends = [("at least", least), ("at most", most)]
    return " and ".join(f"{word} {end:g}" for word, end in ends if end is not None)


def _or(values: tuple[str, ...]) -> str:
    shown = [*values[:4], f"{len(values) - 4} more"] if len(values) > 5 else list(values)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"
