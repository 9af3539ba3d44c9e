"""Graphs with known communities are as they were asked for, and found again."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.communities import METHODS, compare, main
from benchmarks.lfr import Lfr, lfr_graph

SMALL = Lfr(nodes=200, degree=12, most=25, smallest=20, largest=50)


@pytest.mark.parametrize("mixing", [0.1, 0.5])
def test_a_graph_is_as_asked(mixing: float) -> None:
    graph, member = lfr_graph(mixing, 3, SMALL)
    row, column = graph.nonzero()
    assert (graph != graph.T).nnz == 0 and set(graph.data) == {1.0} and not (row == column).any()
    sizes = np.bincount(member)
    assert sizes.sum() == 200 and sizes.min() >= 20 and sizes.max() <= 50
    assert float((member[row] != member[column]).mean()) == pytest.approx(mixing, abs=0.03)
    assert graph.sum() / 200 == pytest.approx(12, abs=1.5)
    again, _ = lfr_graph(mixing, 3, SMALL)
    assert (again != graph).nnz == 0 and (lfr_graph(mixing, 4, SMALL)[0] != graph).nnz


def test_clear_communities_are_found() -> None:
    found = {r["method"]: r["nmi"] for r in compare(SMALL, 0.1, 1, list(METHODS)[:3])}
    assert min(found.values()) > 0.99


def test_it_ends_in_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--mixing", "0.2", "--graphs", "1", "--nodes", "200", "--degree", "12"])
    *table, last = capsys.readouterr().out.splitlines()
    told = json.loads(last)
    assert len(table) == 1 + len(told["rows"]) and told["rows"][0]["method"] == "segments"
