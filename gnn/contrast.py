"""Contrast of two noisy views: each node should know itself again among others.

SimGCL, Yu et al., "Are Graph Augmentations Necessary? Simple Graph Contrastive Learning for
Recommendation" (SIGIR 2022, arXiv 2112.08679): instead of dropping edges, each layer's vectors get
noise of a set length in their own orthant. It spreads vectors out, away from the popular ones.
Costs two more propagations a step.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gnn.config import LightGCNConfig
from gnn.losses import Batch

__all__ = ["contrast", "info_nce", "perturbed"]

Rng = np.random.Generator
Encode = Callable[[Callable[[Tensor], Tensor]], Tensor]
"""Vectors of all nodes, something done to each layer after its propagation."""
NODES = 2_048
"""Users, and products, of a batch that are contrasted at most."""


def perturbed(layer: Tensor, length: float, rng: Rng) -> Tensor:
    """``layer`` [n, dim] plus, for each row, noise of this length with the signs of the row."""
    noise = torch.from_numpy(rng.random(layer.shape, np.float32)).to(layer.device)
    return layer + layer.sign() * functional.normalize(noise, dim=1) * length


def info_nce(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of finding row i of ``first`` at row i of ``second``, in nats.

    Args:
        first: a view of some nodes, [n, dim].
        second: another view of the same nodes, [n, dim].
        temperature: cosines are divided by it.

    Returns:
        The mean over the rows, a scalar.
    """
    cosines = functional.normalize(first, dim=1) @ functional.normalize(second, dim=1).T
    rows = torch.arange(len(first), device=first.device)
    return functional.cross_entropy(cosines / temperature, rows)


def contrast(model: Encode, batch: Batch, n_users: int, config: LightGCNConfig, rng: Rng) -> Tensor:
    """InfoNCE of the batch's users, and of its products, between two noisy views; their sum.

    Args:
        model: propagated twice, with noise after each layer.
        batch: whose nodes are contrasted.
        n_users: users come first among the nodes.
        config: ``noise`` and ``contrast_temperature`` are read from it.
        rng: source of noise, and of the nodes where the batch has more than ``NODES``.
    """
    first, second = (model(lambda layer: perturbed(layer, config.noise, rng)) for _ in range(2))
    total: Tensor = first.new_zeros(())
    for nodes in (np.unique(batch.users), np.unique(batch.products) + n_users):
        chosen = nodes if len(nodes) <= NODES else rng.choice(nodes, NODES, replace=False)
        rows = torch.from_numpy(chosen).to(first.device)
        total = total + info_nce(first[rows], second[rows], config.contrast_temperature)
    return total
