"""Lists by another of the methods that a snapshot carries than the one chosen for its mode.

A blend brings its parts along, and a ranker its fallback, so that they can be served by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ranking.recommender import Recommender
from ranking.scorer import Mode, SavedScorer

__all__ = ["by_method", "methods_of"]


def methods_of(recommender: Recommender) -> dict[str, SavedScorer]:
    """Every scorer that makes the lists of some mode or is part of one that does, by name."""
    found: dict[str, SavedScorer] = {}
    for scorer in recommender.scorers.values():
        for one in _tree(scorer):
            found.setdefault(one.name, one)
    return found


def by_method(recommender: Recommender, method: str) -> Recommender:
    """The recommender with ``method`` in each mode: the mode's own where it has one of that name.

    Raises:
        KeyError: there is none.
    """
    anywhere = methods_of(recommender)[method]
    scorers: dict[Mode, SavedScorer] = {
        mode: next((one for one in _tree(scorer) if one.name == method), anywhere)
        for mode, scorer in recommender.scorers.items()
    }
    other = replace(recommender, scorers=scorers)
    vars(other)["order"] = recommender.order  # no scorer changes it, and it takes a while
    return other


def _tree(scorer: SavedScorer) -> Iterator[SavedScorer]:
    yield scorer
    for part in scorer.parts:
        yield from _tree(part)
