"""The level below: each segment divided into communities of its own part of the user graph.

A segment is divided where the runs that divide it agree (``min_parts_stability``) and each part is
large enough to act on; otherwise it stays whole. Parts lie within their segment and are connected
by construction.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from segments.communities import Partition, communities, continued
from segments.config import SegmentsConfig
from segments.mix import Counts
from segments.neighbours import UserGraph

__all__ = ["MOST_PARTS", "divided"]

Labels = npt.NDArray[np.int64]

MOST_PARTS: Final = 5
"""Parts of a segment at most: a tree is to be read."""

RESOLUTIONS: Final = (0.25, 0.5, 0.75, 1.0)
RUNS: Final = 3
"""At each resolution; a division is judged more strictly than the segments, so fewer do."""


def divided(
    graph: UserGraph,
    labels: Labels,
    config: SegmentsConfig,
    counts: Counts | None = None,
    before: Labels | None = None,
) -> Labels:
    """Part of each user, numbered over all segments, int64 [n]; -1 in segments that stay whole.

    Args:
        graph: links of users.
        labels: segment of each or -1, int64 [n].
        config: settings; parts are as large as segments must be.
        counts: lines of each user in each item, [n, n_items].
        before: part of each user in the last build or -1, int64 [n].
    """
    found = np.full(len(labels), -1, np.int64)
    for segment in range(int(labels.max(initial=-1)) + 1):
        users = np.flatnonzero(labels == segment)
        parts = _parts(
            sparse.csr_array(graph[users][:, users]),
            _settings(config, graph.shape[0], len(users)),
            None if counts is None else sparse.csr_array(counts[users]),
            None if before is None else before[users],
        )
        if parts.labels.max(initial=-1) > 0 and parts.stability >= config.min_parts_stability:
            found[users] = np.where(parts.labels >= 0, parts.labels + found.max(initial=-1) + 1, -1)
    return found


def _parts(
    inside: UserGraph, config: SegmentsConfig, counts: Counts | None, before: Labels | None
) -> Partition:
    fresh = communities(inside, config, counts=counts)
    if before is None or counts is None:
        return fresh
    _, numbered = np.unique(before, return_inverse=True)
    numbered = numbered.astype(np.int64) - int((before < 0).any())
    return continued(inside, numbered, fresh, config, counts) if numbered.max() > 0 else fresh


def _settings(config: SegmentsConfig, everyone: int, members: int) -> SegmentsConfig:
    """Settings of a division: what is too small is told by the whole shop, not by the segment."""
    least = max(config.min_size, int(np.ceil(config.min_share * everyone)))
    changes = {"min_size": least, "min_share": 0.0, "min_segments": 2, "max_segments": MOST_PARTS}
    return config.model_copy(update={**changes, "resolutions": RESOLUTIONS, "runs": RUNS})
