"""Category names as a person reads them."""

from __future__ import annotations

import pytest

from segments.words import readable


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("FRZN MEAT/MEAT DINNERS", "Frozen Meat"),
        ("Seafood - frozen", "Frozen Seafood"),
        ("Meat-pckgd", "Packaged Meat"),
        ("DIAPERS & DISPOSABLES", "Diapers & Disposables"),
        ("Yogurt not multi-packs", "Yogurt Not Multi-Packs"),
        ("FRUIT OF THE SEA", "Fruit of the Sea"),
        ("WATER - CARBONATED/FLVRD DRINK", "Carbonated Water"),
        ("iPhone cases", "iPhone Cases"),
        ("Bread:italian", "Bread"),
        ("7UP", "7up"),
        ("-", "-"),
        ("t-light holder", "T-Light Holder"),
        ("children's games", "Children's Games"),
    ],
)
def test_readable(name: str, expected: str) -> None:
    assert readable(name) == expected
