"""RP3beta: where a walk of three steps from a customer ends, popular ends tempered.

Paudel et al., "Updatable, Accurate, Diverse, and Scalable Recommendations for Interactive
Applications" (TiiS 2017): from customer to product to customer to product, each edge with its
chance to the power ``alpha``, the end divided by its buyers to the power ``beta``.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from graph.interactions import FloatMatrix, InteractionGraph
from ranking.itemknn import ItemKNN
from ranking.matrices import bought_pairs, largest_per_row

__all__ = ["fit_rp3beta"]

BLOCK = 1024


def fit_rp3beta(
    graph: InteractionGraph, *, alpha: float = 1.0, beta: float = 0.5, neighbours: int = 200
) -> ItemKNN:
    """Fit RP3beta on who ever bought what.

    Args:
        graph: events; only purchases count.
        alpha: power of each step's chance.
        beta: power of the end's buyers.
        neighbours: weights kept from each product held.
    """
    profiles = bought_pairs(graph)
    backward = _chances(profiles.T.tocsr(), alpha)
    forward = _chances(profiles, alpha)
    buyers = np.maximum(np.bincount(profiles.indices, minlength=profiles.shape[1]), 1)
    tempered = sparse.diags_array((buyers.astype(np.float32) ** -beta).astype(np.float32))
    blocks = []
    for start in range(0, profiles.shape[1], BLOCK):
        ends = (backward[start : start + BLOCK] @ forward @ tempered).tocoo()
        row, column = ends.coords
        other = row + start != column
        parts = (ends.data[other], (row[other], column[other]))
        blocks.append(largest_per_row(sparse.csr_array(parts, shape=ends.shape), neighbours))
    return ItemKNN("RP3beta", profiles, sparse.vstack(blocks, format="csr"))


def _chances(pairs: FloatMatrix, alpha: float) -> FloatMatrix:
    """Each entry of 1 made the chance to leave its row by it, to the power ``alpha``."""
    counts = np.diff(pairs.indptr)
    chances = pairs.copy()
    chances.data = np.repeat(1 / np.maximum(counts, 1), counts).astype(np.float32) ** alpha
    return chances
