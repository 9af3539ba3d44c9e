"""What may be searched for each method: its settings, their ranges, and the mode it is judged in.

Methods that know what a customer bought are judged in mode all, those that find something new in
mode discover. A method that is not named here has nothing to tune.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.methods import NAMES, RECENT
from ranking.scorer import Mode

__all__ = ["SPACES", "Choice", "Setting", "Space", "Span"]

Setting = str | float | int


@dataclass(frozen=True)
class Span:
    """Numbers from ``low`` to ``high``, both included; ``log`` tries each factor equally often."""

    low: float
    high: float
    log: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: tuple[Setting, ...]


@dataclass(frozen=True)
class Space:
    """Settings by their dotted names, and the mode in which a method's lists are judged."""

    mode: Mode
    settings: Mapping[str, Span | Choice]


_ENCODER: Final[dict[str, Span | Choice]] = {
    "gnn.learning_rate": Span(0.005, 0.2, log=True),
    "gnn.layers": Span(1, 4, whole=True),
    "gnn.loss": Choice(("softmax", "bpr")),
    "gnn.temperature": Span(0.08, 0.6, log=True),
    "gnn.negative_power": Span(0, 1),
    "gnn.contrast": Choice((0.0, 0.02, 0.1)),
    "gnn.popularity": Span(0, 1.5),
    "gnn.half_life": Span(30, 1000, log=True),
}

SPACES: Final[dict[str, Space]] = {
    RECENT: Space("all", {"ranking.recent_days": Span(7, 180, log=True)}),
    "decayed personal frequency": Space("all", {"ranking.half_life": Span(7, 365, log=True)}),
    "ItemKNN": Space(
        "discover",
        {
            "ranking.knn_neighbours": Span(20, 500, log=True, whole=True),
            "ranking.knn_shrink": Span(0.5, 500, log=True),
        },
    ),
    "EASE": Space(
        "discover",
        {
            "ranking.ease_l2": Span(10, 100_000, log=True),
            "ranking.ease_products": Span(1_000, 8_000, log=True, whole=True),
        },
    ),
    "Chebyshev": Space(
        "discover", {"ranking.spectral_vectors": Span(16, 512, log=True, whole=True)}
    ),
    NAMES["lightgcn"]: Space("discover", _ENCODER),
    NAMES["hetero"]: Space(
        "discover",
        {
            **_ENCODER,
            "gnn.hetero.rate": Span(0.0005, 0.05, log=True),
            "gnn.hetero.forget": Span(0, 0.6),
        },
    ),
}
"""By the name of the method in tables; ``pipeline.methods`` knows how each is fitted."""
