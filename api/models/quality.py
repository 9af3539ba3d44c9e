"""How good builds measured, what each was made with, and how far a running one is."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pydantic import ConfigDict, Field

from api.models.base import Answer, Mode, example
from api.models.shop import Metric

__all__ = ["Ahead", "BuildProgress", "BuildQuality", "Quality", "SnapshotSummary"]

_METRIC: Final = {
    "mode": "all",
    "method": "blend",
    "name": "ndcg",
    "k": 20,
    "value": 0.396,
    "low": 0.387,
    "high": 0.405,
    "users": 2041,
}
_BUILD: Final = {
    "build": "20180101T020500-4f1c",
    "created": "2018-01-01T02:05:00Z",
    "last_event": "2018-01-01T04:01:20Z",
    "published": True,
    "counts": {"users": 2469, "products": 92331, "purchases": 1469307, "segments": 9},
    "methods": {"all": "blend", "repeat": "blend", "discover": "LightGCN"},
    "metrics": [_METRIC],
}


class Ahead(Answer):
    """A method against the strongest baseline of its mode, paired over customers."""

    mode: Mode
    method: str
    baseline: str
    name: str = Field(description="Of the metric.")
    k: int
    value: float
    low: float
    high: float
    significant: bool = Field(description="The 95 % interval excludes zero.")


class BuildQuality(Answer):
    """A build and its headline figures."""

    build: str
    created: datetime
    last_event: datetime | None = None
    published: bool
    counts: dict[str, int]
    methods: dict[str, str] = Field(description="What answers each mode.")
    metrics: list[Metric]


class Quality(Answer):
    """Everything that was measured for one build, and the headlines of all."""

    build: str
    not_measured: str | None = Field(default=None, description="Why, where nothing was.")
    cut: str | None = Field(default=None, description="What was measured came after it, UTC.")
    window_days: float | None = Field(default=None, description="Days measured.")
    rows: list[Metric] = Field(description="Every method, the served ones among them.")
    differences: list[Ahead]
    builds: list[BuildQuality] = Field(description="All finished builds, oldest first.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "build": "20180101T020500-4f1c",
                "not_measured": None,
                "cut": "2017-12-01T00:00:00+00:00",
                "window_days": 31.0,
                "rows": [_METRIC],
                "differences": [
                    {
                        "mode": "all",
                        "method": "blend",
                        "baseline": "decayed personal frequency",
                        "name": "ndcg",
                        "k": 20,
                        "value": 0.026,
                        "low": 0.021,
                        "high": 0.031,
                        "significant": True,
                    }
                ],
                "builds": [_BUILD],
            }
        )
    )


class SnapshotSummary(BuildQuality):
    """A build in full: what it was made from and with."""

    seed: int
    data_hash: str = Field(description="Equal where builds learned from the same events.")
    seconds: dict[str, float] = Field(description="What each stage of the build took.")
    versions: dict[str, str] = Field(description="Of what learned.")
    settings: dict[str, Any] = Field(description="All settings, section by section.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                **_BUILD,
                "seed": 0,
                "data_hash": "b96353841b6d",
                "seconds": {"read": 4.1, "evaluate": 181.0, "learn": 96.2},
                "versions": {"coterie": "0.1.0", "torch": "2.15.0"},
                "settings": {"seed": 0, "gnn": {"dim": 64}},
            }
        )
    )


class BuildProgress(Answer):
    """Whether a build runs, and how far it is."""

    running: bool
    stage: str | None = Field(default=None, description="What it does now, or did last.")
    done: int = 0
    total: int = Field(default=0, description="0 while unknown.")
    started: datetime | None = None
    told: datetime | None = Field(default=None, description="When it last told of itself.")
    stages: list[str] = Field(default=[], description="Those before, oldest first.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "running": True,
                "stage": "train encoder",
                "done": 12,
                "total": 40,
                "started": "2018-01-01T02:00:00Z",
                "told": "2018-01-01T02:03:10Z",
                "stages": ["fit baselines", "neighbours"],
            }
        )
    )
