"""What to serve in each mode, decided on the validation window alone.

A blend is served only where it beats the best single method by more than chance (the 95 %
interval of the paired difference over users excludes zero); otherwise the simpler one is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.bootstrap import paired_difference
from evaluation.harness import ndcg_judge, ndcg_of
from evaluation.split import Split
from loaders.progress import Progress, silent
from pipeline.config import EvaluationConfig
from pipeline.methods import BLENDED
from ranking.blend import Blend, tune_blend
from ranking.scorer import Mode, SavedScorer

__all__ = ["BLEND", "Choice", "ModeChoice", "choice_json", "choose", "default_choice"]

BLEND = "blend"


@dataclass(frozen=True)
class ModeChoice:
    """What won in one mode.

    Attributes:
        served: ``blend`` or the name of a single method.
        single: the best single method.
        weights: the blend's weights by method, as tuned.
        single_ndcg, blend_ndcg: on the validation window; ``None`` where nothing was measured.
        gain_low: lower end of the 95 % interval of the blend's gain over the single method.
    """

    served: str
    single: str
    weights: Mapping[str, float]
    single_ndcg: float | None = None
    blend_ndcg: float | None = None
    gain_low: float | None = None

    def blend(self, scorers: Mapping[str, SavedScorer]) -> Blend:
        """The blend over freshly fitted ``scorers``."""
        weights = np.array(list(self.weights.values()), np.float32)
        return Blend(BLEND, tuple(scorers[name] for name in self.weights), weights)

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the methods that serving this takes."""
        return tuple(self.weights) if self.served == BLEND else (self.served,)

    def scorer(self, scorers: Mapping[str, SavedScorer]) -> SavedScorer:
        """What is served, over freshly fitted ``scorers``."""
        return self.blend(scorers) if self.served == BLEND else scorers[self.served]


Choice = Mapping[Mode, ModeChoice]


def choose(
    scorers: Mapping[str, SavedScorer],
    split: Split,
    settings: EvaluationConfig,
    seed: int,
    progress: Progress = silent,
) -> dict[Mode, ModeChoice]:
    """Tune a blend a mode on ``split`` and decide between it and the best single method."""
    choice = default_choice()
    for done, mode in enumerate(split.relevant):
        progress("choose on validation", done, len(split.relevant))
        choice[mode] = _choose(mode, scorers, split, settings, seed)
    progress("choose on validation", len(split.relevant), len(split.relevant))
    return choice


def _choose(
    mode: Mode,
    scorers: Mapping[str, SavedScorer],
    split: Split,
    settings: EvaluationConfig,
    seed: int,
) -> ModeChoice:
    users, names = split.users(mode), list(scorers)
    if not len(users):
        return default_choice()[mode]
    tuned = tune_blend(
        list(scorers.values()),
        users,
        ndcg_judge(split, mode, users),
        lambda rows: split.allowed(rows, mode),
        k=settings.k,
        mixed=[names.index(name) for name in BLENDED],
        name=BLEND,
    )
    blend, single = (
        ndcg_of(lists, split, mode, users) for lists in (tuned.lists, tuned.single_lists)
    )
    gain = paired_difference(blend, single, samples=settings.bootstrap, seed=seed)
    best = names[tuned.single]
    weights = {
        p.name: round(float(w), 4)
        for p, w in zip(tuned.blend.parts, tuned.blend.weights, strict=True)
    }
    return ModeChoice(
        served=BLEND if gain.low > 0 else best,
        single=best,
        weights=weights,
        single_ndcg=float(single.mean()),
        blend_ndcg=float(blend.mean()),
        gain_low=gain.low,
    )


def default_choice() -> dict[Mode, ModeChoice]:
    """What is served where a shop is too young to be measured: plain, strong baselines."""
    habit, taste = "decayed personal frequency", "ItemKNN"
    return {
        "all": ModeChoice(habit, habit, {habit: 1.0}),
        "repeat": ModeChoice(habit, habit, {habit: 1.0}),
        "discover": ModeChoice(taste, taste, {taste: 1.0}),
    }


def choice_json(choice: Choice) -> dict[str, Any]:
    """The choice as plain keys, for manifests and reports."""
    return {
        mode: {
            "served": c.served,
            "best_single": c.single,
            "blend": dict(c.weights),
            "validation_ndcg": {"single": c.single_ndcg, "blend": c.blend_ndcg},
            "gain_low": c.gain_low,
        }
        for mode, c in choice.items()
    }
