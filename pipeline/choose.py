"""What to serve in each mode, decided on the validation window alone.

A blend is served only where it beats the best single method by more than chance (the 95 %
interval of the paired difference over users excludes zero); otherwise the simpler one is. The
learned ranker has to beat in the same way what is served without it, and ranks above that.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.bootstrap import paired_difference
from evaluation.harness import ndcg_judge, ndcg_of
from evaluation.split import Split
from loaders.progress import Progress, silent
from pipeline.config import EvaluationConfig
from pipeline.methods import BLENDED
from pipeline.ranker import RANKER
from ranking.blend import Blend, tune_blend
from ranking.lists import top_k
from ranking.scorer import MODES, Mode, SavedScorer

__all__ = [
    "BLEND",
    "Choice",
    "ModeChoice",
    "choice_json",
    "choose",
    "choose_ranker",
    "default_choice",
]

BLEND = "blend"
BATCH = 256


@dataclass(frozen=True)
class ModeChoice:
    """What won in one mode.

    Attributes:
        served: ``learned ranker``, ``blend`` or the name of a single method.
        single: the best single method.
        weights: the blend's weights by method, as tuned.
        single_ndcg, blend_ndcg: on the validation window; ``None`` where nothing was measured.
        gain_low: lower end of the 95 % interval of the blend's gain over the single method.
        ranker_ndcg, ranker_gain_low: of the learned ranker, its gain being over what is served
            without it.
    """

    served: str
    single: str
    weights: Mapping[str, float]
    single_ndcg: float | None = None
    blend_ndcg: float | None = None
    gain_low: float | None = None
    ranker_ndcg: float | None = None
    ranker_gain_low: float | None = None

    @property
    def plain(self) -> str:
        """What is served without a learned ranker: ``blend`` or the single method."""
        if self.served != RANKER:
            return self.served
        return BLEND if self.gain_low is not None and self.gain_low > 0 else self.single

    def blend(self, scorers: Mapping[str, SavedScorer]) -> Blend:
        """The blend over freshly fitted ``scorers``."""
        return Blend.of(BLEND, scorers, self.weights)

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the methods that serving this takes."""
        return tuple(self.weights) if self.plain == BLEND else (self.plain,)

    def scorer(self, scorers: Mapping[str, SavedScorer]) -> SavedScorer:
        """What is served without a learned ranker, over freshly fitted ``scorers``."""
        return self.blend(scorers) if self.plain == BLEND else scorers[self.plain]


Choice = Mapping[Mode, ModeChoice]


def choose(
    scorers: Mapping[str, SavedScorer],
    split: Split,
    settings: EvaluationConfig,
    seed: int,
    progress: Progress = silent,
) -> dict[Mode, ModeChoice]:
    """Tune a blend a mode on ``split`` and decide between it and the best single method."""
    modes = list(split.relevant)
    progress("choose on validation", 0, len(modes))
    with ThreadPoolExecutor(len(MODES)) as pool:
        chosen = pool.map(lambda mode: _choose(mode, scorers, split, settings, seed), modes)
        choice = default_choice() | dict(zip(modes, chosen, strict=True))
    progress("choose on validation", len(modes), len(modes))
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
        mixed=[names.index(name) for name in BLENDED if name in scorers],
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


def choose_ranker(
    choice: Choice,
    scorers: Mapping[str, SavedScorer],
    ranked: Mapping[Mode, SavedScorer],
    split: Split,
    settings: EvaluationConfig,
    seed: int,
) -> dict[Mode, ModeChoice]:
    """``choice``, with the learned ranker served in modes where it gains on ``split``."""
    made = dict(choice)
    for mode in ranked.keys() & split.relevant.keys():
        users = split.users(mode)
        if not len(users):
            continue
        new, old = (
            _ndcg(scorer, split, mode, users, settings.k)
            for scorer in (ranked[mode], choice[mode].scorer(scorers))
        )
        low = paired_difference(new, old, samples=settings.bootstrap, seed=seed).low
        made[mode] = replace(
            choice[mode],
            served=RANKER if low > 0 else choice[mode].plain,
            ranker_ndcg=float(new.mean()),
            ranker_gain_low=low,
        )
    return made


def _ndcg(
    scorer: SavedScorer, split: Split, mode: Mode, users: npt.NDArray[np.int64], k: int
) -> npt.NDArray[np.float64]:
    """NDCG of a scorer's lists for each user, float64 [len(users)]."""
    lists = [
        top_k(scorer.score(batch), split.allowed(batch, mode), k)[0]
        for batch in np.array_split(users, -(-len(users) // BATCH))
    ]
    return ndcg_of(np.concatenate(lists), split, mode, users)


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
            "validation_ndcg": {
                "single": c.single_ndcg,
                "blend": c.blend_ndcg,
                "ranker": c.ranker_ndcg,
            },
            "gain_low": c.gain_low,
            "ranker_gain_low": c.ranker_gain_low,
        }
        for mode, c in choice.items()
    }
