"""``create_app``: a provider of the published snapshot becomes an HTTP service with its page.

Nothing here learns or reads files of a build, so nothing here loads torch; the provider decides
which snapshot answers, and may change its mind between two requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse

from api import docs, document, problems
from api.access.check import Access, Needs
from api.access.origins import Origins
from api.access.requests import RequestIds
from api.headers import SecurityHeaders
from api.limits import BodyLimit
from api.live import LiveParts
from api.merchandising import House
from api.observe.metrics import Metrics
from api.observe.traces import Traces
from api.observe.watch import Observed
from api.paths import EscapedSlashes
from api.routes import (
    audiences,
    basket,
    build,
    campaigns,
    changes,
    customers,
    cypher,
    erasure,
    events,
    experiments,
    health,
    insight,
    key,
    merchandising,
    metrics,
    products,
    profiles,
    segments,
    session,
    snapshots,
    users,
)
from api.routes.erasure import Eraser
from api.routes.snapshots import Builds
from api.service import Provider
from api.settings import ApiSettings
from api.trials import Trials
from api.widget.files import StaticShare
from pipeline.audiences import Desk

__all__ = ["BESIDE", "RESOURCES", "create_app", "version_of"]

RESOURCES: Final[Sequence[APIRouter]] = (
    # Before users and products, whose paths would swallow its own.
    insight.router,
    erasure.router,
    users.router,
    profiles.router,
    customers.router,
    session.router,
    products.router,
    basket.router,
    segments.router,
    audiences.router,
    merchandising.router,
    experiments.router,
    campaigns.router,
    cypher.router,
    events.router,
    changes.router,
    build.router,
    snapshots.router,
    key.router,
)
"""The routes below /v1, in this order."""
BESIDE: Final[Sequence[APIRouter]] = (metrics.router,)
"""Routes beside /v1 that need a key too."""

NO_TELEMETRY: Final[Any] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "auto_configure": False,
}
"""FastAPI's own spans hold paths and queries, which name customers; ours hold routes."""
STATIC = Path(__file__).parent / "static"
DESCRIPTION = """Recommendations, segments and the graph of one shop.

Ids are the shop's own strings. One that holds a slash can be written as it is or with `%2F`.
Every error is one `application/problem+json` body. Amounts are in the currency of `/v1/build`,
times are UTC."""


def create_app(
    current: Provider,
    settings: ApiSettings | None = None,
    live: LiveParts | None = None,
    access: Access | None = None,
    builds: Builds | None = None,
    desk: Desk | None = None,
    counted: Metrics | None = None,
    trials: Trials | None = None,
    house: House | None = None,
    eraser: Eraser | None = None,
    traces: Traces | None = None,
) -> FastAPI:
    """The HTTP service over whatever snapshot ``current`` gives at each request.

    Args:
        current: called once a request; gives the service of the published snapshot.
        settings: limits; the defaults where none are given.
        live: takes events and knows how the store is; without it, events are refused.
        access: who may ask what; without it, whoever reaches the app may ask everything.
        builds: the shop's builds, for routes that list them and go back to one.
        desk: the shop's audiences.
        counted: the server's metrics; of this app alone where none are given.
        trials: the shop's experiments; without, lists are part of none.
        house: the shop's merchandising rules.
        eraser: erases a customer from all that the shop keeps; without it, nobody is.
        traces: makes spans of requests; without, there are none.
    """
    settings = settings or ApiSettings()
    app = FastAPI(
        title="Coterie",
        version=version_of(),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=document.name_of,
        telemetry=NO_TELEMETRY,
    )
    app.state.current = current
    app.state.settings = settings
    app.state.live = live
    app.state.access = access
    app.state.builds = builds
    app.state.audiences = desk
    app.state.eraser = eraser
    app.state.trials = trials
    app.state.merchandising = house
    app.state.metrics = counted = counted or Metrics(version=app.version)
    _routes(app)
    problems.install(app)
    document.install(app)
    app.add_middleware(EscapedSlashes)
    app.add_middleware(BodyLimit, most=settings.body_bytes)
    app.add_middleware(
        GZipMiddleware, minimum_size=settings.gzip_bytes, compresslevel=settings.gzip_level
    )
    if access is not None:
        app.add_middleware(Origins, keys=access.keys)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(
        Observed,
        metrics=counted,
        templates=_templates,
        access=settings.access_log,
        traces=traces,
    )
    app.add_middleware(RequestIds)
    return app


def _routes(app: FastAPI) -> None:
    v1 = APIRouter(prefix="/v1", responses=problems.responses(401, 403, 422, 429, 500, 503))
    for resource in RESOURCES:
        _check_scopes(resource)
        v1.include_router(resource)
    app.include_router(v1)
    app.include_router(health.router)
    for beside in BESIDE:
        _check_scopes(beside)
        app.include_router(beside)
    docs.install(app)
    app.mount("/static", StaticShare(directory=STATIC), name="static")

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html", media_type="text/html")

    @app.get("/storefront", include_in_schema=False)
    async def storefront() -> FileResponse:
        return FileResponse(STATIC / "storefront" / "index.html", media_type="text/html")

    @app.get("/favicon.ico", include_in_schema=False)
    async def favicon() -> FileResponse:
        return FileResponse(STATIC / "favicon.svg", media_type="image/svg+xml")


def _templates() -> Mapping[Any, str]:
    """The path template of each route's function."""
    rooms = {"/v1": RESOURCES, "": (health.router, *BESIDE)}
    return {
        route.endpoint: f"{prefix}{route.path_format}"
        for prefix, routers in rooms.items()
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
    }


def _check_scopes(resource: APIRouter) -> None:
    """A route that does not say who may call it must not be served to everybody."""
    for route in resource.routes:
        needs = [d for d in getattr(route, "dependencies", ()) if isinstance(d.dependency, Needs)]
        if len(needs) != 1:
            raise RuntimeError(f"{route!r} says not, or more than once, which key it takes")


def version_of() -> str:
    """The version of Coterie that runs."""
    try:
        return version("coterie")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0"
