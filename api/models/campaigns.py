"""Campaigns: whom they reached, whom they held out, and what they changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pydantic import ConfigDict, Field

from api.models.base import Answer, example
from api.models.experiments import Estimated, ExperimentResults

__all__ = ["CampaignList", "CampaignProfile", "CampaignSummary", "DeletedCampaign"]

_SUMMARY: Final[dict[str, Any]] = {
    "name": "spring",
    "audiences": ["lapsed"],
    "share": 0.2,
    "first": "2018-01-02T08:00:00Z",
    "last": "2018-01-02T08:00:00Z",
    "customers": 2310,
}


def _group(variant: str, share: float, units: int, converted: int) -> dict[str, Any]:
    rate = {"value": 0.11, "low": 0.084, "high": 0.142}
    return {
        "variant": variant,
        "share": share,
        "units": units,
        "expected": 2310 * share,
        "clicked": None,
        "click_rate": None,
        "converted": converted,
        "conversion_rate": rate,
        "orders": converted,
        "revenue": 22.5 * converted,
        "revenue_per_visitor": {"value": 2.48, "low": 1.87, "high": 3.09},
    }


class CampaignSummary(Answer):
    """A campaign that audiences were exported for."""

    name: str
    audiences: list[str] = Field(description="Whom it was sent to, each once.")
    share: float = Field(description="Held out.")
    first: datetime = Field(description="When it reached customers first.")
    last: datetime = Field(description="And last.")
    customers: int = Field(description="In all, the held out among them.")

    model_config = ConfigDict(json_schema_extra=example(_SUMMARY))


class CampaignList(Answer):
    """All campaigns, oldest first."""

    campaigns: list[CampaignSummary]

    model_config = ConfigDict(json_schema_extra=example({"campaigns": [_SUMMARY]}))


class CampaignProfile(CampaignSummary):
    """What a campaign changed: `holdout`, the control, beside `campaign`."""

    results: ExperimentResults
    incremental_revenue: Estimated | None = Field(
        description="What all it reached spent more than they would have; none where unknown."
    )

    model_config = ConfigDict(
        json_schema_extra=example(
            {
                **_SUMMARY,
                "results": {
                    "at": "2018-01-20T09:00:00Z",
                    "window_days": 14.0,
                    "metric": "conversion",
                    "alpha": 0.05,
                    "units": 2310,
                    "open": 0,
                    "variants": [
                        _group("holdout", 0.2, 470, 52),
                        _group("campaign", 0.8, 1840, 331),
                    ],
                    "comparisons": [
                        {
                            "variant": "campaign",
                            "metric": "revenue",
                            "primary": False,
                            "difference": {"value": 1.56, "low": 0.21, "high": 2.91},
                            "lift": {"value": 0.63, "low": 0.04, "high": 1.22},
                            "fixed": {"value": 1.56, "low": 0.79, "high": 2.33},
                            "p_value": 0.019,
                            "significant": True,
                        }
                    ],
                    "sample_ratio": {"chi_square": 0.17, "p_value": 0.68, "ok": True},
                    "verdict": "campaign makes more visitors buy than holdout.",
                },
                "incremental_revenue": {"value": 2870.4, "low": 386.4, "high": 5354.4},
            }
        )
    )


class DeletedCampaign(Answer):
    """What is forgotten."""

    deleted: str

    model_config = ConfigDict(json_schema_extra=example({"deleted": "spring"}))
