"""Folders of named arrays: one .npy file each, memory-mapped when read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from loaders.errors import SnapshotMissing
from ranking.scorer import Arrays

__all__ = ["load_arrays", "save_arrays"]


def save_arrays(folder: Path, arrays: Arrays) -> None:
    """Write each array to ``folder/<name>.npy``, making the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def load_arrays(
    folder: Path, names: Iterable[str], *, mmap: bool = True
) -> dict[str, npt.NDArray[Any]]:
    """Read arrays that ``save_arrays`` wrote.

    Raises:
        SnapshotMissing: one of the files is not there or is damaged.
    """
    mode: Literal["r"] | None = "r" if mmap else None
    out: dict[str, npt.NDArray[Any]] = {}
    for name in names:
        try:
            # A plain view of the mapped pages: subclass bookkeeping would slow every slice.
            out[name] = np.load(folder / f"{name}.npy", mmap_mode=mode, allow_pickle=False).view(
                np.ndarray
            )
        except (OSError, ValueError) as error:
            raise SnapshotMissing(
                f"cannot read array '{name}' in {folder}: {error}; build again"
            ) from error
    return out
