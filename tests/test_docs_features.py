"""The page of features: every column there is, with the definition the code gives."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from insight_shop import line_shop

from lifecycle.behaviour import behaviour, joined
from lifecycle.config import LifecycleConfig
from lifecycle.drivers import DRIVERS
from lifecycle.occasions import find_occasions
from lifecycle.tastes import Shelves, tastes
from segments.facts import FACTS
from segments.features import FEATURES

PAGE = (Path(__file__).parent.parent / "docs" / "features.md").read_text("utf-8")


def _section(heading: str) -> str:
    return PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_features_of_customers() -> None:
    told = _section("What labels, trees and rules are learned from")
    assert dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", told, re.MULTILINE)) == FEATURES


def test_facts_of_profiles() -> None:
    told = _section("What profiles and claims tell")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", told, re.MULTILINE)
    assert rows == [(name, fact.group, fact.doc) for name, fact in FACTS.items()]


def test_columns_of_churn() -> None:
    shop = line_shop(["u", "v"], [(0, 0, 0.0, 1.0, 0), (1, 0, 3.0, 1.0, 1)], ["p"])
    occasions, config = find_occasions(shop.graph), LifecycleConfig()
    shelves = Shelves(np.zeros(1, np.int32), np.ones(1))
    parts = [behaviour(occasions, 4.0, config)]
    parts.append(tastes(shop.graph, occasions, shelves, 4.0, config))
    found = joined(parts)
    told = _section("What the risk of churn is learned from")
    rows = re.findall(r"^\| `(\w+)` \| (`.+`) \| \w+: .+ \|$", told, re.MULTILINE)
    listed = [(name, driver) for driver, names in rows for name in re.findall(r"`(\w+)`", names)]
    assert listed == list(zip(found.names, found.drivers, strict=True))
    assert {driver for driver, _ in rows} == set(DRIVERS)
