from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from gnn.config import EventWeights, LightGCNConfig
from loaders.schema import EVENT_NAMES


def test_every_event_name_has_a_weight() -> None:
    assert tuple(EventWeights.model_fields) == EVENT_NAMES


@pytest.mark.parametrize(
    "wrong",
    [
        {"loss": "hinge"},
        {"dim": 0},
        {"half_life": 0},
        {"half_live": 30},
        {"event_weights": {"bought": 1}},
        {"device": "tpu"},
    ],
)
def test_a_wrong_setting_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LightGCNConfig.model_validate(wrong)


def test_settings_are_frozen_and_survive_json() -> None:
    config = LightGCNConfig(half_life=None, loss="bpr")
    assert LightGCNConfig.model_validate_json(config.model_dump_json()) == config
    with pytest.raises(ValidationError):
        config.dim = 3  # type: ignore[misc]


@pytest.mark.parametrize("module", ["gnn.config", "gnn.embeddings", "gnn.adjacency"])
def test_modules_read_without_training_load_no_torch(module: str) -> None:
    code = f"import {module}, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
