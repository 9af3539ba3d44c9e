"""When to try again, and how long to wait before."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from coterie_client.calls import Call
from coterie_client.errors import CoterieError, Problem

__all__ = ["Retries"]


@dataclass(frozen=True)
class Retries:
    """How often and how patiently a client tries again.

    Attributes:
        most: tries after the first.
        first_seconds: the wait before the second try; each further one is twice as long.
        longest_seconds: no wait is longer, whatever the server asks for.
    """

    most: int = 3
    first_seconds: float = 0.2
    longest_seconds: float = 30.0

    def wait(self, call: Call[Any], error: CoterieError, tried: int) -> float | None:
        """Seconds until the next try; ``None`` where there is to be none.

        Args:
            call: what failed; one that would change something twice is not tried again.
            error: how.
            tried: how often it was tried.
        """
        if tried > self.most or not call.repeatable:
            return None
        if isinstance(error, Problem):
            if not error.retryable:
                return None
            if error.retry_after is not None:
                return min(error.retry_after, self.longest_seconds)
        # Clients that failed together should not come back together.
        spread = random.uniform(0.5, 1.0)
        return min(self.first_seconds * 2.0 ** (tried - 1), self.longest_seconds) * spread
