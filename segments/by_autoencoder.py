"""k-means on the code of an autoencoder (torch, imported when it is fitted).

One hidden layer on either side of a code of ``CODE`` numbers, trained to give back each customer's
vectors; see Hinton and Salakhutdinov, "Reducing the dimensionality of data with neural networks"
(Science 2006).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from loaders.errors import ConfigError
from segments.by_centres import kmeans
from segments.grouping import Customers, Grouping
from segments.neighbours import Vectors

__all__ = ["encoded", "fit_autoencoder"]

HIDDEN, CODE = 64, 16
EPOCHS, BATCH, RATE = 60, 256, 2e-3


def encoded(vectors: Vectors, seed: int) -> Vectors:
    """Codes of ``vectors`` float32 [n, dim], float32 [n, CODE]; the same for the same seed.

    Raises:
        ConfigError: torch is not installed.
    """
    try:
        import torch
    except ModuleNotFoundError as error:
        message = "an autoencoder needs torch; install it: pip install 'coterie[learn]'"
        raise ConfigError(message) from error
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder, decoder = (_layers(torch, *sizes) for sizes in _sizes(vectors.shape[1]))
    shown: Any = torch.from_numpy(vectors)
    adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=RATE)
    for _ in range(EPOCHS):
        order: Any = torch.randperm(len(shown), generator=generator)
        for batch in order.split(BATCH):
            adam.zero_grad()
            missed = decoder(encoder(shown[batch])) - shown[batch]
            missed.square().sum(dim=1).mean().backward()
            adam.step()
    with torch.no_grad():
        return np.asarray(encoder(shown).numpy(), np.float32)


def fit_autoencoder(customers: Customers, k: int, seed: int) -> Grouping:
    """k-means on codes of the user graph's vectors."""
    return kmeans(encoded(customers.vectors, seed), k, seed)


def _sizes(dim: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    return (dim, HIDDEN, CODE), (CODE, HIDDEN, dim)


def _layers(torch: Any, into: int, hidden: int, out: int) -> Any:
    nn = torch.nn
    return nn.Sequential(nn.Linear(into, hidden), nn.ReLU(), nn.Linear(hidden, out))
