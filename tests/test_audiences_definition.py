"""Definitions: TOML and JSON mean the same, and every mistake is told with its path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audiences.definition import canonical, parse, read_file
from loaders.errors import AudienceError, ConfigError

TOML = """
name = "lapsed"
title = "Lapsed coffee drinkers"

[where]
kind = "all"

[[where.of]]
kind = "bought"
category = "coffee"
times = 2

[[where.of]]
kind = "not"
of = { kind = "bought", category = "coffee", days = 30 }
"""
SAME = {
    "name": "lapsed",
    "title": "Lapsed coffee drinkers",
    "where": {
        "kind": "all",
        "of": [
            {"kind": "bought", "category": ["coffee"], "times": 2},
            {"kind": "not", "of": {"kind": "bought", "category": ["coffee"], "days": 30}},
        ],
    },
}


def test_toml_and_json_are_one_model(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(TOML)
    (tmp_path / "a.json").write_text(json.dumps(SAME))
    read = read_file(tmp_path / "a.toml")
    assert read == read_file(tmp_path / "a.json") == parse(SAME)
    assert parse(json.loads(canonical(read))) == read
    assert canonical(read.where) == (
        '{"kind": "all", "of": [{"category": ["coffee"], "kind": "bought", "times": 2}, '
        '{"kind": "not", "of": {"category": ["coffee"], "days": 30.0, "kind": "bought"}}]}'
    )


@pytest.mark.parametrize("name", ["a.toml", "a.json", "none.toml"])
def test_a_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("name = ")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ConfigError, match=name):
        read_file(tmp_path / name)


def problems(data: Any) -> dict[str, str]:
    with pytest.raises(AudienceError) as error:
        parse(data)
    assert all(path in str(error.value) for path, _ in error.value.problems)
    return dict(error.value.problems)


def test_every_mistake_is_listed() -> None:
    wrong = [
        {"kind": "bough"},
        {"kind": "bought", "dys": 3, "times": 0},
        {"kind": "not", "of": {"kind": "segment"}},
        {"kind": "value"},
        {},
        {"kind": "sequence", "first": {"vent": 1}, "within_days": 2},
        {"kind": "value", "min": 3, "max": 2},
        {"kind": "bought", "days": 3, "until_days": 3},
        {"kind": "share", "category": "coffee"},
        {"kind": "attribute", "name": "age"},
        {"kind": "similar"},
        {"kind": "all", "of": []},
    ]
    found = problems({"name": "My Audience", "where": {"kind": "any", "of": wrong}})
    kinds = (
        "segment, stage, rfm, value, churn, rhythm, attribute, bought, not_bought, sequence, "
        "share, likes, similar, audience, all, any, not"
    )
    assert found["name"] == (
        "'My Audience' is no name: take a-z, 0-9, - and _, at most 63 characters"
    )
    assert found["where.of.0.kind"] == f"there is no kind 'bough'; kinds are {kinds}"
    assert found["where.of.1.dys"].startswith("is no key here; keys are product, category, brand")
    assert found["where.of.1.times"] == "Input should be greater than or equal to 1 (got 0)"
    assert found["where.of.2.of.any_of"] == "is missing; keys are kind, any_of, min_strength"
    assert found["where.of.3"].startswith("give min, max or both")
    assert found["where.of.4.kind"] == f"say which kind of condition it is: {kinds}"
    assert found["where.of.5.first.vent"] == (
        "is no key here; keys are product, category, brand, event"
    )
    assert found["where.of.6"].startswith("min 3 is above max 2; swap them")
    assert found["where.of.7"].startswith("until_days must be below days, or no day is left")
    assert found["where.of.8"].startswith("give min above 0 or max below 1")
    assert found["where.of.9"].startswith("give one of: any_of; min, max or both; missing = true")
    assert found["where.of.10"].startswith("give either users or audience")
    assert found["where.of.11.of"].startswith("Tuple should have at least 1 item")
    assert len(found) == 14


@pytest.mark.parametrize("data", [5, None, [], {"where": 3}, {"name": "a", "where": [1]}])
def test_what_is_no_definition_at_all_is_told(data: Any) -> None:
    assert problems(data)


def test_a_definition_may_not_be_nested_without_end() -> None:
    where: dict[str, Any] = {"kind": "bought"}
    for _ in range(5_000):
        where = {"kind": "not", "of": where}
    assert problems({"name": "deep", "where": where}) == {
        "where": "conditions are nested deeper than 20; flatten it"
    }
