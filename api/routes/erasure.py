"""Erase a customer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api.models.erasure import ErasedCustomer
from api.paths import USER
from api.problems import responses
from api.routes.common import ADMIN, UserId, answer
from loaders.errors import SnapshotMissing
from pipeline.forget import Erased

__all__ = ["Eraser", "router"]

router = APIRouter(tags=["customers"])
Eraser = Callable[[str], Erased]
"""Erases the customer of an id, from everything the shop keeps."""


async def _eraser(request: Request) -> Eraser:
    eraser: Eraser | None = request.app.state.eraser
    if eraser is None:
        raise SnapshotMissing("this server was given one snapshot, and has no customers to erase")
    return eraser


@router.delete(USER, response_model=ErasedCustomer, responses=responses(404), dependencies=ADMIN)
def erase_user(erase: Annotated[Eraser, Depends(_eraser)], user_id: UserId) -> Response:
    """Erase a customer from the graph, the event queue, audiences and experiments, for good.

    Everything answers that they are unknown at once. Earlier builds on disk hold them until they
    are pruned, and tell nothing of them.
    """
    gone = erase(user_id)
    return answer(ErasedCustomer(user_id=gone.user_id, edges=gone.edges, events=gone.events))
