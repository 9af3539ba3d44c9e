"""Communities by Neo4j Graph Data Science, where a server has it: FastRP, kNN and Leiden.

It gets who bought what, lines by log as in the other ways, and the categories that the other ways'
mixes are over. What leaves a choice was chosen on Complete Journey at the cut of 2017-11-01.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from segments.by_graph import searched
from segments.communities import least_size, merge_small, partitioned
from segments.config import SegmentsConfig
from segments.grouping import Customers, Fit, Grouping
from segments.mix import Counts
from segments.neighbours import UserGraph

if TYPE_CHECKING:
    from graph.neo4j_gds import Gds, Links, Projection

__all__ = ["NAME", "fit_gds", "gds_way"]

NAME: Final = "Neo4j GDS"

DIM: Final = 256
STEPS: Final = (0.0, 0.0, 1.0)
"""Three links from a customer are the products of those who buy alike. GDS's own (0, 1, 1) are
told in docs/results.md."""

CATEGORY: Final = 3.0
"""Weight of the link of a product and its category; one line bought weighs log 2."""


@contextmanager
def gds_way(address: str | None) -> Iterator[Mapping[str, Fit]]:
    """The way by the server at ``address`` under its name; none without an address.

    Raises:
        ConfigError: the address or login is wrong, or the server has no Graph Data Science.
        StoreUnavailable: it does not answer.
    """
    if not address:
        yield {}
        return
    # Only where it is needed: the driver loads pandas where that is installed.
    from graph.neo4j_gds import Gds

    with Gds(address) as gds:
        yield {NAME: partial(fit_gds, gds)}


def fit_gds(gds: Gds, customers: Customers, k: int, seed: int) -> Grouping:
    """Leiden at the resolution that gives ``k``, on the nearest by FastRP's embeddings.

    Communities too small to stand alone are joined as in ``fit_leiden``, along GDS's links.

    Args:
        gds: where it runs.
        customers: whom to group; as many neighbours each as in the user graph.
        k: how many, or the nearest number that a resolution gives.
        seed: of FastRP, kNN and Leiden.

    Raises:
        StoreUnavailable: the server does not answer, or has too little memory.
    """
    with gds.projected(_weighed(customers.bought), _categories(customers)) as projection:
        projection.embed(DIM, STEPS, seed)
        graph = projection.link_nearest(customers.config.neighbours, seed)
        at = partial(_communities, projection, graph, customers.config, seed)
        labels, resolution = searched(at, k)
    made = partitioned(graph, labels, resolution, 0.0)
    return Grouping(made.labels, made.strength)


def _weighed(bought: Counts) -> Counts:
    """Logs of lines, without those of weight 0."""
    weighed = bought.astype(np.float64)
    weighed.data = np.log1p(weighed.data)
    weighed.eliminate_zeros()
    return weighed


def _categories(customers: Customers) -> Links:
    """Links of categories and the products bought, of categories that hold several."""
    products = np.unique(customers.bought.indices)
    items = customers.items[products]
    sizes = np.bincount(items[items >= 0], minlength=int(customers.items.max(initial=0)) + 1)
    shared = (items >= 0) & (sizes[items] > 1)
    entries = (np.full(int(shared.sum()), CATEGORY), (items[shared], products[shared]))
    shape = (len(sizes), len(customers.items))
    return sparse.csr_array(sparse.coo_array(entries, shape=shape))


def _communities(
    projection: Projection, graph: UserGraph, config: SegmentsConfig, seed: int, resolution: float
) -> npt.NDArray[np.int64]:
    labels = projection.leiden(resolution, seed)
    return merge_small(graph, labels, least_size(graph, config))
