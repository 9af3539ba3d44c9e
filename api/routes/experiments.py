"""Experiments: define, start, stop, and see what came of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from api.models.base import SegmentRef
from api.models.experiments import (
    DeletedExperiment,
    ExperimentDefinition,
    ExperimentList,
    ExperimentOptions,
    ExperimentProfile,
    ExperimentResults,
    ExperimentSummary,
    PlannedExperiment,
)
from api.problems import responses
from api.routes.common import TRIED, TRYING, answer
from api.trials import Trials
from experiments.plan import Wish, needed
from experiments.register import Experiment
from loaders.errors import ExperimentError, SnapshotMissing
from pipeline.experiments import ExperimentDesk

__all__ = ["router"]

router = APIRouter(tags=["experiments"])


async def _trials(request: Request) -> Trials:
    trials: Trials | None = request.app.state.trials
    if trials is None:
        raise SnapshotMissing("this server was given one snapshot, and keeps no experiments")
    return trials


Served = Annotated[Trials, Depends(_trials)]
Id = Annotated[str, Path(description="Id of the experiment.", examples=["home-discover"])]


@router.get("/experiments", response_model=ExperimentList, dependencies=TRIED)
def experiments(trials: Served) -> Response:
    """All experiments, oldest first, and where they stand."""
    desk = trials.desk
    units = desk.ledger.units()
    found = [
        ExperimentSummary(**_summary(desk, one, units.get(one.id, 0)))
        for one in desk.all().values()
    ]
    return answer(ExperimentList(experiments=found))


@router.post(
    "/experiments",
    response_model=ExperimentSummary,
    responses=responses(400, 413),
    dependencies=TRYING,
)
def create_experiment(trials: Served, body: ExperimentDefinition) -> Response:
    """Save a definition as a draft; nobody is in it before it is started."""
    return _told(trials, trials.desk.create(body))


@router.get("/experiments/options", response_model=ExperimentOptions, dependencies=TRIED)
def experiment_options(trials: Served) -> Response:
    """What a definition may name: methods, builds, segments and audiences."""
    found = trials.desk.options()
    return answer(
        ExperimentOptions(
            methods=list(found.methods),
            builds=list(found.builds),
            segments=[SegmentRef(segment_id=id_, name=name) for id_, name in found.segments],
            audiences=list(found.audiences),
        )
    )


@router.post(
    "/experiments/plan",
    response_model=PlannedExperiment,
    responses=responses(400, 413),
    dependencies=TRIED,
)
def plan_experiment(body: Wish) -> Response:
    """How many visitors it takes to find an effect."""
    return answer(PlannedExperiment(**asdict(needed(body))))


@router.get(
    "/experiments/{experiment}",
    response_model=ExperimentProfile,
    responses=responses(404),
    dependencies=TRIED,
)
def experiment(trials: Served, experiment: Id) -> Response:
    """An experiment with its versions and, once it was started, its results."""
    desk = trials.desk
    one = desk.get(experiment)
    found = None if one.state == "draft" else desk.results(experiment)
    return answer(
        ExperimentProfile(
            **_summary(desk, one, found.units if found else 0),
            definition=_definition(one),
            versions=[version.model_dump() for version in one.versions],
            results=ExperimentResults.model_validate(found.plain()) if found else None,
        )
    )


@router.put(
    "/experiments/{experiment}",
    response_model=ExperimentSummary,
    responses=responses(400, 404, 413),
    dependencies=TRYING,
)
def change_experiment(trials: Served, experiment: Id, body: ExperimentDefinition) -> Response:
    """Save the next version.

    Of a draft, all may change; once it runs, its name, hypothesis, share and end; once it is
    stopped, name and hypothesis.
    """
    if body.id != experiment:
        raise ExperimentError([("id", f"is {body.id!r}, but the path says {experiment!r}")])
    return _told(trials, trials.desk.change(body))


@router.delete(
    "/experiments/{experiment}",
    response_model=DeletedExperiment,
    responses=responses(404),
    dependencies=TRYING,
)
def delete_experiment(trials: Served, experiment: Id) -> Response:
    """Forget an experiment, its versions, exposures and clicks; not while it runs."""
    trials.desk.delete(experiment)
    return answer(DeletedExperiment(deleted=experiment))


@router.post(
    "/experiments/{experiment}/start",
    response_model=ExperimentSummary,
    responses=responses(404),
    dependencies=TRYING,
)
def start_experiment(trials: Served, experiment: Id) -> Response:
    """Let visitors in; all processes of a server do so within a second."""
    return _told(trials, trials.desk.start(experiment))


@router.post(
    "/experiments/{experiment}/stop",
    response_model=ExperimentSummary,
    responses=responses(404),
    dependencies=TRYING,
)
def stop_experiment(trials: Served, experiment: Id) -> Response:
    """Let nobody in any more, for good; what follows earlier exposures still counts."""
    return _told(trials, trials.desk.stop(experiment))


def _told(trials: Trials, one: Experiment) -> Response:
    trials.follow()
    units = trials.desk.ledger.units().get(one.id, 0)
    return answer(ExperimentSummary(**_summary(trials.desk, one, units)))


def _summary(desk: ExperimentDesk, one: Experiment, units: int) -> dict[str, Any]:
    asked = one.definition
    return {
        "id": one.id,
        "name": asked.name,
        "state": one.state,
        "active": desk.is_active(one),
        "version": one.versions[-1].version,
        "metric": asked.metric,
        "variants": [v.id for v in asked.variants],
        "share": asked.share,
        "created": one.versions[0].at,
        "started": one.started,
        "stopped": one.stopped,
        "units": units,
        "problem": desk.problem(one),
    }


def _definition(one: Experiment) -> ExperimentDefinition:
    return ExperimentDefinition(**one.definition.model_dump())
