"""``Shown``: when each product was listed last, in one array that all processes of a server map.

A mark is one write of a few bytes and needs no lock: whoever writes last, writes the same minute.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["Marks", "Shown"]

_TYPE: Final = np.dtype(np.uint32)


class Marks:
    """Minutes since 1970 in which products of one build were listed last.

    Args:
        minutes: uint32 [n_products]; 0 for one that was never listed.
        clock: seconds since 1970.
    """

    def __init__(
        self, minutes: npt.NDArray[np.uint32], clock: Callable[[], float] = time.time
    ) -> None:
        self._minutes, self._clock = minutes, clock

    def mark(self, rows: npt.NDArray[np.int64]) -> None:
        """Note that products were listed; rows below 0 stand for no product."""
        self._minutes[rows[rows >= 0]] = self._clock() // 60

    def listed(self, hours: float) -> int:
        """How many products were listed in the last ``hours``."""
        return int((self._minutes > self._clock() // 60 - hours * 60).sum())

    @property
    def products(self) -> int:
        """How many products there are."""
        return len(self._minutes)


class Shown:
    """Marks of the build that is served.

    Args:
        folder: where the processes of one server keep them; in memory where there is none.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self.current: Marks | None = None

    def begin(self, build: str, products: int) -> Marks:
        """The marks of a build from now on, those that other processes made among them."""
        self.current = Marks(self._minutes(build, products))
        return self.current

    def _minutes(self, build: str, products: int) -> npt.NDArray[np.uint32]:
        if self._folder is None or not products:
            return np.zeros(products, _TYPE)
        path = self._folder / f"shown-{build}.bin"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, products * _TYPE.itemsize)  # what is new is zero
        finally:
            os.close(descriptor)
        return np.memmap(path, _TYPE, "r+", shape=(products,))
