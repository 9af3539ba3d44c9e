"""Each cleaning step on hand-made lines with the answer worked out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loaders.cleaning import (
    drop_unpriced,
    drop_without_product,
    keep_period,
    limit_non_products,
    name_visitors,
)
from loaders.files import LINE
from loaders.mapping import clean, parse_mapping
from loaders.outliers import limit_outliers
from loaders.returns import net_returns
from loaders.taxonomy import category_paths, unify_spelling

START = datetime(2024, 1, 1, tzinfo=UTC)
DEFAULTS: dict[str, Any] = {
    "event": "purchase", "user_id": "u", "product_id": "p", "order_id": "o", "session_id": None,
    "at": START, "quantity": 1.0, "value": 1.0, "rating": None, "title": None, "brand": None,
    "unreadable": False, "duplicate": False, "trimmed": False, "not_product": False,
    "takes_back": False, "ambiguous": False, "nonexistent": False,
}  # fmt: skip


def lines(*rows: dict[str, Any]) -> pl.DataFrame:
    """Lines numbered from 1, an hour apart, each unlike the defaults only in what is given."""
    full = [
        {LINE: i + 1, **DEFAULTS, "at": START + timedelta(hours=i), **r} for i, r in enumerate(rows)
    ]
    texts = ("event", "user_id", "product_id", "order_id", "session_id", "title")
    schema = dict.fromkeys(texts, pl.String()) | dict.fromkeys(("quantity", "value"), pl.Float64())
    return pl.DataFrame(full, schema_overrides=schema)


def sale(quantity: float, **more: Any) -> dict[str, Any]:
    return {"quantity": quantity, "value": 2.0 * quantity, **more}


def back(quantity: float, **more: Any) -> dict[str, Any]:
    return {**sale(quantity), "takes_back": True, **more}


def told(steps: list[Any]) -> dict[str, int]:
    return {s.name: s.lines for s in steps if s.lines}


def test_a_return_empties_the_latest_sale_first() -> None:
    """5 and 3 bought, 4 returned: the sale of 3 goes, the sale of 5 keeps 4 of its units."""
    kept, steps = net_returns(lines(sale(5), sale(3), back(4)), "net")
    assert kept.select(LINE, "quantity", "value").rows() == [(1, 4.0, 8.0)]
    assert told(steps) == {"netted": 1, "returned": 1, "partly returned": 1}


def test_returns_without_a_sale_and_beyond_it() -> None:
    kept, steps = net_returns(
        lines(back(1), sale(2), back(5), sale(7), back(2, user_id="other")), "net"
    )
    assert kept.select(LINE, "quantity").rows() == [(4, 7.0)]
    assert told(steps) == {
        "netted": 1,
        "returned": 1,
        "return without sale": 2,
        "returned beyond sale": 1,
    }


def test_a_return_of_the_same_moment_follows_its_sale() -> None:
    kept, _ = net_returns(lines(back(1, at=START), sale(1, at=START)), "net")
    assert kept.is_empty()


def test_cancelled_lines_can_just_go() -> None:
    kept, steps = net_returns(lines(sale(5), back(4)), "drop")
    assert kept[LINE].to_list() == [1]
    assert told(steps) == {"cancelled": 1}


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(1, 5), st.sampled_from("ab")), min_size=1, max_size=12
    )
)
def test_netting_equals_a_stack(rows: list[tuple[bool, int, str]]) -> None:
    """The vectorised rule against pushing and popping units one line after the other."""
    table = lines(*(back(q, user_id=u) if b else sale(q, user_id=u) for b, q, u in rows))
    stacks: dict[str, list[list[int]]] = {"a": [], "b": []}
    for number, (is_back, quantity, user) in enumerate(rows, 1):
        stack = stacks[user]
        if not is_back:
            stack.append([number, quantity])
        while is_back and quantity and stack:
            taken = min(quantity, stack[-1][1])
            stack[-1][1] -= taken
            quantity -= taken
            if not stack[-1][1]:
                stack.pop()
    kept, steps = net_returns(table, "net")
    expected = {number: left for stack in stacks.values() for number, left in stack}
    assert {r[LINE]: r["quantity"] for r in kept.to_dicts()} == expected
    assert table.height == kept.height + sum(s.lines for s in steps if s.removed)


def test_anonymous_lines_become_a_visitor_per_order() -> None:
    table = lines(
        {"user_id": None, "order_id": "7"},
        {"user_id": None, "order_id": None, "session_id": "s"},
        {"user_id": None, "order_id": None},
        {},
    )
    kept, steps = name_visitors(table, "keep")
    assert kept["user_id"].to_list() == ["anonymous/7", "anonymous/s", "u"]
    assert told(steps) == {"no customer": 1, "anonymous": 2}
    kept, steps = name_visitors(table, "drop")
    assert kept["user_id"].to_list() == ["u"]
    assert told(steps) == {"no customer": 3}


def test_lines_without_price_units_or_product() -> None:
    table = lines(
        sale(1),
        {"value": 0.0},
        {"value": -3.0},
        {"quantity": 0.0},
        {"value": 0.0, "takes_back": True},
        {"value": 0.0, "takes_back": True, "user_id": None},
        {"value": None, "event": "view_item"},
        {"value": None},
    )
    kept, steps = drop_unpriced(table, "drop")
    assert kept[LINE].to_list() == [1, 5, 7, 8]
    assert told(steps) == {"no quantity": 1, "no price": 3}
    assert told(drop_unpriced(table, "keep")[1]) == {"no quantity": 1}
    assert told(drop_without_product(lines({"product_id": None}, {}))[1]) == {"no product": 1}


def test_non_products_and_period() -> None:
    table = lines({"not_product": True}, {"at": START - timedelta(days=400)}, {})
    assert limit_non_products(table, "drop")[0][LINE].to_list() == [2, 3]
    assert limit_non_products(table, "keep")[0].height == 3
    assert keep_period(table, date(2024, 1, 1), None)[0][LINE].to_list() == [1, 3]
    assert keep_period(table, None, date(2024, 1, 1))[0][LINE].to_list() == [2]
    assert keep_period(table, None, None)[1] == []


def test_outliers_are_flagged_clipped_or_dropped() -> None:
    """Twenty lines of one unit at 2.00; the limit is 1.5 ** 6 = 11.39 times the median."""
    table = lines(*[sale(1)] * 20, sale(11), sale(100), {"quantity": 1.0, "value": 200.0})
    flagged, steps = limit_outliers(table, "flag", 6.0)
    assert flagged.equals(table)
    assert told(steps) == {"absurd quantity": 1, "absurd price": 1}
    dropped, steps = limit_outliers(table, "drop", 6.0)
    assert dropped[LINE].to_list() == list(range(1, 22))
    assert sum(s.lines for s in steps if s.removed) == 2
    clipped, _ = limit_outliers(table, "clip", 6.0)
    tail = clipped.tail(2)
    assert tail["quantity"].to_list() == pytest.approx([1.5**6, 1.0])
    assert tail["value"].to_list() == pytest.approx([2 * 1.5**6, 2 * 1.5**6])


def test_prices_of_rare_products_are_left_alone() -> None:
    table = lines({"value": 1.0}, {"value": 500.0, "product_id": "rare"})
    assert told(limit_outliers(table, "flag", 6.0)[1]) == {}


def test_category_spelling_and_paths() -> None:
    table = pl.DataFrame(
        {
            LINE: [1, 2, 3, 4],
            "product_id": ["a", "b", "c", "d"],
            "category.0": ["Home & Garden", "HOME & GARDEN", "Home & Garden", None],
            "category.1": ["Lamps > desk", None, "lamps > desk", "Lost"],
        }
    )
    table, steps = unify_spelling(table)
    assert told(steps) == {"category spelling": 2}
    rows, categories = category_paths(table)
    leaf = "home & garden > lamps / desk"
    assert rows["category_id"].to_list() == [leaf, "home & garden", leaf, None]
    assert categories.rows() == [
        ("home & garden", "Home & Garden", 0, None),
        (leaf, "Lamps > desk", 1, "home & garden"),
    ]


FLAGS = ("unreadable", "duplicate", "not_product", "takes_back", "ambiguous", "nonexistent")
ROW = st.fixed_dictionaries(
    {flag: st.booleans() for flag in FLAGS}
    | {
        "event": st.sampled_from(["purchase", "view_item", None]),
        "user_id": st.sampled_from(["u", "v", None]),
        "product_id": st.sampled_from(["p", "q", None]),
        "order_id": st.sampled_from(["1", None]),
        "quantity": st.floats(0, 1e6),
        "value": st.one_of(st.none(), st.floats(-10, 1e6)),
    }
)
CLEANING = st.fixed_dictionaries(
    {
        "duplicates": st.sampled_from(["drop", "keep"]),
        "anonymous": st.sampled_from(["drop", "keep"]),
        "no_price": st.sampled_from(["drop", "keep"]),
        "outliers": st.sampled_from(["flag", "clip", "drop"]),
    }
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=15), CLEANING, st.sampled_from(["net", "drop"]))
def test_every_line_is_accounted_for(
    rows: list[dict[str, Any]], cleaning: dict[str, str], effect: str
) -> None:
    options = "\n".join(f'{k} = "{v}"' for k, v in cleaning.items())
    mapping = parse_mapping(
        '[events]\nfile = "f"\nuser = "u"\nproduct = "p"\nat = "t"\n'
        f'[cancellations]\neffect = "{effect}"\n[cleaning]\n{options}'
    )
    for row in rows:
        row["takes_back"] = row["takes_back"] and row["event"] == "purchase"
    table = lines(*rows)
    kept, steps = clean(table, mapping)
    assert table.height == kept.height + sum(s.lines for s in steps if s.removed)
    assert kept["user_id"].null_count() == kept["product_id"].null_count() == 0
    assert not kept["takes_back"].any()
