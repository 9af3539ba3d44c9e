"""Customers of a snapshot: who they are, what they bought, where they belong."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from api.catalogue import Catalogue
from api.models.base import SegmentRef
from api.models.segments import Member, MemberPage
from api.models.users import CategoryShare, HistoryLine, UserHit, UserProfile
from graph.interactions import from_day
from loaders.errors import UnknownUser
from pipeline.forgotten import Forgotten
from pipeline.snapshot import Snapshot

__all__ = ["Customers"]

Rows = npt.NDArray[np.int64]

TOP_CATEGORIES = 5
SUGGESTED_SPAN = 5


class Customers:
    """Customers by row or id."""

    def __init__(
        self, snapshot: Snapshot, catalogue: Catalogue, forgotten: Forgotten | None = None
    ) -> None:
        self.ids = snapshot.user_ids
        self._forgotten = forgotten
        self._catalogue = catalogue
        self._users, self._stats = snapshot.users, snapshot.user_stats
        self._history = snapshot.recommender.history
        self._segments = snapshot.segmentation
        self._lower = self.ids.ids.str.to_lowercase()

    def row(self, user_id: str) -> int:
        """The row of a customer.

        Raises:
            UnknownUser: no customer has this id.
        """
        row = self.known(user_id)
        if row is None:
            raise UnknownUser(f"no customer has the id {user_id!r}")
        return row

    def known(self, user_id: str) -> int | None:
        """The row of a customer; ``None`` where no customer has this id, or they are erased."""
        return None if self.erased(user_id) else self.ids.row(user_id)

    def erased(self, user_id: str) -> bool:
        """Whether the customer was erased since the snapshot learned."""
        return self._forgotten is not None and user_id in self._forgotten.ids

    def kept(self, rows: Rows) -> Rows:
        """Those of ``rows`` int64 [n] whose customers are not erased, in the same order."""
        ids = list(self._forgotten.ids) if self._forgotten else []
        gone = self.ids.to_rows(ids, missing="drop") if ids else ()
        return rows[~np.isin(rows, gone)] if len(gone) else rows

    def place(self, row: int) -> int:
        """Place of the segment of the customer at ``row``; -1 for none, and for row -1."""
        return int(self._segments.member[row]) if row >= 0 else -1

    def segment(self, row: int) -> SegmentRef | None:
        """The segment of the customer at ``row``."""
        place = self.place(row)
        if place < 0:
            return None
        segment = self._segments.segments[place]
        return SegmentRef(segment_id=segment.id, name=segment.name)

    def search(self, text: str, limit: int, offset: int = 0) -> list[UserHit]:
        """Customers whose id holds ``text``, shortest id first; good examples for empty text."""
        if not text:
            return [self._hit(int(row)) for row in self.kept(self._suggested(limit, offset))]
        found = self._lower.str.contains(text.lower(), literal=True)
        hits = pl.DataFrame({"id": self.ids.ids, "row": np.arange(len(self.ids))}).filter(found)
        order = hits.sort(pl.col("id").str.len_chars(), "id").slice(offset, limit)
        return [self._hit(int(row)) for row in self.kept(order["row"].to_numpy())]

    def _suggested(self, limit: int, offset: int) -> Rows:
        """The most active customers, at most a few a segment, so that they differ."""
        place = pl.DataFrame({"row": np.arange(len(self.ids)), "segment": self._segments.member})
        known = place.with_columns(orders=self._stats["orders"]).filter(~self._users["anonymous"])
        segmented = known.filter(pl.col("segment") >= 0)
        ranked = known if segmented.is_empty() else segmented
        best = ranked.sort("orders", "row", descending=[True, False]).with_columns(
            turn=pl.int_range(pl.len()).over("segment")
        )
        listed = best.sort("turn", "orders", "row", descending=[False, True, False])
        return listed["row"].slice(offset, limit).to_numpy()

    def _hit(self, row: int) -> UserHit:
        stats = self._stats.row(row, named=True)
        return UserHit(
            user_id=self.ids.id(row),
            orders=stats["orders"],
            spend=stats["spend"],
            last_purchase=_moment(stats["last"]),
            segment=self.segment(row),
        )

    def profile(self, user_id: str, history: int) -> UserProfile:
        """A customer with their ``history`` latest products.

        Raises:
            UnknownUser: no customer has this id.
        """
        row = self.row(user_id)
        stats = self._stats.row(row, named=True)
        fields = self._users.drop("user_id").row(row, named=True)
        priced = stats["spend"] is not None
        return UserProfile(
            user_id=user_id,
            anonymous=bool(fields.pop("anonymous", False)),
            attributes={name: value for name, value in fields.items() if value is not None},
            segment=self.segment(row),
            orders=stats["orders"],
            products=stats["products"],
            purchases=stats["purchases"],
            spend=stats["spend"],
            first_purchase=_moment(stats["first"]),
            last_purchase=_moment(stats["last"]),
            top_categories=self._top_categories(row, priced),
            history=self._lines(row, history, priced),
        )

    def _lines(self, row: int, limit: int, priced: bool) -> list[HistoryLine]:
        mine = self._history.of(row)
        latest = np.lexsort((-mine.times, -mine.last_days))[:limit]
        return [
            HistoryLine(
                product=self._catalogue.product(int(mine.products[i])),
                times=int(mine.times[i]),
                last=from_day(float(mine.last_days[i])),
                spend=round(float(mine.values[i]), 2) if priced else None,
            )
            for i in latest
        ]

    def _top_categories(self, row: int, priced: bool) -> list[CategoryShare]:
        """Broadest categories by how often the customer bought in them."""
        mine = self._history.of(row)
        counts: dict[tuple[str, str], list[float]] = {}
        for product, times, value in zip(mine.products, mine.times, mine.values, strict=True):
            for category in self._catalogue.ancestor_names(int(product))[:1]:
                total = counts.setdefault(category, [0, 0.0])
                total[0] += int(times)
                total[1] += float(value)
        everything = max(1, int(mine.times.sum()))
        top = sorted(counts.items(), key=lambda item: (-item[1][0], item[0]))[:TOP_CATEGORIES]
        return [
            CategoryShare(
                category_id=id_,
                name=name,
                purchases=int(n),
                share=n / everything,
                spend=round(spend, 2) if priced else None,
            )
            for (id_, name), (n, spend) in top
        ]

    def members(self, place: int, offset: int, limit: int) -> MemberPage:
        """Members of the segment at ``place``, firmest first; parts follow segments."""
        found = self._segments
        member, strength = found.member, found.strength
        if place >= len(found.segments):
            place -= len(found.segments)
            member, strength = found.part, found.part_strength
        rows = self.kept(np.flatnonzero(member == place))
        order = rows[np.lexsort((rows, -strength[rows]))]
        return MemberPage(
            total=len(rows),
            users=[
                self._member(int(row), float(strength[row]))
                for row in order[offset : offset + limit]
            ],
        )

    def _member(self, row: int, strength: float) -> Member:
        stats: dict[str, Any] = self._stats.row(row, named=True)
        return Member(
            user_id=self.ids.id(row),
            strength=strength,
            orders=stats["orders"],
            spend=stats["spend"],
            last_purchase=_moment(stats["last"]),
        )


def _moment(day: float | None) -> Any:
    return None if day is None else from_day(day)
