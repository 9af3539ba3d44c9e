"""Bootstrap, harness and report together, on lists whose quality is known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from evaluation.bootstrap import bootstrap_mean, bootstrap_means, paired_difference
from evaluation.harness import evaluate, ndcg_judge
from evaluation.report import Report, build_report
from evaluation.split import Mode, Split, time_split
from loaders.errors import ConfigError, DataError
from tests.graphs import graph_of

# Eight users buy p0 and p1 before the cut; afterwards each buys p0, and every second p2.
LINES = [(u, p, 1.0, u) for u in range(8) for p in (0, 1)] + [(8, 2, 1.0, 8), (8, 3, 1.0, 8)]
LINES += [(u, 0, 5.0, 10 + u) for u in range(8)] + [(u, 2, 5.0, 10 + u) for u in range(0, 8, 2)]


@pytest.fixture(scope="module")
def split() -> Split:
    return time_split(graph_of(LINES, 9, 4), 4.0, min_lines=1)


def always(*products: int):  # type: ignore[no-untyped-def]
    def recommend(users: np.ndarray, k: int, mode: Mode) -> np.ndarray:
        lists = np.full((len(users), k), -1)
        lists[:, : min(k, len(products))] = products[:k]
        return lists

    return recommend


@pytest.fixture(scope="module")
def report(split: Split) -> Report:
    results = {
        name: evaluate(method, split, [1, 2], categories=np.array([0, 0, 1, 1]))
        for name, method in {
            "weak": always(1),
            "good": always(0, 1),
            "perfect": always(0, 2),
        }.items()
    }
    return build_report(
        results,
        baselines=["weak", "good"],
        counts=split.counts,
        settings={"cut": "day 4", "seed": 0},
        samples=200,
    )


def test_figures_are_means_over_the_users_tested(report: Report) -> None:
    assert report.value("good", "all", "recall", 1).value == 1
    assert report.value("good", "all", "recall_of_all", 1).value == 0.75
    assert report.value("perfect", "all", "ndcg", 2).value == 1
    assert report.value("perfect", "discover", "recall", 2).value == 1
    assert report.value("perfect", "discover", "recall", 2).users == 4
    assert report.value("weak", "all", "coverage", 2).value == 0.25
    assert report.value("good", "all", "diversity", 2).value == 0
    assert report.value("perfect", "all", "diversity", 2).value == 1
    assert report.value("weak", "all", "novelty", 1).value == pytest.approx(-np.log2(8 / 9))


def test_the_best_and_the_table(report: Report) -> None:
    assert report.best("all").method == "perfect"
    table = report.table("all", ("recall", "ndcg"), k=1)
    assert [line[0] for line in table] == ["good", "perfect", "weak"]
    assert table[0][1] == "1.0000 [1.0000, 1.0000]"
    with pytest.raises(ConfigError, match="no nothing in mode all"):
        report.best("all", "nothing")
    with pytest.raises(ConfigError, match="no ndcg@9 of 'good'"):
        report.value("good", "all", "ndcg", 9)


def test_others_are_compared_with_the_strongest_baseline(report: Report) -> None:
    found = {d.mode: d for d in report.differences}
    assert found["all"].method == "perfect"
    assert found["all"].baseline == "good"
    miss = 1 - 1 / (1 + 1 / np.log2(3))
    assert found["all"].value == pytest.approx(miss / 2)
    assert found["all"].significant
    assert not found["repeat"].significant
    assert (found["repeat"].value, found["repeat"].low) == (0, 0)


def test_json_has_plain_keys_and_survives(report: Report) -> None:
    data = json.loads(json.dumps(report.to_json()))
    assert data["counts"]["users_all"] == 8
    assert data["settings"]["cut"] == "day 4"
    assert set(data["rows"][0]) == {
        "method", "mode", "metric", "k", "value", "low", "high", "users",
    }  # fmt: skip
    assert data["differences"][0]["significant"] is True


def test_harness_refuses_what_it_cannot_measure(split: Split) -> None:
    for ks, modes in (([0], None), ([], None), ([5], ["dream"])):
        with pytest.raises(ConfigError, match="k of 1 or more"):
            evaluate(always(0), split, ks, modes)


def test_harness_says_how_far_it_is(split: Split) -> None:
    told: list[tuple[str, int, int]] = []
    evaluate(always(0), split, [1], ["all"], progress=lambda *a: told.append(a))
    assert told == [("evaluate all", 8, 8)]


def test_the_judge_is_the_mean_ndcg(split: Split) -> None:
    users = split.users("all")
    judge = ndcg_judge(split, "all", users)
    lists = always(0, 2)(users, 2, "all")
    assert judge(lists) == 1


def test_bootstrap_interval_is_near_the_normal_one() -> None:
    values = np.random.default_rng(3).normal(5, 2, 400)
    interval = bootstrap_mean(values, samples=4000, seed=1)
    error = values.std() / np.sqrt(400)
    assert interval.value == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - 1.96 * error, abs=error / 4)
    assert interval.high == pytest.approx(values.mean() + 1.96 * error, abs=error / 4)
    assert interval == bootstrap_mean(values, samples=4000, seed=1)
    assert interval != bootstrap_mean(values, samples=4000, seed=2)
    assert bootstrap_means(values[None], samples=4000, seed=1) == [interval]


def test_pairing_finds_a_small_steady_difference() -> None:
    noise = np.random.default_rng(0).normal(0, 10, 200)
    interval = paired_difference(noise + 0.1, noise)
    assert interval.low == pytest.approx(0.1)
    assert interval.excludes_zero


def test_pairs_need_the_same_users() -> None:
    with pytest.raises(DataError, match="same users; got 2 and 3"):
        paired_difference(np.zeros(2), np.zeros(3))
    with pytest.raises(DataError, match="at least one user"):
        bootstrap_mean(np.zeros(0))
