"""``RuleTable``: answers with their evidence, edges, and the way to disk and back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from loaders.errors import DataError
from rules.table import COLUMNS, MEASURES, SCHEMA, RuleTable


def _rule(
    antecedent: list[str], consequent: str, confidence: float, lift: float
) -> dict[str, object]:
    return {
        "level": "product",
        "kind": "together",
        "antecedent": antecedent,
        "consequent": [consequent],
        "count": 10,
        "support": 0.1,
        "confidence": confidence,
        "lift": lift,
        "leverage": 0.05,
        "conviction": None if confidence == 1 else 2.0,
        "p_value": 0.001,
        "q_value": 0.01,
    }


@pytest.fixture
def table() -> RuleTable:
    rules = [
        _rule(["bread"], "butter", 0.5, 2.0),
        _rule(["bread"], "jam", 0.4, 2.0),
        _rule(["milk"], "jam", 0.4, 2.0),
        _rule(["bread", "milk"], "honey", 1.0, 5.0),
        _rule(["butter"], "bread", 0.8, 1.6),
        {**_rule(["food"], "drink", 0.5, 2.0), "level": "category:0"},
    ]
    return RuleTable(
        pl.DataFrame(rules, schema=SCHEMA), {"product": 100, "category:0": 100}, {"product": 1}
    )


def test_bought_together_is_sorted_and_says_why(table: RuleTable) -> None:
    found = table.bought_together("bread", 5)
    assert [s.product_id for s in found] == ["butter", "jam"]
    assert found[0].score == pytest.approx(0.5 * 0.693147, abs=1e-6)
    assert found[0].rules[0].antecedent == ("bread",)
    assert found[0].rules[0].consequent == "butter"
    assert [s.product_id for s in table.bought_together("bread", 1)] == ["butter"]


def test_a_basket_adds_up_its_rules_and_uses_the_longer_ones(table: RuleTable) -> None:
    found = table.for_basket(["milk", "bread", "unheard of", "bread"], 5)
    assert [s.product_id for s in found] == ["honey", "jam", "butter"]
    assert found[0].rules[0].antecedent == ("bread", "milk")
    assert found[0].rules[0].measures["conviction"] is None
    assert {r.antecedent for r in found[1].rules} == {("bread",), ("milk",)}


def test_what_is_in_the_basket_is_not_suggested(table: RuleTable) -> None:
    assert [s.product_id for s in table.for_basket(["bread", "butter"], 5)] == ["jam"]


@pytest.mark.parametrize("basket", [[], ["unheard of"], ["jam"], ["food"]])
def test_nothing_known_nothing_suggested(table: RuleTable, basket: list[str]) -> None:
    assert table.for_basket(basket, 5) == []


def test_an_empty_table_answers() -> None:
    empty = RuleTable(pl.DataFrame(schema=SCHEMA), {"product": 0})
    assert empty.bought_together("bread", 3) == []
    assert empty.as_edges().height == 0


def test_edges_are_the_pairs_of_products(table: RuleTable) -> None:
    edges = table.as_edges()
    assert edges.columns == ["source", "target", *MEASURES]
    assert edges.select("source", "target").rows() == [
        ("bread", "butter"),
        ("bread", "jam"),
        ("milk", "jam"),
        ("butter", "bread"),
    ]


def test_a_rule_is_found_by_its_items(table: RuleTable) -> None:
    found = table.index.find(["milk", "bread"], "honey")
    assert found is not None
    assert (found.antecedent, found.known("lift")) == (("bread", "milk"), 5.0)
    assert table.index.find(["milk"], "honey") is None
    assert table.index.find(["milk", "bread", "butter"], "honey") is None
    assert table.index.find(["unheard of"], "honey") is None


def test_save_and_load(table: RuleTable, tmp_path: Path) -> None:
    path = tmp_path / "rules.parquet"
    table.save(path)
    again = RuleTable.load(path)
    assert again.frame.equals(table.frame)
    assert again.baskets == {"product": 100, "category:0": 100}
    assert again.capped == {"product": 1}
    assert again.for_basket(["milk", "bread"], 5) == table.for_basket(["milk", "bread"], 5)


def test_loading_something_else_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "rules.parquet"
    with pytest.raises(DataError, match="build it again"):
        RuleTable.load(path)
    pl.DataFrame({"a": [1]}).write_parquet(path)
    with pytest.raises(DataError, match="build it again"):
        RuleTable.load(path)


def test_every_column_is_described() -> None:
    assert list(COLUMNS) == list(SCHEMA)


def test_asking_rules_loads_neither_mlxtend_nor_pandas() -> None:
    code = "import sys, rules.table; print({'mlxtend', 'pandas', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_documentation_says_what_each_column_means() -> None:
    text = (Path(__file__).parent.parent / "docs" / "rules.md").read_text(encoding="utf-8")
    for column, meaning in COLUMNS.items():
        assert f"| `{column}` | {meaning} |" in text
