from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ranking.lists import first_allowed, top_k


@given(
    st.lists(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0]), min_size=6, max_size=6)),
    st.lists(st.booleans(), min_size=6, max_size=6),
    st.integers(0, 9),
)
def test_top_k_equals_sorting_everything(
    table: list[list[float]], mask: list[bool], k: int
) -> None:
    scores = np.array(table, np.float32).reshape(-1, 6)
    rows, best = top_k(scores, np.array(mask), k)
    per_user, _ = top_k(scores, np.tile(mask, (len(scores), 1)), k)
    np.testing.assert_array_equal(rows, per_user)
    for i, line in enumerate(scores):
        order = sorted((p for p in range(6) if mask[p]), key=lambda p: (-line[p], p))[:k]
        assert rows[i].tolist() == order + [-1] * (k - len(order))
        assert best[i].tolist() == [line[p] for p in order] + [-np.inf] * (k - len(order))


@given(
    st.integers(0, 3000), st.integers(1, 60), st.sampled_from([0.0, 0.9, 0.999]), st.integers(0, 99)
)
def test_long_lines_equal_sorting(n: int, k: int, zeros: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    line = np.round(rng.normal(size=n), 2).astype(np.float32)
    line[rng.random(n) < zeros] = 0
    rows, _ = top_k(line[None], None, k)
    expected = np.lexsort((np.arange(n), -line))[:k]
    assert rows[0].tolist() == expected.tolist() + [-1] * (k - len(expected))


def test_never_means_never() -> None:
    rows, _ = top_k(np.array([[-np.inf, 1, -np.inf]], np.float32), None, 2)
    assert rows.tolist() == [[1, -1]]


def test_first_allowed_follows_the_order() -> None:
    allowed = np.array([True, False, True, True])
    assert first_allowed(np.array([3, 1, 0, 2]), allowed, 2).tolist() == [3, 0]
