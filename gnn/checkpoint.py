"""Checkpoints of a training run: written whole or not at all, trusted only by the run they fit."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from gnn.config import LightGCNConfig
from gnn.embeddings import Embeddings
from graph.interactions import FloatMatrix

__all__ = ["fingerprint", "load_checkpoint", "save_checkpoint"]


def fingerprint(
    config: LightGCNConfig,
    pairs: FloatMatrix,
    start: Embeddings | None,
    *more: npt.NDArray[Any],
) -> str:
    """Hash of all that decides a run's result: settings but for the device, data, first vectors."""
    digest = hashlib.sha256(config.model_dump_json(exclude={"device"}).encode())
    arrays = [np.array(pairs.shape), pairs.indptr, pairs.indices, pairs.data, *more]
    if start is not None:
        arrays += [start.user_vectors, start.product_vectors]
    for array in arrays:
        digest.update(str(array.dtype).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def save_checkpoint(path: Path, state: dict[str, Any], mark: str) -> None:
    """Write ``state`` (tensors, numbers, lists, dicts) with the fingerprint of its run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.part")
    torch.save({**state, "fingerprint": mark}, aside)
    aside.replace(path)


def load_checkpoint(path: Path, mark: str) -> tuple[dict[str, Any] | None, str]:
    """The state saved at ``path`` if it is of the run ``mark``, and a line on what was found."""
    if not path.exists():
        return None, "no checkpoint yet"
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):
        return None, f"checkpoint {path.name} does not read; starting afresh"
    if state.get("fingerprint") != mark:
        return None, f"checkpoint {path.name} is of other data or settings; starting afresh"
    return state, f"resuming after epoch {state['epoch']} from {path.name}"
