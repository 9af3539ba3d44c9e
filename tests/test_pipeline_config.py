"""Settings: the file, the environment over it, the caller over both; mistakes are named."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from loaders.errors import ConfigError
from pipeline.config import Config, load_config, settings_table


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "coterie.toml"
    path.write_text("seed = 7\n[gnn]\ndim = 32\nepochs = 9\n[evaluation]\nk = 10\n")
    return path


def test_no_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load_config(tmp_path / "none.toml") == load_config(None) == Config()


def test_a_file_changes_what_it_names(file: Path) -> None:
    config = load_config(file)
    assert (config.gnn.dim, config.gnn.epochs, config.evaluation.k) == (32, 9, 10)
    assert config.gnn.layers == Config().gnn.layers


def test_the_environment_wins_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COTERIE_GNN__DIM", "48")
    monkeypatch.setenv("COTERIE_GNN__EVENT_WEIGHTS__VIEW_ITEM", "0.3")
    monkeypatch.setenv("COTERIE_EVALUATION__KS", "[3, 7]")
    config = load_config(file)
    assert (config.gnn.dim, config.gnn.epochs) == (48, 9)
    assert config.gnn.event_weights.view_item == 0.3
    assert config.evaluation.ks == (3, 7)


def test_the_caller_wins_over_both(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COTERIE_EVALUATION__K", "30")
    monkeypatch.setenv("COTERIE_EVALUATION__BOOTSTRAP", "60")
    config = load_config(file, evaluation={"k": 5})
    assert (config.evaluation.k, config.evaluation.bootstrap) == (5, 60)


def test_the_common_seed_reaches_each_section_that_has_none(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load_config(file)
    assert (config.seed, config.gnn.seed, config.segments.seed) == (7, 7, 7)
    monkeypatch.setenv("COTERIE_SEGMENTS__SEED", "2")
    config = load_config(file)
    assert (config.gnn.seed, config.segments.seed) == (7, 2)


def test_a_date_in_toml_is_midnight(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[evaluation]\ncut = 2017-12-01\n")
    cut = load_config(path).evaluation.cut
    assert cut is not None and cut.replace(tzinfo=UTC) == datetime(2017, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[gnn]\ndimm = 3", "gnn.dimm"),
        ("[gnn]\ndim = 0", "gnn.dim"),
        ("[gnn]\ndim = 'wide'", "gnn.dim"),
        ("gnn = 3", "gnn"),
        ("[shop]\nname = 'x'", "shop"),
        ("seed = -1", "seed"),
        ("[evaluation]\nks = []", "evaluation.ks"),
        ("[evaluation]\nks = [0]", "evaluation.ks.0"),
        ("[evaluation]\nbootstrap = 0", "evaluation.bootstrap"),
        ("[evaluation]\nwindow_days = -3", "evaluation.window_days"),
        ("[evaluation]\ncut = 'soon'", "evaluation.cut"),
        ("[segments]\nmin_segments = 9\nmax_segments = 3", "segments"),
        ("[snapshots]\nkeep = 0", "snapshots.keep"),
        ("[gnn\n", "not valid TOML"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "coterie.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_config(path)
    assert named in str(error.value) and str(path) in str(error.value)


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "coterie.toml"
    path.write_text("[gnn]\ndim = 0\n[rules]\ntop = 0\n")
    with pytest.raises(ConfigError, match=r"(?s)rules.top.*gnn.dim|gnn.dim.*rules.top"):
        load_config(path)


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("COTERIE_GNN__DIM", "many", "gnn.dim"),
        ("COTERIE_GNN__DIMM", "3", "gnn.dimm"),
        ("COTERIE_GMN__DIM", "3", "COTERIE_GMN__DIM"),
        ("COTERIE_EVALUATION__KS", "5,10", r"JSON, such as \[5, 10\]"),
    ],
)
def test_what_is_wrong_in_the_environment_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, named: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=named):
        load_config(None)


def test_variables_of_other_commands_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COTERIE_HOME", "/somewhere")
    assert load_config(None) == Config()


def test_a_folder_is_no_settings_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        load_config(tmp_path)


def test_every_setting_is_explained() -> None:
    table = settings_table()
    names = [name for name, _, _ in table]
    assert {"seed", "gnn.dim", "gnn.event_weights.rate", "evaluation.cut"} <= set(names)
    assert len(set(names)) == len(names) and all(meaning for _, _, meaning in table)
