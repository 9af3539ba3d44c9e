"""``coterie forget``: erase a customer who asks for it."""

from __future__ import annotations

from typing import Annotated

import typer

from api.access.audit import Audit, audit_file
from api.models.erasure import ErasedCustomer
from cli.options import (
    DEFAULT_HOME,
    ConfigOption,
    HomeOption,
    JsonOption,
    StoreOption,
    at_home,
    settings,
)
from cli.output import emitted, out
from pipeline.forget import forget_user

__all__ = ["register"]


def forget(
    user_id: Annotated[str, typer.Argument(help="The shop's own id of the customer.")],
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Erase a customer: from the graph, the event queue, audiences and experiments, for good.

    A running server answers that they are unknown at once. Take them out of the files you load too.

    Example: `coterie forget 1228`
    """
    place = at_home(home, store)
    gone = forget_user(place, settings(place, config), user_id)
    Audit(audit_file(place.path)).note(
        key=None, name="command line", method="FORGET", path=f"/v1/users/{user_id}"
    )
    told = ErasedCustomer(user_id=gone.user_id, edges=gone.edges, events=gone.events)
    if not emitted(told, json):
        out.print(f"erased {user_id}: {gone.edges:,} edges, {gone.events:,} queued events")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(forget)
