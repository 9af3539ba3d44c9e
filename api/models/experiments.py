"""Experiments: what there are, what one compares, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import ConfigDict, Field

from api.models.base import Answer, SegmentRef, example
from experiments.definition import Definition, Metric

__all__ = [
    "DeletedExperiment",
    "ExperimentDefinition",
    "ExperimentList",
    "ExperimentOptions",
    "ExperimentProfile",
    "ExperimentResults",
    "ExperimentSummary",
    "PlannedExperiment",
]

_DEFINITION: Final[dict[str, Any]] = {
    "id": "home-discover",
    "name": "Discover on the home page",
    "hypothesis": "Customers who see new products come back more often.",
    "variants": [
        {"id": "control"},
        {"id": "discover", "weight": 1, "override": {"mode": "discover"}},
    ],
    "share": 0.5,
    "metric": "conversion",
}
_SUMMARY: Final[dict[str, Any]] = {
    "id": "home-discover",
    "name": "Discover on the home page",
    "state": "running",
    "active": True,
    "version": 1,
    "metric": "conversion",
    "variants": ["control", "discover"],
    "share": 0.5,
    "created": "2018-01-01T09:00:00Z",
    "started": "2018-01-01T09:05:00Z",
    "stopped": None,
    "units": 4210,
    "problem": None,
}


def _rate(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": value, "low": low, "high": high}


def _group(variant: str, units: int, clicked: int, converted: int) -> dict[str, Any]:
    return {
        "variant": variant,
        "share": 0.5,
        "units": units,
        "expected": 2105.0,
        "clicked": clicked,
        "click_rate": _rate(0.1, 0.088, 0.114),
        "converted": converted,
        "conversion_rate": _rate(0.05, 0.041, 0.06),
        "orders": 131,
        "revenue": 2790.5,
        "revenue_per_visitor": _rate(1.33, 1.02, 1.64),
    }


_RESULTS: Final[dict[str, Any]] = {
    "at": "2018-01-15T09:00:00Z",
    "window_days": 7.0,
    "metric": "conversion",
    "alpha": 0.05,
    "units": 4210,
    "open": 1350,
    "variants": [_group("control", 2098, 210, 105), _group("discover", 2112, 311, 158)],
    "comparisons": [
        {
            "variant": "discover",
            "metric": "conversion",
            "primary": True,
            "difference": _rate(0.0248, 0.0023, 0.0473),
            "lift": _rate(0.49, 0.01, 0.97),
            "fixed": _rate(0.0248, 0.0103, 0.0393),
            "p_value": 0.028,
            "significant": True,
        }
    ],
    "sample_ratio": {"chi_square": 0.047, "p_value": 0.829, "ok": True},
    "verdict": "discover makes more visitors buy than control.",
}


class ExperimentDefinition(Definition):
    """What an experiment compares, with whom and by which figure."""

    model_config = ConfigDict(json_schema_extra=example(_DEFINITION))


class ExperimentSummary(Answer):
    """An experiment and where it stands."""

    id: str
    name: str
    state: Literal["draft", "running", "stopped"]
    active: bool = Field(description="Running and within its time: visitors take part.")
    version: int
    metric: Metric
    variants: list[str] = Field(description="Ids, the control first.")
    share: float = Field(description="Of all visitors, who take part.")
    created: datetime
    started: datetime | None
    stopped: datetime | None
    units: int = Field(description="Visitors who were shown a list of it.")
    problem: str | None = Field(description="Why an active one takes nobody in, if it does not.")

    model_config = ConfigDict(json_schema_extra=example(_SUMMARY))


class ExperimentList(Answer):
    """All experiments, oldest first."""

    experiments: list[ExperimentSummary]

    model_config = ConfigDict(json_schema_extra=example({"experiments": [_SUMMARY]}))


class Estimated(Answer):
    """A figure between the ends of its interval."""

    value: float
    low: float
    high: float


class ExperimentGroup(Answer):
    """What became of one variant's visitors; intervals of 95 %, each by itself."""

    variant: str
    share: float = Field(description="Of all visitors, as it was to be.")
    units: int
    expected: float = Field(description="How many visitors it were to be.")
    clicked: int | None = Field(description="Visitors who clicked; none where not known.")
    click_rate: Estimated | None
    converted: int = Field(description="Visitors who bought.")
    conversion_rate: Estimated | None
    orders: int
    revenue: float | None = Field(description="Shop's currency; none where values are not known.")
    revenue_per_visitor: Estimated | None


class ExperimentComparison(Answer):
    """A variant against the control; figures are none where there is too little to say."""

    variant: str
    metric: Metric
    primary: bool = Field(description="It is the metric that decides.")
    difference: Estimated | None = Field(description="Its interval holds however often one looks.")
    lift: Estimated | None = Field(description="The same, relative to the control.")
    fixed: Estimated | None = Field(description="95 % interval of one look, planned beforehand.")
    p_value: float | None = Field(description="Valid however often one looks.")
    significant: bool = Field(description="The difference is told from none.")


class ExperimentRatio(Answer):
    """Whether the groups are as large as they should be, by Pearson's chi-square."""

    chi_square: float | None
    p_value: float | None
    ok: bool = Field(description="False: p-value below 0.001; do not trust the figures.")


class ExperimentResults(Answer):
    """What is known now."""

    at: datetime
    window_days: float = Field(description="Days after the first exposure that count.")
    metric: Metric = Field(description="The one that decides.")
    alpha: float = Field(description="Of each comparison.")
    units: int
    open: int = Field(description="Visitors whose window still runs.")
    variants: list[ExperimentGroup] = Field(description="The control first.")
    comparisons: list[ExperimentComparison]
    sample_ratio: ExperimentRatio
    verdict: str = Field(description="All of it in a sentence.")

    model_config = ConfigDict(json_schema_extra=example(_RESULTS))


class ExperimentVersion(Answer):
    """A definition as it was saved."""

    version: int
    at: datetime
    definition: ExperimentDefinition


class ExperimentProfile(ExperimentSummary):
    """An experiment in full."""

    definition: ExperimentDefinition
    versions: list[ExperimentVersion] = Field(description="Oldest first.")
    results: ExperimentResults | None = Field(description="None for a draft.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                **_SUMMARY,
                "definition": _DEFINITION,
                "versions": [
                    {"version": 1, "at": "2018-01-01T09:00:00Z", "definition": _DEFINITION}
                ],
                "results": _RESULTS,
            }
        )
    )


class DeletedExperiment(Answer):
    """What is forgotten."""

    deleted: str

    model_config = ConfigDict(json_schema_extra=example({"deleted": "home-discover"}))


class ExperimentOptions(Answer):
    """What a definition may name."""

    methods: list[str] = Field(description="That the published build carries.")
    builds: list[str] = Field(description="On disk, oldest first.")
    segments: list[SegmentRef]
    audiences: list[str]

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "methods": ["EASE", "LightGCN", "blend"],
                "builds": ["20171201T020311-88ab", "20180101T020500-4f1c"],
                "segments": [{"segment_id": "segment-3", "name": "Baby food and nappies"}],
                "audiences": ["lapsed"],
            }
        )
    )


class PlannedExperiment(Answer):
    """How many visitors it takes."""

    units_per_variant: int = Field(description="Looking as often as one likes.")
    units: int = Field(description="Of all variants together.")
    fixed_units_per_variant: int = Field(description="Looking once, at the end.")
    days: float | None = Field(description="Until there are as many, where that is known.")

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                "units_per_variant": 75582,
                "units": 151164,
                "fixed_units_per_variant": 39473,
                "days": 15.1,
            }
        )
    )
