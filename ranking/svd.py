"""The largest singular vectors of a sparse matrix, by randomised subspace iteration.

Halko, Martinsson and Tropp, "Finding Structure with Randomness" (SIAM Review 2011), algorithm
4.4, each round with a Chebyshev polynomial in place of a plain power, which leaves nothing of the
small singular values (Zhou and Saad, "Block Chebyshev-Davidson Method", SIAM J. Sci. Comput. 2010).
User-product matrices need it: their singular values fall so slowly that plain rounds mix those at
the cut, which moved NDCG@20 of GF-CF on Gowalla by 1 %.
"""

from __future__ import annotations

import numpy as np

from graph.interactions import FloatMatrix
from ranking.scorer import Scores

__all__ = ["right_singular_vectors"]

DEGREE = 4
STEEP = 0.02
SPARE = 64
"""Vectors iterated beyond those asked for; the last ones converge slowest."""


def right_singular_vectors(
    matrix: FloatMatrix, n: int, *, rounds: int = 6, seed: int = 0
) -> tuple[Scores, Scores]:
    """Largest singular values and their right vectors.

    Args:
        matrix: CSR float32 [n_rows, n_columns].
        n: how many; fewer where the matrix has no more above a thousandth of the first.
        rounds: products with the matrix and back; more are closer.
        seed: of the start.

    Returns:
        Values float32 [n], falling, and vectors float32 [n_columns, n].
    """
    transposed = matrix.T.tocsr()
    # The block lives on the shorter side: orthogonalising it is what costs.
    short, long = (
        (matrix, transposed) if matrix.shape[0] > matrix.shape[1] else (transposed, matrix)
    )
    width = min(n + SPARE, *matrix.shape)
    block = np.random.default_rng(seed).standard_normal((short.shape[1], width), np.float32)
    for _ in range(rounds if width else 0):
        block = np.linalg.qr(_amplified(short, long, block))[0]
    image = short @ block
    squares, turn = np.linalg.eigh(image.T @ image)
    values = np.sqrt(np.maximum(squares[::-1][:n], 0))
    kept = values > 1e-3 * max(values.max(initial=0), 1e-9)
    turn = turn[:, ::-1][:, :n][:, kept]
    vectors = block @ turn if short is matrix else image @ (turn / values[kept])
    return values[kept].astype(np.float32), np.ascontiguousarray(vectors, np.float32)


def _amplified(short: FloatMatrix, long: FloatMatrix, block: Scores) -> Scores:
    """The Chebyshev polynomial of ``DEGREE`` in A = ``long @ short``, applied to ``block``.

    It is small from 0 to the block's own smallest value and grows steeply above. Where that value
    is a small part of the largest, A alone tells them well apart, and the polynomial would drown
    the vectors between in rounding.
    """
    image = short @ block
    squares = np.linalg.eigvalsh(image.T @ image) / np.linalg.norm(block, axis=0).max() ** 2
    once = long @ image
    if squares[0] < STEEP * squares[-1]:
        return np.asarray(once, np.float32)
    scale = np.float32(2 / squares[0])
    before, here = block, scale * once - block
    for _ in range(DEGREE - 1):
        following = 2 * (scale * (long @ (short @ here)) - here) - before
        before, here = here, following
    return np.asarray(here, np.float32)
