"""Every method that can be measured and served: its name, and how it is fitted.

To add one: write its file in ``ranking/`` and its line in ``BASELINES``, or in ``gnn/`` and its
line in ``ENCODERS``. It is then trained, evaluated beside the others, and served where it wins;
encoders, and what is named in ``BLENDED``, are blended too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

from gnn.config import EncoderName, GnnConfig
from gnn.embeddings import Embeddings
from graph.interactions import InteractionGraph
from graph.shop import Shop
from loaders.errors import ConfigError
from loaders.progress import Progress, silent
from pipeline.config import Config
from ranking.ease import fit_ease
from ranking.itemknn import fit_itemknn
from ranking.personal import fit_personal
from ranking.popularity import fit_popularity
from ranking.scorer import SavedScorer
from ranking.sequence import fit_sequence
from ranking.spectral import fit_chebyshev
from ranking.vectors import Vectors

__all__ = [
    "BASELINES",
    "BLENDED",
    "ENCODER",
    "ENCODERS",
    "FILTERS",
    "NAMES",
    "RECENT",
    "Fitted",
    "Task",
    "fit_methods",
]

ENCODER: Final = "LightGCN"
"""The encoder of the default settings."""
NAMES: Final[dict[EncoderName, str]] = {"lightgcn": ENCODER, "hetero": "hetero"}
"""What tables call the encoders."""
RECENT: Final = "recent popularity"
BLENDED: Final = (
    RECENT,
    "personal frequency",
    "decayed personal frequency",
    "EASE",
    *NAMES.values(),
)
"""Parts a blend may have. ItemKNN adds little beside EASE and costs milliseconds a request."""
FILTERS: Final = ("Chebyshev", "sequence")
"""Baselines that compete only where ``ranking.filters`` says so."""
REFIT_EPOCHS: Final = 8
"""Epochs of a fit that starts from the vectors of an earlier one."""


@dataclass(frozen=True)
class Task:
    """What a method learns from.

    Attributes:
        graph: events it may see.
        config: all settings.
        progress: told how far it is.
        validate: quality of vectors on the window after ``graph``; stops training early.
        start: vectors to start from, of an earlier fit on less of the same shop.
        checkpoint: file that training can be taken up from.
        shop: tables that describe the users and products of ``graph``; without, an encoder goes
            by events alone.
    """

    graph: InteractionGraph
    config: Config
    progress: Progress = silent
    validate: Callable[[Embeddings], float] | None = None
    start: Embeddings | None = None
    checkpoint: Path | None = None
    shop: Shop | None = None


def fit_embeddings(task: Task) -> Embeddings:
    """Train the encoder.

    Raises:
        ConfigError: the training libraries are not installed.
    """
    config = task.config.gnn
    if task.start is not None:
        config = config.model_copy(update={"epochs": min(REFIT_EPOCHS, config.epochs)})
    try:
        return ENCODERS[config.encoder](task, config)
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "torch_geometric"):
            raise
        raise ConfigError(
            f"building needs {error.name}; install it: pip install 'coterie[learn]'"
        ) from error


class _Common(TypedDict):
    validate: Callable[[Embeddings], float] | None
    start: Embeddings | None
    checkpoint: Path | None
    progress: Progress


def _common(task: Task) -> _Common:
    return {
        "validate": task.validate,
        "start": task.start,
        "checkpoint": task.checkpoint,
        "progress": task.progress,
    }


def _lightgcn(task: Task, config: GnnConfig) -> Embeddings:
    from gnn.train import fit

    return fit(task.graph, config, **_common(task)).embeddings


def _hetero(task: Task, config: GnnConfig) -> Embeddings:
    from gnn.inductive import fit_hetero
    from pipeline.nodes import fit_describer

    features = None
    if task.shop is not None:
        describer = fit_describer(task.shop, task.graph, config.hetero, config.seed)
        features = describer.describe(task.shop, task.graph)
    return fit_hetero(task.graph, features, config, **_common(task)).embeddings


ENCODERS: Final[dict[EncoderName, Callable[[Task, GnnConfig], Embeddings]]] = {
    "lightgcn": _lightgcn,
    "hetero": _hetero,
}
"""Encoders by the name that ``gnn.encoder`` gives them; each imports its library when called."""

Fit = Callable[[Task], SavedScorer]

BASELINES: Final[dict[str, Fit]] = {
    "popularity": lambda t: fit_popularity(t.graph),
    RECENT: lambda t: fit_popularity(t.graph, window_days=t.config.ranking.recent_days),
    "personal frequency": lambda t: fit_personal(t.graph),
    "decayed personal frequency": lambda t: fit_personal(
        t.graph, half_life=t.config.ranking.half_life
    ),
    "ItemKNN": lambda t: fit_itemknn(
        t.graph,
        neighbours=t.config.ranking.knn_neighbours,
        shrink=t.config.ranking.knn_shrink,
        progress=t.progress,
    ),
    "EASE": lambda t: fit_ease(
        t.graph,
        products=t.config.ranking.ease_products,
        l2=t.config.ranking.ease_l2,
    ),
    "Chebyshev": lambda t: fit_chebyshev(t.graph, vectors=t.config.ranking.spectral_vectors),
    "sequence": lambda t: fit_sequence(t.graph),
}
"""What a good engineer would try first; the blend and the encoder are held against these."""


@dataclass(frozen=True)
class Fitted:
    """Scorers by name, the encoder's apart, and the vectors behind it."""

    scorers: Mapping[str, SavedScorer]
    embeddings: Embeddings
    encoder: SavedScorer


def fit_methods(task: Task, needed: Collection[str] | None = None) -> Fitted:
    """Fit the encoder, and the baselines that are ``needed``, on the same events.

    Without ``needed``, all that the settings let compete.
    """
    if needed is None:
        needed = BASELINES.keys() - (() if task.config.ranking.filters else FILTERS)
    scorers: dict[str, SavedScorer] = {}
    wanted = [name for name in BASELINES if name in needed]
    for i, name in enumerate(wanted):
        task.progress(f"fit baselines: {name}", i, len(wanted))
        scorers[name] = BASELINES[name](task)
    task.progress("fit baselines: done", len(wanted), len(wanted))
    embeddings = fit_embeddings(task)
    name = NAMES[task.config.gnn.encoder]
    scorers[name] = Vectors.of(name, *embeddings.folded())
    return Fitted(scorers, embeddings, scorers[name])
