"""Erase one customer from everything a shop keeps, for good.

In this order, each step repeatable, so that a run cut short is ended by running it again:
audiences, experiments, the event queue, the list that serving asks, the graph. What is left of them
is in snapshots on disk until they are pruned, and those who serve them tell nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from audiences.vault import Vault
from events.deliver import right_to_deliver
from events.queue import EventQueue, queue_file
from graph.open import open_store
from loaders.errors import StoreUnavailable, UnknownUser
from pipeline.audiences import audiences_file
from pipeline.config import Config
from pipeline.experiments import ExperimentDesk
from pipeline.forgotten import Forgotten, forgotten_file
from pipeline.home import Home

__all__ = ["Erased", "forget_user"]

WAIT_SECONDS = 60.0
"""How long to wait for whoever writes to the graph or delivers events."""


@dataclass(frozen=True)
class Erased:
    """What was erased.

    Attributes:
        user_id: the customer.
        edges: of the graph; 0 where the graph did not know them.
        events: of the queue, waiting or delivered.
    """

    user_id: str
    edges: int
    events: int


def forget_user(home: Home, config: Config, user_id: str) -> Erased:
    """Erase a customer; every part that serves them answers that they are unknown at once.

    Args:
        home: the shop.
        config: settings of audiences, experiments and events.
        user_id: the shop's own id.

    Raises:
        UnknownUser: nothing is kept of them; nothing was changed.
        StoreUnavailable: a build is running or waits to be written back, or the graph is away.
            Serving and audiences may have forgotten them already; run it again.
    """
    with home.building():
        if home.unwritten.exists():
            raise StoreUnavailable(
                "a build that holds this customer waits to be written to the graph; run first: "
                f"coterie writeback --home {home.path}"
            )
        with EventQueue(queue_file(home.path), config.events) as queue:
            right = right_to_deliver(queue, WAIT_SECONDS)
            try:
                return _forget(home, config, queue, user_id)
            finally:
                right.release()


def _forget(home: Home, config: Config, queue: EventQueue, user_id: str) -> Erased:
    with open_store(home.store, wait_seconds=WAIT_SECONDS) as store:
        asked = store.query("MATCH (u:User {id: $id}) RETURN u.id AS id", {"id": user_id})
        there, listed = bool(asked.num_rows), Forgotten(forgotten_file(home.path))
        if not there and not _served(home, user_id) and not queue.kept_of(user_id):
            raise UnknownUser(f"no customer has the id {user_id!r}")
        Vault(audiences_file(home)).erase([user_id])
        ExperimentDesk(home, config.experiments).ledger.forget([user_id])
        events = queue.erase(user_id)
        listed.add(user_id)
        return Erased(user_id, store.erase_user(user_id) if there else 0, events)


def _served(home: Home, user_id: str) -> bool:
    """Whether a snapshot on disk knows them, and they are not on the list yet."""
    if user_id in Forgotten(forgotten_file(home.path)).ids:
        return False
    folders = [home.snapshot(build) for build in home.builds()]
    tables = (pl.read_parquet(f / "users.parquet", columns=["user_id"]) for f in folders)
    return any(user_id in table["user_id"] for table in tables)
