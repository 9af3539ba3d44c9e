from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from gnn.config import EventWeights, HeteroConfig, LightGCNConfig

TEXT = (Path(__file__).parents[1] / "docs" / "encoders.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("title", "model"), [("Settings", LightGCNConfig), ("Its own settings", HeteroConfig)]
)
def test_every_setting_is_listed_with_its_default_and_meaning(
    title: str, model: type[BaseModel]
) -> None:
    section = TEXT.partition(f"### {title}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", section, re.MULTILINE)
    fields = model.model_fields
    assert [(name, meaning) for name, _, meaning in rows] == [
        (name, field.description) for name, field in fields.items()
    ]
    for name, default, _ in rows:
        if name != "event_weights":
            assert default == str(fields[name].default), name


def test_every_event_weight_is_listed() -> None:
    for name, field in EventWeights.model_fields.items():
        assert f"`{name}` {field.default}" in TEXT
