"""LightGCN on PyTorch Geometric's message passing: vectors of layer 0, propagated and averaged.

He et al., "LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation"
(SIGIR 2020, arXiv 2002.02126), over weighted edges.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnn.config import LightGCNConfig
from gnn.tensors import product, tolerated

with tolerated(r"`torch\.jit\.script` is deprecated"):
    from torch_geometric.nn.conv import MessagePassing

__all__ = ["LightGCN", "Propagation"]


class Propagation(MessagePassing):  # type: ignore[misc]
    """One layer: each node becomes the weighted sum of its neighbours (equation 3)."""

    def __init__(self) -> None:
        super().__init__(aggr="add")

    def forward(self, x: Tensor, adjacency: Tensor, edge_weight: Tensor | None = None) -> Tensor:
        """Propagate once.

        Args:
            x: float32 [n, dim].
            adjacency: symmetric CSR [n, n] with the weights in it, or an edge list int64 [2, m]
                (nine times slower on a CPU).
            edge_weight: float32 [m], with an edge list only.

        Returns:
            Tensor [n, dim].
        """
        out: Tensor = self.propagate(adjacency, x=x, edge_weight=edge_weight)
        return out

    def message(self, x_j: Tensor, edge_weight: Tensor) -> Tensor:
        """What an edge carries, [m, dim]."""
        return edge_weight[:, None] * x_j

    def message_and_aggregate(self, adj_t: Tensor, x: Tensor) -> Tensor:
        """All messages summed in one sparse product, [n, dim]; ``adj_t`` is its own transpose."""
        return product(adj_t, adj_t, x)


class LightGCN(nn.Module):
    """The encoder.

    Args:
        start: vectors of layer 0, float32 [n_users + n_products, dim]; users come first.
        adjacency: normalised symmetric CSR [n, n] over the same nodes.
        connected: bool [n]; the vectors of other nodes come out zero.
        layers: how often to propagate.
        cosine: whether vectors come out with length 1.
    """

    def __init__(
        self, start: Tensor, adjacency: Tensor, connected: Tensor, *, layers: int, cosine: bool
    ) -> None:
        super().__init__()
        self.vectors = nn.Parameter(start)
        self.layers, self.cosine = layers, cosine
        self.propagation = Propagation()
        # Plain attributes: the graph is data, not state to save with the vectors.
        self.adjacency, self.connected = adjacency, connected[:, None].to(start.dtype)

    def forward(self, perturb: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """Vectors of all nodes, [n, dim]: the mean over layers 0 to ``layers`` (equation 4).

        ``perturb`` is applied to each layer after its propagation.
        """
        layer: Tensor = self.vectors
        total = layer
        for _ in range(self.layers):
            layer = self.propagation(layer, self.adjacency)
            layer = layer if perturb is None else perturb(layer)
            total = total + layer
        mean = total * self.connected / (self.layers + 1)
        return functional.normalize(mean, dim=1, eps=1e-6) if self.cosine else mean

    def prepare(self, places: npt.NDArray[np.int64], rng: np.random.Generator) -> None:
        """Nothing: every step propagates over the same graph."""

    def groups(self, config: LightGCNConfig) -> list[dict[str, Any]]:
        """All parameters with one step size."""
        return [{"params": list(self.parameters()), "lr": config.learning_rate}]

    @torch.no_grad()
    def encode(self) -> Tensor:
        """The vectors without their gradient, on the CPU."""
        out: Tensor = self().cpu()
        return out
