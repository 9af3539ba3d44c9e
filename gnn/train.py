"""Training LightGCN for link prediction: from events to ``Embeddings``.

On a year of a grocer's baskets (740,000 pairs, 95,000 nodes) an epoch takes about two seconds on
two cores.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from gnn.adjacency import bipartite, normalised, pair_weights
from gnn.checkpoint import fingerprint
from gnn.config import LightGCNConfig
from gnn.embeddings import Embeddings
from gnn.lightgcn import LightGCN
from gnn.loop import Epoch, Fit, Validate, first_vectors, train
from gnn.tensors import choose_device, csr_tensor
from graph.interactions import FloatMatrix, InteractionGraph
from loaders.progress import Progress, silent

__all__ = ["Epoch", "Fit", "Validate", "fit"]


def fit(
    graph: InteractionGraph,
    config: LightGCNConfig | None = None,
    *,
    validate: Validate | None = None,
    start: Embeddings | None = None,
    checkpoint: Path | None = None,
    progress: Progress = silent,
) -> Fit:
    """Learn vectors of users and products from who chose what.

    On a CPU the same data, settings and number of threads give the same vectors to the last bit,
    whether or not the run was interrupted and resumed on the way.

    Args:
        graph: events; ids without any get zero vectors.
        config: settings; the defaults where left out.
        validate: asked every ``validate_every`` epochs and after the last; training stops once it
            has not improved ``patience`` times, and the best vectors are kept.
        start: vectors to begin from, over these id maps or shorter ones that these grew out of
            (``Embeddings.moved`` fits vectors of any other maps).
        checkpoint: file to resume from and to write after each epoch. One of other data or
            settings is not used, and ``progress`` says so.
        progress: told the loss and the last metric after each epoch.

    Raises:
        DataError: there is nothing to learn from, or ``start`` has more rows or another ``dim``.
        ConfigError: a GPU is asked for and there is none.
        KeyboardInterrupt: passed on; the checkpoint holds the last whole epoch.
    """
    config = config or LightGCNConfig()
    pairs = pair_weights(graph, config)
    return train(
        _model(pairs, config, start),
        pairs,
        config,
        fingerprint(config, pairs, start),
        validate=validate,
        checkpoint=checkpoint,
        progress=progress,
    )


def _model(pairs: FloatMatrix, config: LightGCNConfig, start: Embeddings | None) -> LightGCN:
    device = choose_device(config.device)
    connected = np.concatenate([pairs.sum(axis=1), pairs.sum(axis=0)]) > 0
    return LightGCN(
        torch.from_numpy(first_vectors(pairs.shape, config, start)).to(device),
        csr_tensor(bipartite(normalised(pairs)), device),
        torch.from_numpy(connected).to(device),
        layers=config.layers,
        cosine=config.cosine,
    )
