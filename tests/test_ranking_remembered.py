"""A remembered answer is the scorer's, asked for once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ranking.remembered import Remembered
from ranking.scorer import Scores
from ranking.vectors import Vectors


@dataclass(frozen=True)
class Counted(Vectors):
    """Vectors that note whom they were asked about."""

    asked: list[list[int]] = field(default_factory=list)

    def score(self, user_rows: npt.NDArray[np.int64]) -> Scores:
        self.asked.append(user_rows.tolist())
        return super().score(user_rows)


def test_the_same_question_is_asked_once() -> None:
    vectors = np.array([[1, 0], [0, 2]], np.float32)
    scorer = Counted(**vars(Vectors.of("vectors", vectors, vectors)))
    remembered = Remembered((scorer,))
    first = remembered.score(np.array([0, 1]))
    first[:] = -1
    np.testing.assert_array_equal(remembered.score(np.array([0, 1])), [[1, 0], [0, 4]])
    np.testing.assert_array_equal(remembered.score(np.array([1, 0])), [[0, 4], [1, 0]])
    assert scorer.asked == [[0, 1], [1, 0]]
    assert remembered.name == "vectors"
    basket = np.array([1])
    np.testing.assert_array_equal(remembered.score_profile(basket), scorer.score_profile(basket))


def test_it_is_made_of_its_part() -> None:
    part = Vectors.of("vectors", np.ones((1, 1), np.float32), np.ones((1, 1), np.float32))
    remembered = Remembered((part,))
    again = Remembered.from_arrays(part.name, remembered.arrays(), remembered.parts)
    assert again.parts == (part,)
