"""Scorers of baskets: what goes with what a basket holds, by the baskets of all customers.

Each is without customers: it scores a basket or a session, and nobody's history. To score many
baskets at once, ``of_baskets`` puts them in the customers' place.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from graph.interactions import FloatMatrix
from loaders.errors import ConfigError
from loaders.progress import Progress, silent
from ranking.blend import Blend
from ranking.itemknn import ItemKNN, cosine_neighbours
from ranking.popularity import Popularity
from ranking.scorer import SavedScorer
from ranking.vectors import Vectors

__all__ = ["basket_neighbours", "basket_vectors", "of_baskets", "pair_weights"]

Rows = npt.NDArray[np.int64]


def basket_neighbours(
    name: str,
    baskets: sparse.csr_array,
    *,
    neighbours: int = 100,
    shrink: float = 5.0,
    progress: Progress = silent,
) -> ItemKNN:
    """ItemKNN on baskets: products are alike when the same baskets hold them.

    Args:
        name: what it is called.
        baskets: which basket holds which product, CSR [n_baskets, n_products].
        neighbours: for each product scored, the number of most similar ones that count.
        shrink: added to the cosine's denominator, in baskets.
        progress: told the products done.
    """
    incidence: FloatMatrix = sparse.csr_array(baskets.astype(np.float32))
    near = cosine_neighbours(incidence, neighbours, shrink=shrink, progress=progress)
    return _without_customers(name, sparse.csr_array(near.T))


def pair_weights(
    name: str, first: Rows, second: Rows, weight: npt.NDArray[np.floating], products: int
) -> ItemKNN:
    """Rules from one product to another as a scorer: a basket adds up their weights.

    Args:
        name: what it is called.
        first: product row of each antecedent, int64 [n].
        second: product row of each consequent, int64 [n].
        weight: how much each counts, float [n].
        products: size of the catalogue.
    """
    entries = (weight.astype(np.float32), (first, second))
    matrix = sparse.csr_array(sparse.coo_array(entries, shape=(products, products)))
    return _without_customers(name, matrix)


def basket_vectors(vectors: Vectors) -> Vectors:
    """The same products without the customers, whom a basket does not ask for."""
    none = np.empty((0, vectors.users.shape[1]), np.float32)
    return Vectors(vectors.name, none, vectors.products, vectors.known, vectors.n_products)


def of_baskets(scorer: SavedScorer, baskets: FloatMatrix) -> SavedScorer:
    """The scorer with baskets for users: ``score`` of a row is ``score_profile`` of that basket.

    One product of matrices instead of one a basket, which is many times as fast.

    Args:
        scorer: popularity, neighbours, rules, vectors, or a blend of them.
        baskets: which basket holds which product, CSR float32 [n_baskets, n_products].

    Raises:
        ConfigError: the scorer, or a part of it, is of another kind.
    """
    if isinstance(scorer, Blend):
        return replace(scorer, parts=tuple(of_baskets(part, baskets) for part in scorer.parts))
    if isinstance(scorer, ItemKNN):
        return replace(scorer, profiles=baskets)
    if isinstance(scorer, Vectors):
        return scorer.with_users(baskets)
    if isinstance(scorer, Popularity):
        return scorer
    raise ConfigError(f"{type(scorer).__name__} does not score baskets")


def _without_customers(name: str, weights: FloatMatrix) -> ItemKNN:
    nobody: FloatMatrix = sparse.csr_array(np.empty((0, weights.shape[0]), np.float32))
    return ItemKNN(name, nobody, weights)
