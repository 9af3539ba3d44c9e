"""Fixed splits in the NGCF format, small enough to work out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from loaders.errors import DataError
from pipeline.config import Config, load_config
from pipeline.fixed import evaluate_files

# Item 9 is the most popular in training, then 8, then 7; nobody holds all of them.
TRAIN = "0 1 9 8\n1 2 9 8 7\n2 3 9\n3 4 8 9\n4 5 7 9\n"
VALID = "0 2\n1 3\n2 8\n3 7\n4 8\n"
TEST = "0 7 3\n1 1\n2 7\n3 6\n5 9\n"


def small(**changes: object) -> Config:
    settings = {"ks": (2,), "k": 2, "bootstrap": 20}
    return load_config(None, gnn={"epochs": 2, "dim": 4}, evaluation=settings | changes)


def write(folder: Path, **files: str) -> dict[str, Path]:
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text)
    return {name: folder / f"{name}.txt" for name in files}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    return write(tmp_path, train=TRAIN, valid=VALID, test=TEST)


def test_popularity_worked_out_by_hand(files: dict[str, Path]) -> None:
    report = evaluate_files(files["train"], files["test"], files["valid"], small())
    # Buyers in training and validation: 9 five, 8 five, 7 three, 2 and 3 two, then 1, 4, 5.
    # Unseen, best first: user 0 gets 7 and 3, user 1 1|4|5, user 2 7 and 2, user 3 2 and 3.
    # User 0 bought 7 and 3, user 1 bought 1 (the first of three that tie), user 2 bought 7: found,
    # at the top. User 3 bought 6, which nobody has. User 4 bought nothing, user 5 is unknown.
    rows = {m: report.value("popularity", "discover", m, 2) for m in ("recall_of_all", "ndcg")}
    assert [r.value for r in rows.values()] == [0.75, 0.75]
    assert {r.users for r in rows.values()} == {4}
    # Listed for somebody: 7, 3, 1, 4 and 2 of the nine items.
    assert report.value("popularity", "discover", "coverage", 2).value == pytest.approx(5 / 9)
    assert report.counts["test_lines"] == 5 and report.counts["users_discover"] == 4


def test_only_discoveries_are_asked_for(files: dict[str, Path]) -> None:
    report = evaluate_files(files["train"], files["test"], files["valid"], small())
    assert {r.mode for r in report.rows} == {"discover"}
    assert report.settings["recall"] == "recall_of_all"
    names = {key: report.settings[key] for key in ("train", "valid", "test")}
    assert names == {"train": "train.txt", "valid": "valid.txt", "test": "test.txt"}
    assert "min_lines" not in report.settings  # every product counts, however rare


def test_recall_of_all_divides_by_everything_bought(tmp_path: Path) -> None:
    # One customer buys four new items and the list has two places: all that a list of two can do
    # is half of what was bought.
    files = write(
        tmp_path,
        train="0 1\n" + "".join(f"{u} 2 3 4 5\n" for u in range(1, 6)),
        valid="0 6\n1 6\n2 6\n",
        test="0 2 3 4 5\n",
    )
    report = evaluate_files(files["train"], files["test"], files["valid"], small())
    assert report.value("popularity", "discover", "recall_of_all", 2).value == 0.5
    assert report.value("popularity", "discover", "recall", 2).value == 1.0
    assert report.value("popularity", "discover", "ndcg", 2).value == 1.0


def test_without_a_validation_file_the_last_eighth_of_each_line_is_it(tmp_path: Path) -> None:
    line = " ".join(str(i) for i in range(1, 17))
    files = write(tmp_path, train=f"0 {line}\n1 {line}\n2 20 21 22\n", test="0 20\n1 20\n2 1\n")
    report = evaluate_files(files["train"], files["test"], None, small())
    assert report.settings["valid"] == "last eighth"
    # All 35 training pairs are learned from in the end.
    assert report.counts["train_lines"] == 35


def test_lines_too_short_to_cut_ask_for_a_validation_file(tmp_path: Path) -> None:
    files = write(tmp_path, train="0 1 2\n1 1 3\n", test="0 3\n")
    with pytest.raises(DataError, match="--valid"):
        evaluate_files(files["train"], files["test"], None, small())


def test_same_files_same_report(files: dict[str, Path]) -> None:
    paths = (files["train"], files["test"], files["valid"])
    assert evaluate_files(*paths, small()) == evaluate_files(*paths, small())


def test_a_file_that_is_missing(files: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.txt"):
        evaluate_files(files["train"], tmp_path / "nowhere.txt", None, small())
