"""The heterogeneous encoder: each kind of edge its own map, over features and learned vectors.

Relational graph convolution after Schlichtkrull et al., "Modeling Relational Data with Graph
Convolutional Networks" (ESWC 2018, arXiv 1703.06103), one sparse product and one linear map an
edge type; without a nonlinearity between layers and averaged over them, as LightGCN (He et al.,
SIGIR 2020) found best for choices. A node begins as a map of its features plus a vector of its
own, which steps leave out at random, so that a node without one is at home in the same space:
Volkovs et al., "DropoutNet" (NeurIPS 2017).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnn.config import GnnConfig, LightGCNConfig
from gnn.nodes import NodeFeatures
from gnn.relations import Relation, belonging, event_relations
from gnn.tensors import product, tolerated
from graph.interactions import FloatMatrix, InteractionGraph

with tolerated(r"`torch\.jit\.script` is deprecated"):
    from torch_geometric.data import HeteroData
    from torch_geometric.nn.conv import HeteroConv, MessagePassing

__all__ = ["Hetero", "shop_data"]

ASIDE = 0.1
"""How much categories and brands say at first, beside events."""


def shop_data(
    graph: InteractionGraph,
    features: NodeFeatures,
    pairs: FloatMatrix,
    config: LightGCNConfig,
    device: torch.device,
) -> HeteroData:
    """The shop as ``HeteroData``: features of nodes, and a ``Relation`` for each edge type.

    Node types are user, product, category and brand; edge types the kinds of events that the shop
    has, ``in_category``, ``of_brand`` and ``child_of``.

    Raises:
        DataError: ``features`` are of another graph.
    """
    features.fits(graph)
    data = HeteroData()
    data["user"].x = torch.from_numpy(features.users).to(device)
    data["product"].x = torch.from_numpy(features.products).to(device)
    data["user"].has_pairs = _positive(pairs.sum(axis=1), device)
    data["product"].has_pairs = _positive(pairs.sum(axis=0), device)
    for name, ids in (("category", features.categories), ("brand", features.brands)):
        data[name].num_nodes = len(ids)
    for relation in (
        *event_relations(graph, pairs, config, device),
        *belonging(features, device),
    ):
        data[relation.ends].relation = relation
    return data


def _positive(sums: Any, device: torch.device) -> Tensor:
    return torch.from_numpy(np.asarray(sums) > 0).to(device)


class _Messages(MessagePassing):  # type: ignore[misc]
    """One edge type in one direction: neighbours summed by weight, then mapped."""

    def __init__(self, dim: int, scale: float) -> None:
        super().__init__(aggr="add")
        self.map = nn.Parameter(torch.eye(dim) * scale)

    def forward(self, x: Tensor | tuple[Tensor, Tensor], adj_t: Tensor, transposed: Tensor) -> Any:
        source = x if isinstance(x, Tensor) else x[0]
        return self.propagate(adj_t, x=source, transposed=transposed) @ self.map

    def message_and_aggregate(self, adj_t: Tensor, x: Tensor, transposed: Tensor) -> Tensor:
        return product(adj_t, transposed, x)


class Hetero(nn.Module):
    """The encoder over one shop.

    Args:
        data: as ``shop_data`` makes it.
        start: learned vectors of users followed by products before training, float32 [n, dim].
        config: ``layers``, ``cosine``, ``init_scale``, ``seed`` and ``hetero`` are read from it.
        n_pairs: how many pairs are learned; ``prepare`` names them by their places.
    """

    def __init__(self, data: HeteroData, start: Tensor, config: GnnConfig, n_pairs: int) -> None:
        super().__init__()
        self.config, self.n_pairs, dim = config, n_pairs, start.shape[1]
        # Plain attributes: the graph is data, not state to save with what was learned.
        self.x = {name: data[name].x for name in ("user", "product")}
        self.has_pairs = torch.cat([data[name].has_pairs for name in ("user", "product")])
        self.relations: list[Relation] = [data[ends].relation for ends in data.edge_types]
        self._adjacency = _joined(self.relations, None)
        self._whole = self._adjacency
        self._remembered = self.has_pairs
        self.own = nn.Parameter(start)
        drawn = torch.Generator().manual_seed(config.seed)
        self.groups_of = nn.ParameterDict(
            {
                name: torch.randn(data[name].num_nodes, dim, generator=drawn) * config.init_scale
                for name in ("category", "brand")
            }
        )
        self.maps = nn.ParameterDict(
            {name: torch.zeros(x.shape[1], dim) for name, x in self.x.items()}
        )
        self.layers = nn.ModuleList(self._layer(dim) for _ in range(config.layers))
        self.to(start.device)

    def _layer(self, dim: int) -> HeteroConv:
        convs: dict[Any, _Messages] = {}
        for relation in self.relations:
            scale = ASIDE if relation.mean else 1.0
            convs |= {ends: _Messages(dim, scale) for ends in (relation.ends, relation.reverse)}
        with tolerated("There exist node types"):
            return HeteroConv(convs, aggr="sum")

    @property
    def vectors(self) -> Tensor:
        """Learned vectors of users and products before propagation, [n, dim]."""
        return self.own

    def prepare(self, places: npt.NDArray[np.int64], rng: np.random.Generator) -> None:
        """Hide the pairs at ``places`` from the messages, and forget some nodes' own vectors."""
        settings, device = self.config.hetero, self.own.device
        if settings.hide:
            hidden = torch.zeros(self.n_pairs + 1, dtype=torch.bool, device=device)
            hidden[torch.from_numpy(places).to(device)] = True
            self._adjacency = _joined(self.relations, hidden)
        kept = rng.random(len(self.own), np.float32) >= settings.forget
        self._remembered = self.has_pairs & torch.from_numpy(kept).to(device)

    def forward(self, perturb: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """Vectors of users followed by products, [n, dim]: the mean over all layers.

        ``perturb`` is applied to each layer of users and products after its propagation.
        """
        x = self._first()
        users, total = len(x["user"]), torch.cat([x["user"], x["product"]])
        adj_t, transposed = self._adjacency
        for conv in self.layers:
            told = conv(x, adj_t, transposed_dict=transposed)
            x = {name: told.get(name, torch.zeros_like(old)) for name, old in x.items()}
            layer = torch.cat([x["user"], x["product"]])
            layer = layer if perturb is None else perturb(layer)
            x["user"], x["product"] = layer.tensor_split([users])
            total = total + layer
        mean = total / (len(self.layers) + 1)
        return functional.normalize(mean, dim=1, eps=1e-6) if self.config.cosine else mean

    def _first(self) -> dict[str, Tensor]:
        """Layer 0 of every node type: features mapped, and own vectors of those remembered."""
        own = self.own * self._remembered[:, None]
        users, products = own.tensor_split([len(self.x["user"])])
        first = {"user": users, "product": products, **self.groups_of}
        for name, x in self.x.items():
            first[name] = first[name] + x @ self.maps[name]
        return first

    def groups(self, config: LightGCNConfig) -> list[dict[str, Any]]:
        """Nodes' own vectors with one step size, maps that all share with another."""
        maps = [*self.maps.values(), *self.layers.parameters()]
        return [
            {"params": [self.own, *self.groups_of.values()], "lr": config.learning_rate},
            {"params": maps, "lr": self.config.hetero.rate},
        ]

    @torch.no_grad()
    def encode(self) -> Tensor:
        """The vectors with nothing hidden or forgotten, without their gradient, on the CPU."""
        self._adjacency, self._remembered = self._whole, self.has_pairs
        out: Tensor = self().cpu()
        return out


def _joined(
    relations: list[Relation], hidden: Tensor | None
) -> tuple[dict[Any, Tensor], dict[Any, Tensor]]:
    """Matrices of all edge types, and their transposes, each by edge type."""
    both = {k: v for r in relations for k, v in r.messages(hidden).items()}
    return {k: v[0] for k, v in both.items()}, {k: v[1] for k, v in both.items()}
