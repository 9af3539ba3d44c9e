"""The largest singular vectors of a sparse matrix, by randomised subspace iteration.

Halko, Martinsson and Tropp, "Finding Structure with Randomness" (SIAM Review 2011), algorithm
4.4 followed by a Rayleigh-Ritz step: a few sparse products with a block of vectors, which costs a
tenth of Lanczos' one vector at a time.
"""

from __future__ import annotations

import numpy as np

from graph.interactions import FloatMatrix
from ranking.scorer import Scores

__all__ = ["right_singular_vectors"]

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
    for _ in range(rounds):
        block = np.linalg.qr(long @ (short @ block))[0]
    image = short @ block
    squares, turn = np.linalg.eigh(image.T @ image)
    values = np.sqrt(np.maximum(squares[::-1][:n], 0))
    kept = values > 1e-3 * max(values.max(initial=0), 1e-9)
    turn = turn[:, ::-1][:, :n][:, kept]
    vectors = block @ turn if short is matrix else image @ (turn / values[kept])
    return values[kept].astype(np.float32), np.ascontiguousarray(vectors, np.float32)
