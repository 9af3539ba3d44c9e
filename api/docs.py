"""The API's docs page and its scripts, from an installed package: no request leaves the host.

``fastapi-offline`` ships Swagger UI 5, which reads the OpenAPI 3.1 that FastAPI writes; only its
files are used.
"""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from api.headers import CONTENT_POLICY

__all__ = ["install"]

FILES = "/docs/files"


def install(app: FastAPI) -> None:
    """Serve /docs."""
    app.mount(FILES, StaticFiles(directory=_folder()), name="docs-files")
    page = _page(app)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return page


def _folder() -> Path:
    # Looked up, not imported: the package's own code is not needed.
    spec = find_spec("fastapi_offline")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "static"


def _page(app: FastAPI) -> HTMLResponse:
    html = get_swagger_ui_html(
        openapi_url=str(app.openapi_url),
        title=f"{app.title} - API",
        swagger_js_url=f"{FILES}/swagger-ui-bundle.js",
        swagger_css_url=f"{FILES}/swagger-ui.css",
        swagger_favicon_url="/static/favicon.svg",
        swagger_ui_parameters={"defaultModelsExpandDepth": 0, "tryItOutEnabled": True},
    ).body
    text = bytes(html).decode()
    return HTMLResponse(text, headers={"Content-Security-Policy": _policy(text)})


def _policy(html: str) -> str:
    """The usual policy, and this page's one inline script by its hash; Swagger UI styles inline."""
    script = "".join(re.findall(r"<script>(.*?)</script>", html, re.DOTALL))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"{CONTENT_POLICY}; script-src 'self' 'sha256-{digest}'; style-src 'self' 'unsafe-inline'"
    )
