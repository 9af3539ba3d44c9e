"""Training LightGCN for link prediction: from events to ``Embeddings``.

Each step takes a large share of the user-product pairs and propagates once over the whole graph,
so an epoch costs a few propagations. On a year of a grocer's baskets (740,000 pairs, 95,000 nodes)
an epoch takes about two seconds on two cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gnn.adjacency import bipartite, normalised, pair_weights
from gnn.checkpoint import fingerprint, load_checkpoint, save_checkpoint
from gnn.config import LightGCNConfig
from gnn.contrast import contrast
from gnn.embeddings import Embeddings, Vectors
from gnn.lightgcn import LightGCN
from gnn.losses import LOSSES, Batch, Catalogue
from gnn.tensors import choose_device, csr_tensor
from graph.interactions import FloatMatrix, InteractionGraph
from loaders.errors import DataError
from loaders.progress import Progress, silent

__all__ = ["Epoch", "Fit", "Validate", "fit"]

Validate = Callable[[Embeddings], float]
"""A figure of merit of some embeddings; higher is better."""


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
    run = _Run(pair_weights(graph, config), config, start)
    mark = fingerprint(config, run.pairs, start)
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
    return Fit(run.best or run.embeddings(), run.history, run.stopped)


@dataclass
class _Run:
    """A run's moving parts; all that lasts beyond an epoch is in ``state``."""

    pairs: FloatMatrix
    config: LightGCNConfig
    start: Embeddings | None
    history: list[Epoch] = field(default_factory=list)
    best: Embeddings | None = None

    def __post_init__(self) -> None:
        config, device = self.config, choose_device(self.config.device)
        popularity = np.asarray(self.pairs.sum(axis=0), np.float32)
        self.catalogue = Catalogue(popularity, config, device)
        connected = np.concatenate([np.asarray(self.pairs.sum(axis=1)), popularity]) > 0
        self.model = LightGCN(
            torch.from_numpy(_first_vectors(self.pairs.shape, config, self.start)).to(device),
            csr_tensor(bipartite(normalised(self.pairs)), device),
            torch.from_numpy(connected).to(device),
            layers=config.layers,
            cosine=config.cosine,
        )
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=config.learning_rate, fused=True
        )
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
        for batch in self._batches(rng):
            self.optimizer.zero_grad(set_to_none=True)
            loss = self._loss(batch, rng)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            total += float(loss.detach()) * len(batch.users)
        return total / self.pairs.nnz

    def _batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        order = rng.permutation(self.pairs.nnz)
        for at in range(0, len(order), self.config.batch_size):
            chosen = np.sort(order[at : at + self.config.batch_size])
            products = self.pairs.indices[chosen].astype(np.int64)
            yield Batch(self.users[chosen], products, self.pairs.data[chosen])

    def _loss(self, batch: Batch, rng: np.random.Generator) -> Tensor:
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
        embeddings = self.embeddings()
        metric = float(validate(embeddings))
        if metric > max((e.metric for e in self.history if e.metric is not None), default=-np.inf):
            self.best = embeddings
        return metric

    def embeddings(self) -> Embeddings:
        """The vectors as they stand."""
        users, products = np.split(self.model.encode().numpy(), [self.pairs.shape[0]])
        # Scores are only compared: times the temperature, vectors keep their length.
        bias = self.catalogue.bias * np.float32(self.config.temperature)
        return Embeddings(users, products, bias)

    def standing(self) -> str:
        """Loss and last metric, for people."""
        metrics = [e.metric for e in self.history if e.metric is not None]
        said = f", validation {metrics[-1]:.4f}" if metrics else ""
        return f"loss {self.history[-1].loss:.4f}{said}"

    def state(self) -> dict[str, Any]:
        """All it takes to go on from here."""
        best = self.best
        return {
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": [tuple(e) for e in self.history],
            "best": best
            and [torch.from_numpy(a) for a in (best.user_vectors, best.product_vectors)],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what ``state`` gave."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.history = [Epoch(*e) for e in state["history"]]
        if state["best"]:
            users, products = (t.numpy() for t in state["best"])
            self.best = Embeddings(users, products, self.embeddings().product_bias)


def _first_vectors(
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
