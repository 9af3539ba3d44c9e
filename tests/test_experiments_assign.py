"""Who gets what: the same for ever, as often as asked, and unrelated between experiments."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest

from experiments.assign import held_out, place, takes_part, unit_of

UNITS = [f"u{i}" for i in range(4_000)]


@pytest.mark.parametrize(
    ("user", "session", "unit"),
    [
        ("1228", "s1", "1228"),
        (None, "s1", "anonymous/s1"),
        ("", "s1", "anonymous/s1"),
        (None, None, None),
    ],
)
def test_who_is_assigned_as_one(user: str | None, session: str | None, unit: str | None) -> None:
    assert unit_of(user, session) == unit


def test_the_hash_is_sha256_of_both_ids() -> None:
    """Told in the docs, so that a shop can work it out itself."""
    digest = hashlib.sha256(b"home\nZo\xc3\xab").digest()
    part, side = (int.from_bytes(digest[i : i + 8]) / 2**64 for i in (0, 8))
    assert takes_part("home", "Zoë", part + 1e-9) and not takes_part("home", "Zoë", part - 1e-9)
    assert place("home", "Zoë", (side + 1e-9, 1 - side - 1e-9)) == 0
    assert place("home", "Zoë", (side - 1e-9, 1 - side + 1e-9)) == 1


def test_variants_are_as_frequent_as_their_weights() -> None:
    counts = Counter(place("e", u, (1, 2, 1)) for u in UNITS)
    assert [round(counts[i] / len(UNITS), 1) for i in range(3)] == [0.2, 0.5, 0.3]
    assert abs(counts[1] / len(UNITS) - 0.5) < 0.03  # four standard errors
    assert place("e", "u", (1e-300, 1)) == 1


def test_a_larger_share_keeps_those_who_took_part() -> None:
    small = {u for u in UNITS if takes_part("e", u, 0.1)}
    large = {u for u in UNITS if takes_part("e", u, 0.3)}
    assert small < large and 340 < len(small) < 460
    assert all(takes_part("e", u, 1.0) for u in UNITS)
    # Taking part says nothing of the variant.
    assert abs(sum(place("e", u, (1, 1)) for u in large) / len(large) - 0.5) < 0.06


def test_experiments_know_nothing_of_each_other() -> None:
    both = Counter((place("e", u, (1, 1)), place("f", u, (1, 1))) for u in UNITS)
    assert all(abs(n / len(UNITS) - 0.25) < 0.03 for n in both.values())
    held = {u for u in UNITS if held_out("spring", u, 0.5)}
    assert abs(sum(held_out("summer", u, 0.5) for u in held) / len(held) - 0.5) < 0.05
