"""One edge type as two sparse matrices, one a direction, that a step can take edges out of.

Indices are made once; a step only writes weights, so hiding the pairs it learns costs a few passes
over the edges.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor

from gnn.adjacency import pair_weights
from gnn.config import EventWeights, LightGCNConfig
from gnn.nodes import NodeFeatures
from gnn.tensors import tolerated
from graph.interactions import FloatMatrix, InteractionGraph
from loaders.schema import EVENT_NAMES

__all__ = ["Relation", "belonging", "event_relations"]

Ends = tuple[str, str, str]
"""Source, name and target of an edge type, as PyTorch Geometric names them."""
EVENTLESS: Final = dict.fromkeys(EVENT_NAMES, 0.0)


@dataclass(frozen=True)
class Relation:
    """Weighted edges from nodes of one type to nodes of another.

    Attributes:
        ends: types of both ends and the name between them.
        forward: crow, col of the edges as CSR by source, int64.
        backward: crow, col of the same edges as CSR by target.
        order: place in ``forward`` of each edge of ``backward``, int64 [n_edges].
        sources, targets: rows of both ends in the order of ``forward``, int64 [n_edges].
        weights: float32 [n_edges].
        pairs: place of each edge among the pairs that are learned, int64 [n_edges]; -1 for none.
        mean: whether a node takes the mean over its neighbours; else weights are divided by the
            roots of both ends' sums, as in LightGCN.
    """

    ends: Ends
    forward: tuple[Tensor, Tensor]
    backward: tuple[Tensor, Tensor]
    order: Tensor
    sources: Tensor
    targets: Tensor
    weights: Tensor
    pairs: Tensor
    mean: bool

    @staticmethod
    def of(
        ends: Ends,
        matrix: FloatMatrix,
        device: torch.device,
        *,
        mean: bool,
        pairs: npt.NDArray[np.int64] | None = None,
    ) -> Relation:
        """From weights as CSR [n_sources, n_targets]."""
        numbered = sparse.csr_array(
            (np.arange(matrix.nnz), matrix.indices, matrix.indptr), shape=matrix.shape
        )
        turned = sparse.csr_array(numbered.T)
        turned.sort_indices()
        places = np.full(matrix.nnz, -1, np.int64) if pairs is None else pairs

        def tensor(array: npt.NDArray[Any]) -> Tensor:
            return torch.from_numpy(array.astype(np.int64)).to(device)

        return Relation(
            ends,
            (tensor(matrix.indptr), tensor(matrix.indices)),
            (tensor(turned.indptr), tensor(turned.indices)),
            tensor(turned.data),
            tensor(np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))),
            tensor(matrix.indices),
            torch.from_numpy(matrix.data.astype(np.float32)).to(device),
            tensor(places),
            mean,
        )

    @property
    def reverse(self) -> Ends:
        """The same edges read from target to source."""
        source, name, target = self.ends
        return target, f"rev_{name}", source

    def messages(self, hidden: Tensor | None = None) -> dict[Ends, tuple[Tensor, Tensor]]:
        """For each direction the matrix that carries messages, and its transpose.

        Args:
            hidden: bool [n_pairs + 1], pairs whose edges carry nothing; the last entry is of
                edges that are no pair.

        Returns:
            CSR tensors [n_targets, n_sources] and [n_sources, n_targets] for ``ends``, and for
            ``reverse`` the other way round.
        """
        weights = self.weights if hidden is None else self.weights * ~hidden[self.pairs]
        shape = (len(self.forward[0]) - 1, len(self.backward[0]) - 1)
        sums = [
            torch.zeros(size, device=weights.device).index_add_(0, rows, weights)
            for size, rows in zip(shape, (self.sources, self.targets), strict=True)
        ]
        to_targets, to_sources = self._scaled(weights, *sums)
        return {
            self.ends: self._both(to_targets, shape, turned=True),
            self.reverse: self._both(to_sources, shape, turned=False),
        }

    def _scaled(self, weights: Tensor, sources: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Weights of messages to targets and to sources, in the order of ``forward``."""
        if self.mean:
            return weights / _safe(targets)[self.targets], weights / _safe(sources)[self.sources]
        scale = (_safe(sources)[self.sources] * _safe(targets)[self.targets]).rsqrt()
        return weights * scale, weights * scale

    def _both(
        self, weights: Tensor, shape: tuple[int, int], *, turned: bool
    ) -> tuple[Tensor, Tensor]:
        by_source = _csr(self.forward, weights, shape)
        by_target = _csr(self.backward, weights[self.order], shape[::-1])
        return (by_target, by_source) if turned else (by_source, by_target)


def _safe(sums: Tensor) -> Tensor:
    return torch.where(sums > 0, sums, torch.ones_like(sums))


def _csr(index: tuple[Tensor, Tensor], weights: Tensor, shape: tuple[int, int]) -> Tensor:
    with tolerated("Sparse CSR tensor support is in beta state"):
        return torch.sparse_csr_tensor(*index, weights, size=shape, check_invariants=False)


def event_relations(
    graph: InteractionGraph, pairs: FloatMatrix, config: LightGCNConfig, device: torch.device
) -> Iterator[Relation]:
    """Each kind of event that ``graph`` has as its own edges; old events weigh less.

    Args:
        graph: events.
        pairs: what is learned, CSR [n_users, n_products] with sorted indices.
        config: ``half_life`` and ``damping`` are read from it.
        device: where the tensors go.
    """
    known = _keys(pairs)
    for name in EVENT_NAMES:
        of_kind = graph.where(graph.kinds == EVENT_NAMES.index(name))
        if not len(of_kind):
            continue
        alone = {"event_weights": EventWeights(**{**EVENTLESS, name: 1.0})}
        matrix = pair_weights(of_kind, config.model_copy(update=alone))
        keys = _keys(matrix)
        place = np.minimum(np.searchsorted(known, keys), max(len(known) - 1, 0))
        places = np.where(known[place] == keys, place, -1) if len(known) else None
        yield Relation.of(("user", name, "product"), matrix, device, mean=False, pairs=places)


def _keys(matrix: FloatMatrix) -> npt.NDArray[np.int64]:
    """One ascending number for each entry, int64 [nnz]."""
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    return np.asarray(rows * matrix.shape[1] + matrix.indices, np.int64)


def belonging(features: NodeFeatures, device: torch.device) -> Iterator[Relation]:
    """Products in categories and of brands, and categories below others, where there are any."""
    kinds = (
        (("product", "in_category", "category"), features.category, len(features.categories)),
        (("product", "of_brand", "brand"), features.brand, len(features.brands)),
        (("category", "child_of", "category"), features.parent, len(features.categories)),
    )
    for ends, targets, size in kinds:
        rows = np.flatnonzero(targets >= 0)
        if len(rows):
            ones = np.ones(len(rows), np.float32)
            shape = (len(targets), size)
            matrix = sparse.csr_array((ones, (rows, targets[rows])), shape=shape)
            yield Relation.of(ends, matrix, device, mean=True)
