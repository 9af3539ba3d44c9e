"""How long work says where it stands: one callable, told the stage, what is done and of how much.

Anything that takes more than a second accepts ``progress`` and calls it; the command line draws
a bar from it, tests and libraries pass nothing.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Progress", "silent"]

Progress = Callable[[str, int, int], None]
"""``progress(stage, done, total)``; ``total`` is 0 while it is unknown."""


def silent(stage: str, done: int, total: int) -> None:
    """Report nothing."""
