"""Campaigns: what those who were reached did beyond those who were held out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from api.models.campaigns import CampaignList, CampaignProfile, CampaignSummary, DeletedCampaign
from api.problems import responses
from api.routes.common import TRIED, TRYING, Tried, answer
from loaders.errors import SnapshotMissing
from pipeline.campaigns import Campaigns, Exports

__all__ = ["router"]

router = APIRouter(tags=["experiments"])


async def _campaigns(trials: Tried) -> Campaigns:
    if trials is None:
        raise SnapshotMissing("this server was given one snapshot, and keeps no campaigns")
    return Campaigns(trials.desk.home, trials.desk.config)


Kept = Annotated[Campaigns, Depends(_campaigns)]
Name = Annotated[str, Path(description="Name of the campaign.", examples=["spring"])]


@router.get("/campaigns", response_model=CampaignList, dependencies=TRIED)
def campaigns(kept: Kept) -> Response:
    """All campaigns that audiences were exported for, oldest first."""
    return answer(CampaignList(campaigns=[_summary(one) for one in kept.all()]))


@router.get(
    "/campaigns/{campaign}",
    response_model=CampaignProfile,
    responses=responses(404),
    dependencies=TRIED,
)
def campaign(
    kept: Kept,
    campaign: Name,
    days: Annotated[
        float | None,
        Query(gt=0, le=365, description="Days in which purchases count; default as set."),
    ] = None,
) -> Response:
    """What a campaign changed: those it reached beside those who were held out of it."""
    found = kept.results(campaign, days)
    more = asdict(found.incremental_revenue) if found.incremental_revenue else None
    return answer(
        CampaignProfile.model_validate(
            {
                **_summary(found.exports).model_dump(),
                "results": found.results.plain(),
                "incremental_revenue": more,
            }
        )
    )


@router.delete(
    "/campaigns/{campaign}",
    response_model=DeletedCampaign,
    responses=responses(404),
    dependencies=TRYING,
)
def delete_campaign(kept: Kept, campaign: Name) -> Response:
    """Forget a campaign and who was in it."""
    kept.delete(campaign)
    return answer(DeletedCampaign(deleted=campaign))


def _summary(one: Exports) -> CampaignSummary:
    return CampaignSummary(**{**asdict(one), "audiences": list(one.audiences)})
