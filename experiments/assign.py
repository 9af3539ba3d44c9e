"""Who gets what, by hash: the same visitor the same variant, in every process, with nothing kept.

One SHA-256 of the experiment and the unit gives two numbers that know nothing of each other: one
says whether the unit takes part, the other which variant it gets. So a share that is raised later
keeps everybody who took part before in their variant, and two experiments share out alike nobody.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from loaders.schema import ANONYMOUS_PREFIX

__all__ = ["held_out", "place", "takes_part", "unit_of"]

_SPAN: Final = float(2**64)


def unit_of(user_id: str | None, session_id: str | None) -> str | None:
    """What is assigned as one: the customer if known, else the session, else nothing.

    A session is named as its visitor is in the graph.
    """
    if user_id:
        return user_id
    return f"{ANONYMOUS_PREFIX}{session_id}" if session_id else None


def _numbers(experiment: str, unit: str) -> tuple[float, float]:
    """Two numbers from 0 to below 1, uniform and independent over units and experiments."""
    # Ids of experiments hold no line break, so no two pairs spell the same text.
    digest = hashlib.sha256(f"{experiment}\n{unit}".encode("utf-8", "replace")).digest()
    whole = int.from_bytes(digest[:8]), int.from_bytes(digest[8:16])
    return whole[0] / _SPAN, whole[1] / _SPAN


def takes_part(experiment: str, unit: str, share: float) -> bool:
    """Whether ``unit`` is among the ``share`` of all that takes part."""
    return _numbers(experiment, unit)[0] < share


def place(experiment: str, unit: str, weights: Sequence[float]) -> int:
    """Index of the variant ``unit`` gets, each as often as its weight is of their sum."""
    bounds = list(accumulate(weights))
    found = bisect_right(bounds, _numbers(experiment, unit)[1] * bounds[-1])
    return min(found, len(bounds) - 1)


def held_out(campaign: str, unit: str, share: float) -> bool:
    """Whether ``unit`` is held out of a campaign, as ``share`` of all are."""
    return takes_part(f"campaign/{campaign}", unit, share)
