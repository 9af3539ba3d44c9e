"""The training loop that encoders share: batches of pairs, validation, checkpoints, early stopping.

Each step takes a large share of the user-product pairs and propagates once over the whole graph,
so an epoch costs a few propagations, and memory grows with nodes times ``dim`` and with edges, but
never with their product.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gnn.checkpoint import load_checkpoint, save_checkpoint
from gnn.config import LightGCNConfig
from gnn.contrast import contrast
from gnn.embeddings import Embeddings, Vectors
from gnn.losses import LOSSES, Batch, Catalogue
from gnn.tensors import choose_device
from graph.interactions import FloatMatrix
from loaders.errors import DataError
from loaders.progress import Progress

__all__ = ["Epoch", "Fit", "Model", "Validate", "first_vectors", "train"]

Rng = np.random.Generator
Validate = Callable[[Embeddings], float]
"""A figure of merit of some embeddings; higher is better."""


class Model(Protocol):
    """What the loop asks of an encoder. ``vectors`` [n, dim] are what ``l2`` keeps short."""

    @property
    def vectors(self) -> Tensor:
        """Learned vectors of users and products before any propagation, [n, dim]."""
        ...

    def __call__(self, perturb: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """Vectors of users followed by products, [n_users + n_products, dim]."""
        ...

    def prepare(self, places: npt.NDArray[np.int64], rng: Rng) -> None:
        """Get ready for a step that learns the pairs at ``places``, in the order of the CSR."""
        ...

    def groups(self, config: LightGCNConfig) -> list[dict[str, Any]]:
        """Parameters and their step sizes, as an optimizer takes them."""
        ...

    def encode(self) -> Tensor:
        """The vectors without their gradient, on the CPU."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that was learned."""
        ...

    def load_state_dict(self, state: dict[str, Any], /) -> Any:
        """Take up what ``state_dict`` gave."""
        ...


class Epoch(NamedTuple):
    """One line of a run's history.

    Attributes:
        epoch: 1 for the first.
        loss: mean over the epoch's pairs, nats.
        metric: what ``validate`` said; ``None`` where it was not asked.
        seconds: what the epoch cost, validation included.
    """

    epoch: int
    loss: float
    metric: float | None
    seconds: float


@dataclass(frozen=True)
class Fit:
    """The outcome of training.

    Attributes:
        embeddings: those of the best validation; of the last epoch without one.
        history: one entry an epoch, those before a resumption included.
        stopped: ``patience`` where validation stopped improving, ``epochs`` where all were run.
    """

    embeddings: Embeddings
    history: list[Epoch]
    stopped: Literal["patience", "epochs"]


def train(
    model: Model,
    pairs: FloatMatrix,
    config: LightGCNConfig,
    mark: str,
    *,
    validate: Validate | None,
    checkpoint: Path | None,
    progress: Progress,
) -> Fit:
    """Train ``model`` in place; it ends with the weights of the best validation.

    Args:
        model: what gives vectors.
        pairs: weights to learn, CSR [n_users, n_products].
        config: settings.
        mark: fingerprint of the run; a checkpoint of another is not used.
        validate: asked every ``validate_every`` epochs and after the last.
        checkpoint: file to resume from and to write after each epoch.
        progress: told the loss and the last metric after each epoch.
    """
    run = _Run(model, pairs, config)
    if checkpoint is not None:
        state, found = load_checkpoint(checkpoint, mark)
        progress(f"train encoder: {found}", state["epoch"] if state else 0, config.epochs)
        if state is not None:
            run.restore(state)
    while not run.stopped:
        run.advance(validate)
        if checkpoint is not None:
            save_checkpoint(checkpoint, run.state(), mark)
        progress(f"train encoder: {run.standing()}", run.epoch, config.epochs)
    if run.best is not None:
        model.load_state_dict(run.best)
    return Fit(run.embeddings(), run.history, run.stopped)


@dataclass
class _Run:
    """A run's moving parts; all that lasts beyond an epoch is in ``state``."""

    model: Model
    pairs: FloatMatrix
    config: LightGCNConfig
    history: list[Epoch] = field(default_factory=list)
    best: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        popularity = np.asarray(self.pairs.sum(axis=0), np.float32)
        self.catalogue = Catalogue(popularity, self.config, choose_device(self.config.device))
        self.optimizer = torch.optim.Adam(self.model.groups(self.config), fused=True)
        rows = np.arange(self.pairs.shape[0], dtype=np.int64)
        self.users = np.repeat(rows, np.diff(self.pairs.indptr))

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.history)

    @property
    def stopped(self) -> Literal["patience", "epochs"] | None:
        """Why to stop, or ``None`` to go on."""
        metrics = [e.metric for e in self.history if e.metric is not None]
        since_best = len(metrics) - 1 - metrics.index(max(metrics)) if metrics else 0
        if since_best >= self.config.patience:
            return "patience"
        return "epochs" if self.epoch >= self.config.epochs else None

    def advance(self, validate: Validate | None) -> None:
        """Train one epoch, and validate where it is due."""
        began = time.perf_counter()
        epoch = self.epoch + 1
        loss = self._train(epoch)
        due = epoch % self.config.validate_every == 0 or epoch == self.config.epochs
        metric = self._validate(validate) if validate is not None and due else None
        self.history.append(Epoch(epoch, loss, metric, time.perf_counter() - began))

    def _train(self, epoch: int) -> float:
        # A generator of its own for each epoch, so that a resumed run draws as it would have.
        rng = np.random.default_rng([self.config.seed, epoch])
        total = 0.0
        for places, batch in self._batches(rng):
            self.model.prepare(places, rng)
            self.optimizer.zero_grad(set_to_none=True)
            loss = self._loss(batch, rng)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            total += float(loss.detach()) * len(batch.users)
        return total / self.pairs.nnz

    def _batches(self, rng: Rng) -> Iterator[tuple[npt.NDArray[np.int64], Batch]]:
        order = rng.permutation(self.pairs.nnz)
        for at in range(0, len(order), self.config.batch_size):
            chosen = np.sort(order[at : at + self.config.batch_size])
            products = self.pairs.indices[chosen].astype(np.int64)
            yield chosen, Batch(self.users[chosen], products, self.pairs.data[chosen])

    def _loss(self, batch: Batch, rng: Rng) -> Tensor:
        n_users = self.pairs.shape[0]
        users, products = self.model().tensor_split([n_users])
        loss = LOSSES[self.config.loss](users, products, batch, self.catalogue, rng)
        if self.config.contrast:
            apart = contrast(self.model, batch, n_users, self.config, rng)
            loss = loss + self.config.contrast * apart
        if self.config.l2:
            loss = loss + self.config.l2 * self.model.vectors.square().sum(1).mean()
        return loss

    def _validate(self, validate: Validate) -> float:
        metric = float(validate(self.embeddings()))
        if metric > max((e.metric for e in self.history if e.metric is not None), default=-np.inf):
            self.best = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        return metric

    def embeddings(self) -> Embeddings:
        """The vectors as they stand."""
        users, products = np.split(self.model.encode().numpy(), [self.pairs.shape[0]])
        # Scores are only compared: times the temperature, vectors keep their length.
        bias = self.catalogue.bias * np.float32(self.config.temperature)
        return Embeddings(users, products, bias)

    def standing(self) -> str:
        """Loss, last metric and what the epoch cost, for people."""
        metrics = [e.metric for e in self.history if e.metric is not None]
        said = f", validation {metrics[-1]:.4f}" if metrics else ""
        last = self.history[-1]
        return f"loss {last.loss:.4f}{said}, {last.seconds:.1f} s an epoch"

    def state(self) -> dict[str, Any]:
        """All it takes to go on from here."""
        return {
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": [tuple(e) for e in self.history],
            "best": self.best,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what ``state`` gave."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.history = [Epoch(*e) for e in state["history"]]
        self.best = state["best"]


def first_vectors(
    shape: tuple[int, int], config: LightGCNConfig, start: Embeddings | None
) -> Vectors:
    """Vectors of layer 0, float32 [n_users + n_products, dim].

    Those of ``start`` are brought to the length that random ones have, which the step size suits.

    Raises:
        DataError: ``start`` does not fit.
    """
    rng = np.random.default_rng([config.seed, 0])
    vectors = rng.standard_normal((sum(shape), config.dim), np.float32) * config.init_scale
    if start is None:
        return vectors
    given = (len(start.user_vectors), len(start.product_vectors))
    if start.dim != config.dim or given[0] > shape[0] or given[1] > shape[1]:
        raise DataError(
            f"expected vectors to start from of dim {config.dim} over at most {shape[0]:,} users"
            f" and {shape[1]:,} products, found dim {start.dim}, {given[0]:,} and {given[1]:,};"
            " start without, or move them to the new id maps first"
        )
    for at, known in ((0, start.user_vectors), (shape[0], start.product_vectors)):
        length = np.linalg.norm(known, axis=1, keepdims=True)
        held = np.flatnonzero(length > 0)
        scaled = known[held] / length[held] * config.init_scale * np.sqrt(config.dim)
        vectors[at + held] = scaled.astype(np.float32)
    return vectors
