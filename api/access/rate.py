"""``Rates``: how many requests a key may make, by a token bucket each."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Rates"]


class Rates:
    """One bucket a key: it holds a minute's worth, and fills up evenly.

    Each process of a server counts by itself.

    Args:
        clock: seconds, from any beginning.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, key_id: str, per_minute: int) -> float:
        """Take one request; 0 if there was one to take, else the seconds until there is."""
        now = self._clock()
        left, at = self._left.get(key_id, (float(per_minute), now))
        left = min(float(per_minute), left + (now - at) * per_minute / 60)
        taken = left >= 1
        self._left[key_id] = (left - taken, now)
        return 0.0 if taken else (1 - left) * 60 / per_minute
