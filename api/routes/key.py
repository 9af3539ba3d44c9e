"""What the caller's key opens, so that a page offers no more."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Security
from fastapi.security import HTTPAuthorizationCredentials
from starlette.responses import Response

from api.access.check import BEARER, Access
from api.access.keys import SCOPES
from api.models.key import KeyScopes
from api.routes.common import ANY_KEY, answer

__all__ = ["router"]

router = APIRouter(tags=["service"])


@router.get("/key", response_model=KeyScopes, dependencies=ANY_KEY)
async def key(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)]
) -> Response:
    """The scopes of the key that asks; all where none is needed."""
    access: Access | None = request.app.state.access
    found = access.keys.find(given.credentials) if access and given else None
    return answer(
        KeyScopes(needed=found is not None, scopes=list(found.scopes if found else SCOPES))
    )
