"""The accuracy benchmark, end to end on a split small enough for seconds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import accuracy

GROUPS, EACH, USERS = 4, 15, 120
METHODS = ["popularity", "blend"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Customers who each stay in one of four aisles, ten products in train and two in each cut."""
    folder, rng = tmp_path_factory.mktemp("split"), np.random.default_rng(5)
    lines: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    for user in range(USERS):
        line = user % GROUPS * EACH + rng.permutation(EACH)[:14]
        for name, span in (("train", line[:10]), ("valid", line[10:12]), ("test", line[12:])):
            lines[name].append(f"{user} {' '.join(map(str, span))}")
    arguments = []
    for name, text in lines.items():
        (folder / f"{name}.txt").write_text("\n".join(text))
        arguments += [f"--{name}", str(folder / f"{name}.txt")]
    return [*arguments, "--cache", str(folder / "kept")]


def outcome(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, dict[str, float]]]:
    last = capsys.readouterr().out.splitlines()[-1]
    return {row["method"]: row for row in json.loads(last)["rows"]}


def test_the_table_and_what_a_second_run_keeps(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    accuracy.main([*files, "--methods", *METHODS])
    rows = outcome(capsys)
    assert list(rows) == METHODS
    # Of an aisle's fifteen products five are new, and lists hold twenty: all are found.
    assert rows["blend"]["recall"]["value"] == pytest.approx(1.0)
    assert rows["blend"]["ndcg"]["low"] > rows["popularity"]["ndcg"]["high"]
    kept = Path(files[-1])
    stamps = {path: path.stat().st_mtime_ns for path in kept.rglob("*.json")}
    assert len(stamps) == 2 * len(METHODS) + 3  # the blend's parts are chosen, not tested
    accuracy.main([*files, "--methods", *METHODS])
    assert outcome(capsys) == rows
    assert {path: path.stat().st_mtime_ns for path in kept.rglob("*.json")} == stamps


def test_without_order_nothing_that_needs_it_runs(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    accuracy.main([*files, "--unordered", "--methods", "sequence", "RP3beta"])
    assert list(outcome(capsys)) == ["RP3beta"]
