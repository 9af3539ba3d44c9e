"""What training asks of the vectors: sampled softmax, or Bayesian personalised ranking.

A score is ``user . product / temperature + bias of the product``. Both losses are means over the
pairs of a batch, weighted by the pairs' weights, in nats.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor
from torch.nn import functional

from gnn.config import LightGCNConfig
from gnn.tensors import csr_tensor, product
from graph.interactions import FloatMatrix

__all__ = ["LOSSES", "Batch", "Catalogue", "bpr", "sampled_softmax"]

Rng = np.random.Generator
CHUNK: Final = 8_192
"""Users whose scores of all negatives are held at once."""


@dataclass(frozen=True)
class Batch:
    """Some user-product pairs.

    Attributes:
        users, products: int64 [m]; ``users`` ascend.
        weights: float32 [m].
    """

    users: npt.NDArray[np.int64]
    products: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]

    def matrix(self, n_products: int) -> tuple[npt.NDArray[np.int64], FloatMatrix]:
        """The users named, int64 [r], and their weights as CSR [r, n_products]."""
        named, starts = np.unique(self.users, return_index=True)
        ends = np.append(starts, len(self.users))
        shape = (len(named), n_products)
        return named, sparse.csr_array((self.weights, self.products, ends), shape=shape)


@dataclass(frozen=True)
class Catalogue:
    """What losses know of the products.

    Attributes:
        popularity: float32 [n_products], summed weights of each product's pairs.
        config: temperature, popularity, negatives and their power are read from it.
        device: where the vectors are.
    """

    popularity: npt.NDArray[np.float32]
    config: LightGCNConfig
    device: torch.device

    @cached_property
    def bias(self) -> npt.NDArray[np.float32]:
        """Added to scores, float32 [n_products]: log popularity, 0 for products without pairs."""
        least = self.popularity[self.popularity > 0].min()
        return np.asarray(self.config.popularity * np.log1p(self.popularity / least), np.float32)

    @cached_property
    def bias_tensor(self) -> Tensor:
        """``bias`` on the device."""
        return torch.from_numpy(self.bias).to(self.device)

    @cached_property
    def _chances(self) -> npt.NDArray[np.float64]:
        live = self.popularity > 0
        powers = np.where(live, self.popularity, 1.0).astype(np.float64)
        powers = np.where(live, powers**self.config.negative_power, 0.0)
        return np.asarray(powers / powers.sum(), np.float64)

    @cached_property
    def _cumulated(self) -> npt.NDArray[np.float64]:
        total = np.cumsum(self._chances)
        return np.asarray(total / total[-1], np.float64)

    def draw(self, rng: Rng, count: int) -> tuple[Tensor, Tensor]:
        """Draw products: rows int64 [count], and the log of each one's chance float32 [count]."""
        rows = np.searchsorted(self._cumulated, rng.random(count), side="right")
        chances = np.log(self._chances[rows]).astype(np.float32)
        return self.tensor(rows), self.tensor(chances)

    def tensor(self, array: npt.NDArray[Any]) -> Tensor:
        """``array`` on the device."""
        return torch.from_numpy(array).to(self.device)


def sampled_softmax(
    users: Tensor, products: Tensor, batch: Batch, catalogue: Catalogue, rng: Rng
) -> Tensor:
    """Cross-entropy of the product bought, its normaliser estimated from sampled products.

    Samples are shared by all users of the batch; subtracting the log of their chance makes the
    estimate unbiased (Bengio and Senecal 2008). With vectors of length 1 this is the softmax loss
    that Wu et al. (arXiv 2201.02327) find best for graph encoders.

    Args:
        users: float32 [n_users, dim].
        products: float32 [n_products, dim].
        batch: pairs to learn.
        catalogue: popularity and settings.
        rng: source of the negatives.

    Returns:
        A scalar, in nats.
    """
    config, device = catalogue.config, catalogue.device
    named, weights = batch.matrix(len(products))
    matrix = csr_tensor(weights, device)
    transposed = csr_tensor(sparse.csr_array(weights.T), device)
    rows, log_chances = catalogue.draw(rng, config.negatives)
    near = users.index_select(0, catalogue.tensor(named)) / config.temperature
    totals = catalogue.tensor(np.asarray(weights.sum(axis=1)))
    offset = catalogue.bias_tensor[rows] - log_chances - math.log(config.negatives)
    normaliser = _log_normaliser(near, products.index_select(0, rows), offset, totals)
    # The scores of all pairs bought, summed, without gathering a vector for each pair.
    bought = (near * product(matrix, transposed, products)).sum()
    known = float(catalogue.bias[batch.products] @ batch.weights)
    return (normaliser - bought - known) / totals.sum()


def _log_normaliser(users: Tensor, negatives: Tensor, offset: Tensor, weights: Tensor) -> Tensor:
    total: Tensor = _LogNormaliser.apply(users, negatives, offset, weights)
    return total


class _LogNormaliser(torch.autograd.Function):
    """Sum over users of weight times logsumexp of scores, chunk by chunk.

    The gradient is taken on the way: the shares it needs are at hand then, and need not be kept.
    """

    @staticmethod
    def forward(
        ctx: Any, users: Tensor, negatives: Tensor, offset: Tensor, weights: Tensor
    ) -> Tensor:
        to_users, to_negatives = torch.empty_like(users), torch.zeros_like(negatives)
        total = users.new_zeros(())
        for at in range(0, len(users), CHUNK):
            chunk, weight = users[at : at + CHUNK], weights[at : at + CHUNK]
            scores = torch.addmm(offset, chunk, negatives.T)
            normaliser = scores.logsumexp(1)
            shares = scores.sub_(normaliser[:, None]).exp_().mul_(weight[:, None])
            to_users[at : at + CHUNK] = shares @ negatives
            to_negatives += shares.T @ chunk
            total += weight @ normaliser
        ctx.save_for_backward(to_users, to_negatives)
        return total

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:
        to_users, to_negatives = ctx.saved_tensors
        return to_users * grads[0], to_negatives * grads[0], None, None


def bpr(users: Tensor, products: Tensor, batch: Batch, catalogue: Catalogue, rng: Rng) -> Tensor:
    """Each product bought should score above one sampled product.

    Rendle et al., "BPR: Bayesian Personalized Ranking from Implicit Feedback" (UAI 2009, arXiv
    1205.2618), weighted. Arguments and result as of ``sampled_softmax``.
    """
    other, _ = catalogue.draw(rng, len(batch.users))
    bought, weights = catalogue.tensor(batch.products), catalogue.tensor(batch.weights)
    difference = products.index_select(0, bought) - products.index_select(0, other)
    user = users.index_select(0, catalogue.tensor(batch.users))
    margin = (user * difference).sum(1) / catalogue.config.temperature
    margin = margin + catalogue.bias_tensor[bought] - catalogue.bias_tensor[other]
    return weights @ functional.softplus(-margin) / weights.sum()


LOSSES: Final[
    Mapping[Literal["softmax", "bpr"], Callable[[Tensor, Tensor, Batch, Catalogue, Rng], Tensor]]
] = {"softmax": sampled_softmax, "bpr": bpr}
"""Losses by the name the settings give them."""
