"""``create_app``: a provider of the published snapshot becomes an HTTP service with its page.

Nothing here learns or reads files of a build, so nothing here loads torch; the provider decides
which snapshot answers, and may change its mind between two requests.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from api import docs, problems
from api.headers import SecurityHeaders
from api.limits import BodyLimit
from api.live import LiveParts
from api.paths import EscapedSlashes
from api.routes import (
    basket,
    build,
    customers,
    cypher,
    events,
    health,
    products,
    segments,
    session,
    users,
)
from api.service import Provider
from api.settings import ApiSettings

__all__ = ["create_app"]

STATIC = Path(__file__).parent / "static"
DESCRIPTION = """Recommendations, segments and the graph of one shop.

Ids are the shop's own strings. One that holds a slash can be written as it is or with `%2F`.
Every error is one `application/problem+json` body. Amounts are in the currency of `/v1/build`,
times are UTC."""


def create_app(
    current: Provider, settings: ApiSettings | None = None, live: LiveParts | None = None
) -> FastAPI:
    """The HTTP service over whatever snapshot ``current`` gives at each request.

    Args:
        current: called once a request; gives the service of the published snapshot.
        settings: limits; the defaults where none are given.
        live: takes events and knows how the store is; without it, events are refused.
    """
    settings = settings or ApiSettings()
    app = FastAPI(
        title="Coterie",
        version=_version(),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.current = current
    app.state.settings = settings
    app.state.live = live
    _routes(app)
    problems.install(app)
    app.add_middleware(EscapedSlashes)
    app.add_middleware(BodyLimit, most=settings.body_bytes)
    app.add_middleware(
        GZipMiddleware, minimum_size=settings.gzip_bytes, compresslevel=settings.gzip_level
    )
    app.add_middleware(SecurityHeaders)
    return app


def _routes(app: FastAPI) -> None:
    v1 = APIRouter(prefix="/v1", responses=problems.responses(422, 500, 503))
    for resource in (users, customers, session, products, basket, segments, cypher, events, build):
        v1.include_router(resource.router)
    app.include_router(v1)
    app.include_router(health.router)
    docs.install(app)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html", media_type="text/html")

    @app.get("/favicon.ico", include_in_schema=False)
    async def favicon() -> FileResponse:
        return FileResponse(STATIC / "favicon.svg", media_type="image/svg+xml")


def _version() -> str:
    try:
        return version("coterie")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0"
