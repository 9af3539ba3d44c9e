"""Builds of the shop: which there are, and going back to one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from api.caching import UNCHANGED, kept_by_body
from api.models.quality import BuildProgress, Quality, SnapshotSummary
from api.models.shop import Published, RollbackRequest, SnapshotList
from api.problems import responses
from api.routes.common import ADMIN, INSIDERS, answer
from loaders.errors import SnapshotMissing, UnknownBuild

__all__ = ["Builds", "router"]

router = APIRouter(tags=["service"])


class Builds(Protocol):
    """The finished builds of a shop, of which one is published."""

    def builds(self) -> Sequence[str]:
        """Their names, oldest first."""
        ...

    def current(self) -> str:
        """The published one.

        Raises:
            SnapshotMissing: none is.
        """
        ...

    def previous(self) -> str:
        """The one before the published.

        Raises:
            SnapshotMissing: there is none.
        """
        ...

    def publish(self, build: str) -> None:
        """Publish a build.

        Raises:
            SnapshotMissing: there is no such build.
        """
        ...

    def summary(self, build: str) -> SnapshotSummary:
        """What a build was made from and with.

        Raises:
            UnknownBuild: there is no such build.
        """
        ...

    def quality(self, build: str | None = None) -> Quality:
        """What was measured for a build, by default the published, and headlines of all.

        Raises:
            UnknownBuild: there is no such build.
        """
        ...

    def progress(self) -> BuildProgress:
        """How far a running build is."""
        ...


async def _builds(request: Request) -> Builds:
    builds: Builds | None = request.app.state.builds
    if builds is None:
        raise SnapshotMissing("this server was given one snapshot, and knows of no other build")
    return builds


Known = Annotated[Builds, Depends(_builds)]


@router.get("/snapshots", response_model=SnapshotList, dependencies=ADMIN)
def snapshots(builds: Known) -> Response:
    """All finished builds, oldest first, and which of them answers."""
    return answer(SnapshotList(builds=list(builds.builds()), published=builds.current()))


@router.post(
    "/snapshots/rollback",
    response_model=Published,
    responses=responses(400, 404, 413),
    dependencies=ADMIN,
)
def rollback(builds: Known, body: RollbackRequest) -> Response:
    """Publish an earlier build again; without a name, the one before the published.

    The server changes over within a second, and requests under way are answered by the snapshot
    they began with.
    """
    known = builds.builds()
    try:
        name = body.build or builds.previous()
    except SnapshotMissing as error:
        # Nothing that a later build would put right, so not "try again".
        raise UnknownBuild(str(error)) from None
    if name not in known:
        raise UnknownBuild(f"there is no build '{name}'; there are: {', '.join(known)}")
    builds.publish(name)
    return answer(Published(published=name))


@router.get(
    "/snapshots/{build}",
    response_model=SnapshotSummary,
    responses=responses(404),
    dependencies=ADMIN,
)
def snapshot(
    builds: Known, build: Annotated[str, Path(max_length=100, description="Its id.")]
) -> Response:
    """A build in full: what it was made from and with, and how good it measured."""
    return answer(builds.summary(build))


@router.get(
    "/quality",
    response_model=Quality,
    responses={**responses(404), **UNCHANGED},
    dependencies=INSIDERS,
)
def quality(
    builds: Known,
    request: Request,
    build: Annotated[
        str | None, Query(max_length=100, description="By default the published one.")
    ] = None,
) -> Response:
    """Every figure measured for a build, and the headlines of all builds."""
    return kept_by_body(request, answer(builds.quality(build)))


@router.get("/build/progress", response_model=BuildProgress, dependencies=INSIDERS)
def build_progress(builds: Known) -> Response:
    """Whether a build runs now, and how far it is."""
    return answer(builds.progress())
