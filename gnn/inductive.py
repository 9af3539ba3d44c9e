"""Training the heterogeneous encoder, and encoding what it never saw.

Memory grows with nodes times ``dim`` and with edges: no vector is ever made for an edge. What was
trained encodes any later state of the same shop in one propagation: new customers by what they
clicked, new products by title, price, category and brand.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gnn.adjacency import pair_weights
from gnn.checkpoint import fingerprint
from gnn.config import GnnConfig
from gnn.embeddings import Embeddings
from gnn.hetero import Hetero, shop_data
from gnn.loop import Fit, Validate, first_vectors, train
from gnn.losses import Catalogue
from gnn.nodes import NodeFeatures
from gnn.tensors import choose_device
from graph.ids import IdMap
from graph.interactions import FloatMatrix, InteractionGraph
from loaders.errors import DataError
from loaders.progress import Progress, silent

__all__ = ["HeteroEncoder", "HeteroFit", "fit_hetero"]

OWN = "own"
GROUPS = {"categories": "groups_of.category", "brands": "groups_of.brand"}


@dataclass(frozen=True)
class HeteroEncoder:
    """What training left: maps, and the own vectors of the nodes it saw.

    Attributes:
        config: settings it was trained with.
        ids: ids of the rows of learned vectors: users, products, categories and brands.
        state: all that was learned.
    """

    config: GnnConfig
    ids: Mapping[str, IdMap]
    state: Mapping[str, Tensor]

    def encode(self, graph: InteractionGraph, features: NodeFeatures) -> Embeddings:
        """Vectors of everything in ``graph``, without training.

        Users and products that training did not see get theirs from features and neighbours.

        Args:
            graph: events, over any ids.
            features: over its rows, made as those it was trained with.

        Raises:
            DataError: no event has any weight, or features are not as they were in training.
        """
        pairs = pair_weights(graph, self.config)
        model = _model(graph, features, pairs, self.config, None)
        expected, moved = model.state_dict(), self._moved(graph, features)
        wrong = [
            name for name in expected if name in moved and expected[name].shape != moved[name].shape
        ]
        if wrong:
            raise DataError(
                f"expected features as in training; those behind {', '.join(wrong)} differ: make"
                " them with what made the first, or train again"
            )
        known = {name: tensor for name, tensor in moved.items() if name in expected}
        model.load_state_dict({**expected, **known})
        return _split(model.encode(), pairs, self.config)

    def _moved(self, graph: InteractionGraph, features: NodeFeatures) -> dict[str, Tensor]:
        """The state over other ids, zero for those that training did not see."""
        users, products = self.state[OWN].tensor_split([len(self.ids["users"])])
        own = [
            _rows(users, self.ids["users"], graph.users),
            _rows(products, self.ids["products"], graph.products),
        ]
        groups = {
            key: _rows(self.state[key], self.ids[name], getattr(features, name))
            for name, key in GROUPS.items()
        }
        return {**self.state, OWN: torch.cat(own), **groups}

    def save(self, path: Path) -> None:
        """Write it to ``path``, whole or not at all; it holds nothing that runs code."""
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.part")
        ids = {name: ids.ids.to_list() for name, ids in self.ids.items()}
        saved = {"config": self.config.model_dump_json(), "ids": ids, "state": dict(self.state)}
        torch.save(saved, aside)
        aside.replace(path)

    @staticmethod
    def load(path: Path) -> HeteroEncoder:
        """Read what ``save`` wrote.

        Raises:
            DataError: the file is missing or damaged.
        """
        try:
            saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise DataError(
                "expected a trained encoder, found none that reads; train again",
                file=str(path),
            ) from error
        ids = {name: IdMap.of(known) for name, known in saved["ids"].items()}
        return HeteroEncoder(GnnConfig.model_validate_json(saved["config"]), ids, saved["state"])


@dataclass(frozen=True)
class HeteroFit(Fit):
    """The outcome of training, and what encodes later states of the shop."""

    encoder: HeteroEncoder


def fit_hetero(
    graph: InteractionGraph,
    features: NodeFeatures | None = None,
    config: GnnConfig | None = None,
    *,
    validate: Validate | None = None,
    start: Embeddings | None = None,
    checkpoint: Path | None = None,
    progress: Progress = silent,
) -> HeteroFit:
    """Learn vectors of users and products from events, features and what belongs to what.

    Resumed, interrupted, seeded and stopped early as ``gnn.train.fit`` is.

    Args:
        graph: events; ids without any get vectors from their features.
        features: of its users and products; by events alone where left out.
        config: settings; the defaults where left out.
        validate: as for ``gnn.train.fit``, and so are the rest.
        start: vectors that users' and products' own ones begin from.
        checkpoint: file to resume from and to write after each epoch.
        progress: told the loss, the last metric and the seconds of each epoch.

    Raises:
        DataError: there is nothing to learn from, or ``features`` or ``start`` do not fit.
        ConfigError: a GPU is asked for and there is none.
        KeyboardInterrupt: passed on; the checkpoint holds the last whole epoch.
    """
    config = config or GnnConfig(encoder="hetero")
    features = features or NodeFeatures.unknown(graph)
    pairs = pair_weights(graph, config)
    model = _model(graph, features, pairs, config, start)
    known = (features.users, features.products, features.category, features.brand)
    mark = fingerprint(config, pairs, start, *known, features.parent, graph.kinds, graph.days)
    done = train(
        model, pairs, config, mark, validate=validate, checkpoint=checkpoint, progress=progress
    )
    ids = {
        "users": graph.users,
        "products": graph.products,
        "categories": features.categories,
        "brands": features.brands,
    }
    state = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    return HeteroFit(done.embeddings, done.history, done.stopped, HeteroEncoder(config, ids, state))


def _model(
    graph: InteractionGraph,
    features: NodeFeatures,
    pairs: FloatMatrix,
    config: GnnConfig,
    start: Embeddings | None,
) -> Hetero:
    device = choose_device(config.device)
    data = shop_data(graph, features, pairs, config, device)
    own = torch.from_numpy(first_vectors(pairs.shape, config, start)).to(device)
    return Hetero(data, own, config, pairs.nnz)


def _split(vectors: Tensor, pairs: FloatMatrix, config: GnnConfig) -> Embeddings:
    users, products = np.split(vectors.numpy(), [pairs.shape[0]])
    popularity = np.asarray(pairs.sum(axis=0), np.float32)
    bias = Catalogue(popularity, config, torch.device("cpu")).bias
    return Embeddings(users, products, bias * np.float32(config.temperature))


def _rows(vectors: Tensor, before: IdMap, after: IdMap) -> Tensor:
    """Vectors in the order of other ids, zero where an id is new."""
    rows = before.to_rows(after.ids, missing="negative")
    moved = torch.zeros(len(after), vectors.shape[1])
    held = np.flatnonzero(rows >= 0)
    moved[torch.from_numpy(held)] = vectors[torch.from_numpy(rows[held])]
    return moved
