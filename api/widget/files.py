"""``StaticShare``: files of the page, and the widget, which pages of other sites load too."""

from __future__ import annotations

import os
from typing import Final

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.widget.make import SERVED

__all__ = ["SHARED", "StaticShare"]

SHARED: Final = {
    # Five minutes without asking, a day while asking behind the page's back; then by ETag.
    "Cache-Control": "public, max-age=300, stale-while-revalidate=86400",
    # A script tag needs neither, but one with `crossorigin` or on an isolated page does.
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


class StaticShare(StaticFiles):
    """Files of a folder; the widget may be loaded by any site and kept for a while."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """The file, or 304 where the client has it."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        if os.path.samefile(full_path, SERVED):
            response.headers.update(SHARED)
        return response
