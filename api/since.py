"""``Since``: what a customer or visitor did since the snapshot learned, as lists take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from api.catalogue import Catalogue
from api.models.lists import SessionEvent
from events.event import ShopEvent
from events.recent import RecentEvents
from pipeline.snapshot import Snapshot
from ranking.felt import Felt

__all__ = ["Act", "Profile", "Since"]

BOUGHT: Final = "purchase"


class Act(NamedTuple):
    """What was done to which product, and when, where that is known."""

    product_id: str
    event: str
    at: datetime | None


@dataclass(frozen=True)
class Profile:
    """Events folded into products.

    Attributes:
        rows: products of any of them, int64 [n], in order of rows.
        weights: how much each counts, float32 [n].
        unknown: ids of products the shop has not.
    """

    rows: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]
    unknown: list[str]


class Since:
    """Folds events into profiles over the rows of one snapshot.

    Args:
        snapshot: what lists are made of.
        catalogue: its products.
        recent: live events that the snapshot has not learned from.
    """

    def __init__(
        self, snapshot: Snapshot, catalogue: Catalogue, recent: RecentEvents | None
    ) -> None:
        self._catalogue, self._recent = catalogue, recent
        config = snapshot.manifest.config
        self._by_event: Mapping[str, float] = config["gnn"]["event_weights"]
        self._half_life = float(config["ranking"]["session_half_life"])
        self._evidence = float(config["ranking"]["live_evidence"])
        self._again = float(config["ranking"]["live_again"])

    def customer(self, user_id: str) -> Felt | None:
        """What a customer did; ``None`` where that is nothing about products of the shop."""
        events = self._recent.of_user(user_id) if self._recent else ()
        profile = self.fold(_acts(events))
        if not len(profile.rows):
            return None
        found = (self._catalogue.ids.row(e.product_id) for e in events if e.event == BOUGHT)
        bought = np.unique(np.array([row for row in found if row is not None], np.int64))
        strong = profile.weights > 0
        return Felt(
            profile.rows[strong], profile.weights[strong], bought, self._evidence, self._again
        )

    def session(self, session_id: str | None, events: Sequence[SessionEvent]) -> Profile:
        """What the shop's pages sent of a session, and what the request tells beside."""
        sent = self._recent.of_session(session_id) if self._recent and session_id else ()
        return self.fold([*_acts(sent), *(Act(e.product_id, e.event, e.at) for e in events)])

    def fold(self, events: Sequence[Act]) -> Profile:
        """Products of events, and how much each counts.

        An event counts as much as in training, halved by each half-life before the latest one.
        """
        latest = max((e.at for e in events if e.at), default=None)
        total: dict[int, float] = {}
        unknown: list[str] = []
        for event in events:
            row = self._catalogue.ids.row(event.product_id)
            if row is None:
                unknown.append(event.product_id)
                continue
            age = (latest - event.at).total_seconds() / 60 if latest and event.at else 0.0
            weight = self._by_event[event.event] * 0.5 ** (age / self._half_life)
            total[row] = total.get(row, 0.0) + weight
        rows = np.array(sorted(total), np.int64)
        weights = np.array([total[int(row)] for row in rows], np.float32)
        return Profile(rows, weights, list(dict.fromkeys(unknown)))


def _acts(events: Sequence[ShopEvent]) -> list[Act]:
    return [Act(e.product_id, e.event, datetime.fromtimestamp(e.at / 1e6, UTC)) for e in events]
