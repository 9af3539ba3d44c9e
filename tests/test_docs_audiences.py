"""Every condition has an example in ``docs/audiences.md``, which finds whom it should."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from audience_shop import defined, tables_of, who

from audiences.conditions import KINDS
from audiences.definition import parse

PAGE = (Path(__file__).parent.parent / "docs" / "audiences.md").read_text(encoding="utf-8")
SECTIONS = re.findall(r"^### (.+?)\n.*?```toml\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
MEMBERS = {
    "segment": ["ann", "cat", "dan"],
    "stage": ["bob", "cat"],
    "rfm": ["ann", "bob", "dan"],
    "value": ["ann", "bob", "dan"],
    "churn": ["bob", "cat"],
    "rhythm": ["ann", "bob", "dan"],
    "attribute": ["ann", "cat", "eve"],
    "bought": ["ann"],
    "not_bought": ["dan", "eve"],
    "sequence": ["cat"],
    "share": ["ann", "bob", "cat"],
    "likes": ["bob", "cat", "dan"],
    "similar": ["bob", "cat"],
    "audience": [],
    "all": ["dan", "eve"],
}


def test_every_kind_has_its_section_and_every_field_its_name() -> None:
    named = {kind for title, _ in SECTIONS for kind in re.findall(r"`(\w+)`", title)}
    known = {get_args(model.model_fields["kind"].annotation)[0] for model in KINDS}
    assert named == known
    text = PAGE.partition("## Conditions")[2].partition("## What is told")[0]
    for model in KINDS:
        for field in model.model_fields:
            assert re.search(rf"\b{field}\b", text), (model, field)


@pytest.mark.parametrize(("title", "example"), SECTIONS)
def test_every_example_runs(title: str, example: str) -> None:
    kind = re.findall(r"`(\w+)`", title)[0]
    (start,) = [t for t in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if "[where]" in t]
    lapsed = parse(tomllib.loads(start))
    assert who(tomllib.loads(example), library=[lapsed]) == MEMBERS[kind]


def test_the_explanation_shown_is_the_one_given() -> None:
    from audiences.explain import explain
    from audiences.plan import Evaluator, Plan
    from cli.audience_views import nodes

    (start,) = [t for t in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if "[where]" in t]
    tables = tables_of()
    plan = Plan.of(parse(tomllib.loads(start)), tables, {})
    tree = explain(Evaluator(tables), plan, "bob").tree
    shown = PAGE.partition("bob is not in lapsed\n")[2].partition("```")[0]
    for depth, node in nodes(tree):
        values = ", ".join(f"{key} {value}" for key, value in node.found.items())
        assert f"{'  ' * depth}{'yes' if node.met else 'no '}  {node.text}" in shown
        assert values in shown


def test_the_mistakes_shown_are_told_so() -> None:
    with pytest.raises(Exception, match="there is no category 'coffe'; there are 'coffee'"):
        who({"kind": "all", "of": [{"kind": "bought", "category": "coffe"}]})
    with pytest.raises(Exception) as error:
        defined({"kind": "bought", "dys": 3})
    assert "dys: is no key here; keys are product, category, brand, event, days," in str(
        error.value
    )
