"""Hidden products: what is taken out, and ranks by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from evaluation.hidden import Hidden, gains, hide_one, hits, ranks
from loaders.errors import DataError


def test_one_product_of_each_basket_is_hidden() -> None:
    held = sparse.csr_array(np.array([[1, 1, 0], [0, 1, 0], [1, 1, 1]], np.bool_))
    found = hide_one(held, 10, seed=0)
    assert len(found) == 2
    for kept, hidden, whole in zip(found.kept, found.hidden, ({0, 1}, {0, 1, 2}), strict=True):
        assert {*kept.tolist(), int(hidden)} == whole and len(kept) == len(whole) - 1
    assert len(hide_one(held, 1, seed=0)) == 1
    with pytest.raises(DataError, match="two products"):
        hide_one(held[[1]], 10, seed=0)


def test_ranks_by_hand() -> None:
    # Products 0..4, 4 may not be listed; the popular come first among equals.
    scores = np.array([[9, 2, 2, 5, 8], [9, 2, 2, 5, 8]], np.float32)
    baskets = Hidden((np.array([0]), np.array([3])), np.array([1, 2]))
    eligible = np.array([True, True, True, True, False])
    found = ranks(lambda at: scores[at], baskets, eligible, np.array([2, 1, 0, 3, 4]))
    # Of the first basket 3 and the more popular 2 come before 1; of the second only 0 before 2.
    assert found.tolist() == [2, 1]
    assert hits(found, 2).tolist() == [0, 1]
    assert gains(found, 3).tolist() == pytest.approx([0.5, 0.63093], abs=1e-5)
    assert gains(found, 2).tolist() == pytest.approx([0, 0.63093], abs=1e-5)
