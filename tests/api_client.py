"""A client of the app over the hand-made shop."""

from __future__ import annotations

from typing import Any

from api_fixture import TinyService
from starlette.testclient import TestClient

from api.app import create_app
from api.live import LiveParts
from api.settings import ApiSettings


def client(
    service: TinyService | None = None, live: LiveParts | None = None, **settings: Any
) -> TestClient:
    """A client of the app over a service, which answers errors as a server does."""
    served = service or TinyService()
    app = create_app(lambda: served, ApiSettings(**settings), live)
    return TestClient(app, raise_server_exceptions=False)
