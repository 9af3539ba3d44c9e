from __future__ import annotations

import pytest

from api.nearest import nearest_names

IDS = ["c1", "c2", "c3", "c4"]
NAMES = ["Fluid milk", "Canned milk", "Bread", "Milk"]


@pytest.mark.parametrize(
    ("asked", "clause"),
    [
        ("MILK", "; did you mean 'c4' (Milk) or 'c1' (Fluid milk) or 'c2' (Canned milk)?"),
        ("Braed", "; did you mean 'c3' (Bread)?"),
        ("c3", "; did you mean 'c3' (Bread)"),
        ("xyzzy", ""),
        ("", ""),
    ],
)
def test_names_that_hold_it_come_before_names_spelled_like_it(asked: str, clause: str) -> None:
    found = nearest_names(asked, IDS, NAMES)
    assert found.startswith(clause) and bool(found) == bool(clause)


def test_names_without_ids() -> None:
    assert nearest_names("lea", ["Oven", "Leaf"]) == "; did you mean 'Leaf'?"
