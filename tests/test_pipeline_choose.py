"""A blend is served where it beats the best single method by more than chance, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from graphs import graph_of

from evaluation.split import Split, time_split
from pipeline.choose import BLEND, ModeChoice, choice_json, choose, choose_ranker, default_choice
from pipeline.config import EvaluationConfig
from pipeline.methods import BASELINES, BLENDED, ENCODER, NAMES, RECENT
from pipeline.ranker import RANKER
from ranking.blend import Blend
from ranking.scorer import MODES, SavedScorer, Scores
from ranking.vectors import Vectors

USERS, PRODUCTS, CUT = 40, 30, 100.0
SETTINGS = EvaluationConfig(k=5, bootstrap=200)


def split_of(bought_later: Sequence[Sequence[int]]) -> Split:
    """Everybody bought product 0 before the cut, every product was bought, and then these."""
    before = [(u, 0, 1.0, u) for u in range(USERS)]
    before += [(0, p, 2.0, 100 + p) for p in range(PRODUCTS)]
    after = [(u, p, CUT + 1, 200 + u) for u, ps in enumerate(bought_later) for p in ps]
    return time_split(graph_of(before + after, USERS, PRODUCTS), CUT, None, 1)


def scorer(name: str, scores: Scores) -> SavedScorer:
    """A scorer that gives exactly ``scores``."""
    return Vectors.of(name, scores, np.eye(PRODUCTS, dtype=np.float32))


def truth(split: Split, share: float, seed: int) -> Scores:
    """Scores that know ``share`` of what each user buys later, with noise below them."""
    rng = np.random.default_rng(seed)
    known = split.relevant["all"].toarray() * (rng.random((USERS, PRODUCTS)) < share)
    return (known + 0.1 + rng.random((USERS, PRODUCTS)) * 0.2).astype(np.float32)


def later(seed: int = 0) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [[0, *rng.choice(np.arange(1, PRODUCTS), 4, replace=False)] for _ in range(USERS)]


def scorers(split: Split, shares: Sequence[float]) -> dict[str, SavedScorer]:
    names = [name for name in BLENDED if name != NAMES["hetero"]]  # one encoder is trained
    return {
        name: scorer(name, truth(split, share, i))
        for i, (name, share) in enumerate(zip(names, shares, strict=True))
    }


def test_the_only_method_that_knows_wins() -> None:
    split = split_of(later())
    choice = choose(scorers(split, (0, 0, 1, 0, 0)), split, SETTINGS, seed=0)
    assert choice["all"].single == choice["all"].served == "decayed personal frequency"
    assert choice["all"].single_ndcg == pytest.approx(1.0)
    assert choice["all"].needs == ("decayed personal frequency",)


def test_two_that_each_know_half_are_blended() -> None:
    split = split_of(later())
    choice = choose(scorers(split, (0, 0, 0, 0.5, 0.5)), split, SETTINGS, seed=0)
    found = choice["all"]
    assert found.served == BLEND and found.gain_low is not None and found.gain_low > 0
    assert found.blend_ndcg is not None and found.single_ndcg is not None
    assert found.blend_ndcg > found.single_ndcg
    assert found.weights["EASE"] > 0 and found.weights[ENCODER] > 0
    assert set(found.needs) == set(found.weights)


def test_the_same_seed_gives_the_same_choice() -> None:
    split = split_of(later())
    parts = scorers(split, (0.1, 0.1, 0.2, 0.3, 0.3))
    assert choose(parts, split, SETTINGS, seed=3) == choose(parts, split, SETTINGS, seed=3)


def test_a_mode_with_nobody_to_test_keeps_the_default() -> None:
    split = split_of([[1 + u % 20] for u in range(USERS)])  # nobody buys product 0 again
    parts = scorers(split, (0, 0, 1, 0, 0))
    choice = choose(parts, split, SETTINGS, seed=0)
    only = default_choice()["repeat"]
    assert len(split.users("repeat")) == 1  # user 0, who bought everything before
    assert choice["discover"].single == "decayed personal frequency"
    nobody = split_of([[], *([[1]] * (USERS - 1))])
    assert choose(parts, nobody, SETTINGS, seed=0)["repeat"] == only


def test_defaults_are_methods_that_exist() -> None:
    for choice in default_choice().values():
        assert set(choice.needs) <= set(BASELINES) and choice.single_ndcg is None
    assert {RECENT, ENCODER} <= set(BLENDED) and set(BLENDED) <= {*BASELINES, *NAMES.values()}


def test_a_choice_makes_its_scorer() -> None:
    split = split_of(later())
    parts = scorers(split, (0, 0, 1, 0, 0))
    single = ModeChoice("EASE", "EASE", {"EASE": 0.25, ENCODER: 0.75})
    assert single.scorer(parts) is parts["EASE"]
    blend = ModeChoice(BLEND, "EASE", {"EASE": 0.25, ENCODER: 0.75}).scorer(parts)
    assert isinstance(blend, Blend)
    assert [p.name for p in blend.parts] == ["EASE", ENCODER]
    assert blend.weights.tolist() == [0.25, 0.75]


def test_a_choice_as_plain_keys() -> None:
    choice = choice_json({"all": ModeChoice(BLEND, "EASE", {"EASE": 1.0}, 0.1, 0.2, 0.05)})
    assert choice == {
        "all": {
            "served": "blend",
            "best_single": "EASE",
            "blend": {"EASE": 1.0},
            "validation_ndcg": {"single": 0.1, "blend": 0.2, "ranker": None},
            "gain_low": 0.05,
            "ranker_gain_low": None,
        }
    }


@pytest.mark.parametrize("share", [0.9, 0.1])
def test_the_ranker_is_served_where_it_gains_and_nowhere_else(share: float) -> None:
    split = split_of(later())
    known = scorers(split, (0, 0, 0.5, 0, 0))
    single = {mode: ModeChoice("decayed personal frequency", "decayed personal frequency", {})
              for mode in MODES}  # fmt: skip
    ranked = {"all": scorer(RANKER, truth(split, share, 9))}
    made = choose_ranker(single, known, ranked, split, SETTINGS, seed=0)
    assert made["all"].served == (RANKER if share > 0.5 else "decayed personal frequency")
    assert made["all"].plain == "decayed personal frequency", "what is under the ranker's lists"
    assert made["repeat"] == single["repeat"], "no lists, no change"
    assert made["all"].ranker_ndcg is not None
    assert (made["all"].ranker_gain_low or 0) > 0 or share < 0.5
