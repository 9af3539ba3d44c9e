from __future__ import annotations

from pathlib import Path

import pytest

from loaders import sources
from loaders.errors import ConfigError, DataError
from loaders.sources import load_source
from loaders.synthetic import synthetic_shop

MAPPING = '[events]\nfile = "sales.csv"\nuser = "u"\nproduct = "p"\nat = "t"\n'


def test_every_kind_of_source(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(MAPPING)
    (tmp_path / "sales.csv").write_text("u,p,t\n1,a,2024-01-01\n")
    (tmp_path / "other.csv").write_text("u,p,t\n1,a,2024-01-01\n2,a,2024-01-01\n")
    (tmp_path / "train.txt").write_text("0 1 2\n")
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "films.inter").write_text("user_id:token\titem_id:token\n1\tx\n")
    assert load_source("shop.toml", base_dir=tmp_path).events.height == 1
    assert load_source(str(tmp_path / "train.txt")).events.height == 2
    assert load_source("films", base_dir=tmp_path).events.height == 1
    assert load_source("films/films.inter", base_dir=tmp_path).events.height == 1
    replaced = load_source(str(tmp_path / "shop.toml"), files={"events": tmp_path / "other.csv"})
    assert replaced.users.height == 2


def test_a_synthetic_shop_has_its_seed() -> None:
    expected = synthetic_shop(20, seed=3).dataset.events
    assert load_source("synthetic:20", seed=3).events.equals(expected)
    assert not load_source("synthetic:20").events.equals(expected)
    assert load_source("synthetic:20:400").products.height == 400


def test_complete_journey_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = synthetic_shop(10).dataset
    monkeypatch.setattr(sources, "load_complete_journey", lambda progress: shop)
    assert load_source("complete-journey") is shop


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("nonsense", "'nonsense' is no source; expected complete-journey, synthetic:USERS"),
        ("synthetic:many", "10 users or more"),
        ("synthetic:3", "10 users or more"),
        ("synthetic:20:30", "40 products or more"),
        ("synthetic:20:100:3", "synthetic:USERS:PRODUCTS"),
        ("sales.csv", "coterie load --guess sales.csv"),
        ("none.toml", "cannot be read"),
    ],
)
def test_unknown_sources(tmp_path: Path, spec: str, words: str) -> None:
    (tmp_path / "sales.csv").write_text("u,p,t\n")
    with pytest.raises(ConfigError, match=words):
        load_source(spec, base_dir=tmp_path)


def test_files_belong_to_mappings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="of a mapping file only"):
        load_source("complete-journey", files={"events": "a.csv"})
    with pytest.raises(DataError, match="no such file"):
        load_source("none.txt", base_dir=tmp_path)


def test_progress_is_told_and_ends(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(MAPPING)
    (tmp_path / "sales.csv").write_text("u,p,t\n1,a,2024-01-01\n")
    told: list[tuple[str, int, int]] = []
    load_source("shop.toml", base_dir=tmp_path, progress=lambda *step: told.append(step))
    assert told == [("read", 0, 3), ("clean", 1, 3), ("describe", 2, 3), ("describe", 3, 3)]
