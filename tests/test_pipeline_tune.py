"""Trials on a tiny shop: found, remembered, resumed, written down."""

from __future__ import annotations

import sqlite3
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from shops import coterie, fresh

from graph.shop import Shop
from loaders.errors import ConfigError, DataError, StoreUnavailable
from loaders.synthetic import Planted
from pipeline import tune as module
from pipeline.build import read_home
from pipeline.config import Config, changed, load_config
from pipeline.home import Home
from pipeline.methods import NAMES, RECENT
from pipeline.spaces import SPACES, Choice, Setting, Space, Span
from pipeline.trials import Trials, open_trials
from pipeline.tune import Tuned, best_settings, settings_text, tunable, tune

SPACE = Space("all", {"ranking.half_life": Span(1, 100), "ranking.similar": Choice((1, 2))})
SETTINGS = """
seed = 5

[gnn]
epochs = 1
dim = 8
layers = 1

[evaluation]
ks = [5, 10]
window_days = 30
"""


def peak(settings: Mapping[str, Setting]) -> float:
    """Best at a half-life of 40 and the second of two."""
    away = abs(float(settings.get("ranking.half_life", 90)) - 40)
    return float(settings.get("ranking.similar", 1)) - away / 100


def search(file: Path, trials: int) -> tuple[float, dict[str, Setting]]:
    with open_trials(file) as opened:
        one = opened("one", SPACE, 3)
        one.measure_as_set(peak)
        while one.done < trials:
            one.next(peak)
        return one.best


def test_what_is_best_is_found_and_better_than_the_settings_as_they_are(tmp_path: Path) -> None:
    best, settings = search(tmp_path / "trials.db", 10)
    assert peak({}) == 0.5
    assert best > 1.7 and settings["ranking.similar"] == 2
    assert 10 < float(settings["ranking.half_life"]) < 70
    assert best == pytest.approx(peak(settings))


def test_an_interrupted_search_tries_what_it_would_have_tried(tmp_path: Path) -> None:
    expected = search(tmp_path / "whole.db", 6)
    asked: list[Mapping[str, Setting]] = []

    def interrupted(settings: Mapping[str, Setting]) -> float:
        asked.append(settings)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return peak(settings)

    with pytest.raises(KeyboardInterrupt), open_trials(tmp_path / "cut.db") as opened:
        one = opened("one", SPACE, 3)
        one.measure_as_set(peak)
        for _ in range(12):
            one.next(interrupted)
    with open_trials(tmp_path / "cut.db") as opened:
        assert opened("one", SPACE, 3).done == 2
        opened("one", SPACE, 3).next(lambda settings: asked.append(settings) or peak(settings))
    assert asked[3] == asked[2], "the trial that was cut off is repeated"
    assert search(tmp_path / "cut.db", 6) == expected


def test_a_trial_of_a_process_that_died_is_taken_up_again(tmp_path: Path) -> None:
    with open_trials(tmp_path / "trials.db") as opened:
        trial = opened("one", SPACE, 3).study.ask()
        trial.suggest_float("ranking.half_life", 1, 100)
        trial.suggest_categorical("ranking.similar", (1, 2))
        left = trial.params
    asked: list[Mapping[str, Setting]] = []
    with open_trials(tmp_path / "trials.db") as opened:
        one = opened("one", SPACE, 3)
        one.next(lambda settings: asked.append(settings) or 0.0)
        assert asked == [left] and one.done == 1


def test_settings_that_cannot_be_measured_do_not_end_the_search(tmp_path: Path) -> None:
    def fails(settings: Mapping[str, Setting]) -> float:
        raise DataError("too large")

    with open_trials(tmp_path / "trials.db") as opened:
        one = opened("one", SPACE, 3)
        one.next(fails)
        assert one.done == 0 and one.best == (float("-inf"), {})
        one.next(peak)
        assert one.done == 1


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trials.db").write_bytes(b"no database" * 100)
    with pytest.raises(ConfigError, match=r"trials\.db cannot be read as trials"):
        search(tmp_path / "trials.db", 1)


@pytest.fixture(scope="module")
def home(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> Home:
    return fresh(tmp_path_factory.mktemp("homes") / "tuned", planted.dataset, SETTINGS)


@pytest.fixture(scope="module")
def shop(home: Home) -> Shop:
    return read_home(home)


def test_the_command_writes_settings_that_a_build_takes(home: Home) -> None:
    def run(trials: int) -> dict[str, object]:
        names = (RECENT, NAMES["hetero"])
        asked = [part for name in names for part in ("--method", name)]
        ran = coterie("tune", *asked, "--trials", str(trials), "--home", home.path, "--json")
        assert ran.code == 0, ran.err
        found: dict[str, object] = ran.json
        return found

    first, more = run(1), run(1)
    assert first == more, "nothing is left to try, so nothing is tried"
    methods = more["methods"]
    assert isinstance(methods, list)
    assert [(m["method"], m["trials"]) for m in methods] == [
        (name, 1) for name in (RECENT, NAMES["hetero"])
    ]
    assert all(m["best"] >= m["as_set"] > 0 for m in methods)
    path = home.path / "tuned.toml"
    assert more["file"] == str(path)
    tuned, settings = load_config(path), more["settings"]
    assert isinstance(settings, dict)
    assert tuned == changed(load_config(home.path / "coterie.toml"), settings)
    assert tuned.seed == 5 and tuned.evaluation.ks == (5, 10)
    with sqlite3.connect(home.path / "tune" / "trials.db") as trials:
        assert trials.execute("select count(*) from studies").fetchone() == (2,)


def test_other_settings_begin_another_search(home: Home, shop: Shop, tmp_path: Path) -> None:
    said: list[tuple[str, int, int]] = []
    config = load_config(home.path / "coterie.toml")
    name, own = "decayed personal frequency", Home(tmp_path)

    def search(config: Config, trials: int) -> Tuned:
        minutes = 9.0 if trials else 0.0
        return tune(
            shop,
            config,
            own,
            minutes=minutes,
            trials=trials,
            methods=[name],
            progress=lambda *told: said.append(told),
        )[0]

    assert [search(config, 1).trials, search(config, 0).trials] == [1, 1]
    assert said[-1][0].endswith("after 1 trials") and said[0][2] == 540
    # What is searched may be set otherwise; the rest may not.
    assert search(changed(config, {"ranking.half_life": 50.0}), 0).trials == 1
    assert search(changed(config, {"ranking.recent_days": 7.0}), 0).trials == 0


def test_two_searches_at_once_are_refused(home: Home, shop: Shop) -> None:
    with module._alone(home.path / "tune"), pytest.raises(StoreUnavailable, match="another search"):
        tune(shop, Config(), home, minutes=0, trials=0, methods=[RECENT])


def test_an_unknown_method_is_named() -> None:
    ran = coterie("tune", "--method", "Magic", "--home", "none")
    assert ran.code != 0
    with pytest.raises(ConfigError, match="nothing to tune by the name of Magic; there are: rec"):
        tunable(Config(), ["EASE", "Magic"])
    assert "Chebyshev" not in tunable(Config())
    assert tunable(Config(), ["EASE", RECENT]) == [RECENT, "EASE"]


def test_a_shop_where_nobody_takes_up_anything_new_has_nobody_to_judge_by(
    home: Home, shop: Shop
) -> None:
    users, products = shop.graph.user_rows, shop.graph.product_rows
    first = np.zeros(len(shop.graph.users), np.int64)
    first[users[::-1]] = products[::-1]
    faithful = shop.graph.where(products == first[users])
    with pytest.raises(DataError, match="nobody to judge EASE by in mode discover"):
        tune(
            replace(shop, graph=faithful),
            load_config(home.path / "coterie.toml"),
            home,
            minutes=0,
            trials=0,
            methods=["EASE"],
        )


def test_every_space_is_of_settings_that_exist_and_holds_values_they_take() -> None:
    for space in SPACES.values():
        for name, values in space.settings.items():
            ends = values.values if isinstance(values, Choice) else (values.low, values.high)
            for value in ends:
                changed(Config(), {name: value})


def found(method: str, best: float, settings: dict[str, Setting]) -> Tuned:
    return Tuned(method, "discover", 3, 12.0, 0.1, best, settings)


def test_of_two_encoders_the_better_one_is_set() -> None:
    light = found("LightGCN", 0.2, {"gnn.layers": 3})
    hetero = found("hetero", 0.3, {"gnn.layers": 1, "gnn.hetero.rate": 0.01})
    ease = found("EASE", 0.4, {"ranking.ease_l2": 500.0})
    assert best_settings([ease, light]) == {"ranking.ease_l2": 500.0, "gnn.layers": 3}
    assert best_settings([light, hetero]) == {
        "gnn.layers": 1,
        "gnn.hetero.rate": 0.01,
        "gnn.encoder": "hetero",
    }


def test_settings_are_written_over_those_that_were_there() -> None:
    before = {"seed": 7, "gnn": {"dim": 8, "event_weights": {"rate": 0.1}}, "rules": {"x": "a"}}
    text = settings_text([found("hetero", 0.3, {"gnn.layers": 1, "gnn.hetero.rate": 0.01})], before)
    assert tomllib.loads(text) == {
        "seed": 7,
        "gnn": {"dim": 8, "layers": 1, "event_weights": {"rate": 0.1}, "hetero": {"rate": 0.01}},
        "rules": {"x": "a"},
    }
    assert "#   hetero (discover): 0.1000, 0.3000 in 3 trials, 12 s" in text


def test_trials_know_what_they_cost(tmp_path: Path) -> None:
    with open_trials(tmp_path / "trials.db") as opened:
        one: Trials = opened("one", SPACE, 0)
        assert one.seconds == 0 and one.as_set is None
        one.measure_as_set(peak)
        spent = one.seconds
        one.next(peak)
        assert 0 < spent < one.seconds
