"""What customers came to shortly before and after: neighbours in the line of products.

Two products weigh ``exp(-steps / span)`` for each customer in whose line they stand that many
steps apart, at most ``window``; the sum is divided by powers of both products' buyers. A
customer's latest products lead. On check-ins this is nearness in space and season, which a
user-product matrix cannot tell; as a single scorer it does as well as a spectral filter on
Gowalla, and blended with one far better (``docs/encoders.md``).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from graph.interactions import FloatMatrix, InteractionGraph
from ranking.itemknn import ItemKNN
from ranking.matrices import largest_per_row
from ranking.order import Lines, lines_of

__all__ = ["fit_sequence"]


def fit_sequence(
    graph: InteractionGraph,
    *,
    window: int = 20,
    span: float = 10.0,
    reach: float = 1.0,
    held_power: float = 0.4,
    scored_power: float = 0.3,
    neighbours: int = 400,
) -> ItemKNN:
    """Fit neighbours in time.

    Args:
        graph: events; only purchases count.
        window: most steps between two products of one line.
        span: steps in which a neighbour's weight falls to 1/e.
        reach: a product with ``reach`` later ones counts half in its buyer's profile.
        held_power: buyers of the product held, to this power, divide its weights.
        scored_power: likewise of the product scored; 0 favours popular ones.
        neighbours: weights kept into each product scored.

    Returns:
        The scorer; the weights are symmetric before the powers and the pruning.
    """
    lines = lines_of(graph)
    near = _near(lines, window, span)
    buyers = np.bincount(lines.products, minlength=lines.shape[1])
    scored = sparse.diags_array(_power(buyers, scored_power))
    held = sparse.diags_array(_power(buyers, held_power))
    # Row: product scored. Pruned there, then turned to lead from the product held.
    weights = largest_per_row((scored @ near @ held).tocsr().astype(np.float32), neighbours)
    return ItemKNN("sequence", lines.recent(reach), weights.T.tocsr())


def _near(lines: Lines, window: int, span: float) -> FloatMatrix:
    """Summed weights of products in the same lines, symmetric CSR float32."""
    total = sparse.csr_array((lines.shape[1], lines.shape[1]), dtype=np.float32)
    for steps in range(1, window + 1):
        same = lines.users[steps:] == lines.users[:-steps]
        place = (lines.products[:-steps][same], lines.products[steps:][same])
        weight = np.full(int(same.sum()), np.exp(-steps / span), np.float32)
        total = total + sparse.coo_array((weight, place), shape=total.shape).tocsr()
    return sparse.csr_array(total + total.T)


def _power(buyers: npt.NDArray[np.int64], power: float) -> npt.NDArray[np.float32]:
    """``buyers ** -power``, 0 where nobody is, float32 [n_products]."""
    out = np.zeros(len(buyers), np.float32)
    out[buyers > 0] = buyers[buyers > 0].astype(np.float32) ** -power
    return out
