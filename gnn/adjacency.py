"""From events to the matrix an encoder propagates over: weighted pairs, normalised both ways.

scipy only; ``gnn.tensors`` turns the result into torch's form.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from gnn.config import EventWeights, LightGCNConfig
from graph.interactions import FloatMatrix, InteractionGraph
from loaders.errors import DataError
from loaders.schema import EVENT_NAMES

__all__ = ["bipartite", "normalised", "pair_weights"]


def pair_weights(graph: InteractionGraph, config: LightGCNConfig) -> FloatMatrix:
    """Weight of each user-product pair, float32 CSR [n_users, n_products].

    Each event adds the weight of its name, halved every ``half_life`` days before the graph's last
    event; sums are then damped as the settings say. Pairs of no weight are left out.

    Raises:
        DataError: no pair has any weight, so there is nothing to learn from.
    """
    weights = _event_weights(config.event_weights)[graph.kinds]
    if config.half_life is not None:
        weights = weights * graph.decay(config.half_life)
    pairs = graph.matrix(weights)
    pairs.eliminate_zeros()
    if not pairs.nnz:
        raise DataError(
            f"expected events to learn from, found none with a weight among {len(graph):,};"
            " load events, cut later in time, or give their names a weight in event_weights"
        )
    if config.damping == "log":
        pairs.data = np.log1p(pairs.data)
    elif config.damping == "binary":
        pairs.data = np.ones_like(pairs.data)
    return pairs


def _event_weights(weights: EventWeights) -> npt.NDArray[np.float32]:
    return np.array([getattr(weights, name) for name in EVENT_NAMES], np.float32)


def normalised(pairs: FloatMatrix) -> FloatMatrix:
    """Each weight over the square root of its user's sum times its product's sum.

    Equation 3 of He et al., "LightGCN" (SIGIR 2020, arXiv 2002.02126), with weights in place of
    counts of neighbours; rows and columns of sum zero stay zero.
    """
    users = _inverse_root(np.asarray(pairs.sum(axis=1)))
    products = _inverse_root(np.asarray(pairs.sum(axis=0)))
    scaled = pairs.copy()
    scaled.data = pairs.data * np.repeat(users, np.diff(pairs.indptr)) * products[pairs.indices]
    return scaled


def _inverse_root(sums: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    positive = sums > 0
    root = np.zeros(len(sums), np.float32)
    root[positive] = 1 / np.sqrt(sums[positive])
    return root


def bipartite(pairs: FloatMatrix) -> FloatMatrix:
    """The symmetric matrix over users followed by products, float32 CSR [n, n], n = both."""
    blocks: list[list[Any]] = [[None, pairs], [pairs.T, None]]
    whole: FloatMatrix = sparse.csr_array(sparse.block_array(blocks, dtype=np.float32))
    whole.sort_indices()
    return whole
