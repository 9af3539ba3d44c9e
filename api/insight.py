"""``Insight``: what people look at, counted from a snapshot: stages, trends, a map, buyers, days.

Counts run over arrays that are mapped from disk, milliseconds to a second for millions of events;
the routes call them in threads, and what a snapshot once told is kept.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from api.customers import Customers
from api.flat import Projection, flat
from api.models.insight import (
    BuyersOf,
    CustomerMap,
    CustomerTimeline,
    GroupOfBuyers,
    Lifecycle,
    LifecycleGroup,
    MapPoint,
    StageCount,
    TimelineDay,
    Trend,
    TrendPeriod,
)
from api.periods import after, all_starts, starts_of, unit_of
from audiences.events import DAY, EventLog
from lifecycle.stages import STAGES
from loaders.errors import UnknownProduct, UnknownSegment, UnknownUser
from loaders.schema import EVENT_NAMES
from pipeline.audience_tables import AUDIENCES
from pipeline.snapshot import Snapshot

__all__ = ["Insight"]

PURCHASE: Final = EVENT_NAMES.index("purchase")
TITLES: Final = 3


class Insight:
    """What one snapshot tells people; never changes."""

    def __init__(self, snapshot: Snapshot, customers: Customers) -> None:
        self._snapshot, self._customers = snapshot, customers
        self._found = snapshot.segmentation
        self._real = (~snapshot.users["anonymous"].fill_null(False)).to_numpy()
        # Bound methods would keep every snapshot alive in a cache of the class.
        self._trend_of = lru_cache(maxsize=64)(self._trend)
        self._points_of = lru_cache(maxsize=1)(self._points)

    @cached_property
    def _events(self) -> EventLog:
        return EventLog.load(self._snapshot.folder / AUDIENCES / "events")

    @cached_property
    def _priced(self) -> bool:
        return bool(self._snapshot.user_stats["spend"].is_not_null().any())

    def lifecycle(self) -> Lifecycle:
        """Stages in all and by segment."""
        frame = self._standing()
        facts = self._snapshot.manifest.lifecycle
        segments = [
            _group(frame.filter(pl.col("segment") == place), s.id, s.name)
            for place, s in enumerate(self._found.segments)
        ]
        return Lifecycle(
            build=self._snapshot.manifest.build,
            horizon_days=facts.get("horizon_days"),
            churn_days=facts.get("churn_days"),
            shop=_group(frame, None, None),
            segments=segments,
        )

    def _standing(self) -> pl.DataFrame:
        """Registered customers with a stage, and the place of their segment."""
        columns = ("stage", "spend", "expected_value", "churn_risk")
        frame = self._snapshot.customers.select(columns)
        frame = frame.with_columns(segment=pl.Series(self._found.member))
        return frame.filter(pl.Series(self._real) & pl.col("stage").is_not_null())

    def trend(self, segment_id: str | None) -> Trend:
        """Purchases by day, week or month, of all customers or those of a segment.

        Raises:
            UnknownSegment: there is no such segment.
        """
        return self._trend_of(segment_id)

    def _trend(self, segment_id: str | None) -> Trend:
        events = self._events
        bought = events.kinds == PURCHASE
        if not bought.any():
            return Trend(unit="day", periods=[])
        span = events.seconds[bought]
        first, last = int(span.min()) // DAY, int(span.max()) // DAY
        unit = unit_of(last - first)
        if segment_id is not None:
            bought &= np.repeat(self._members(segment_id), np.diff(events.starts))
        users = np.repeat(np.arange(len(events.starts) - 1), np.diff(events.starts))[bought]
        lines = pl.DataFrame(
            {
                "period": starts_of(events.seconds[bought] // DAY, unit),
                "user": users,
                "order": events.orders[bought],
                "value": events.values[bought],
            }
        )
        counted = lines.group_by("period").agg(
            orders=pl.col("order").n_unique(),
            customers=pl.col("user").n_unique(),
            spend=pl.col("value").cast(pl.Float64).sum().round(2),
        )
        every = pl.DataFrame({"period": all_starts(first, last, unit)})
        joined = every.join(counted, on="period", how="left", maintain_order="left").fill_null(0)
        starts = joined["period"].cast(pl.Date).to_list()
        ends = [*starts[1:], after(starts[-1], unit)]
        began, seen = pl.Series([first, last + 1]).cast(pl.Int32).cast(pl.Date).to_list()
        return Trend(
            unit=unit,
            periods=[
                TrendPeriod(
                    start=start,
                    orders=row["orders"],
                    customers=row["customers"],
                    spend=row["spend"] if self._priced else None,
                    complete=start >= began and end < seen,
                )
                for start, end, row in zip(starts, ends, joined.to_dicts(), strict=True)
            ],
        )

    def _members(self, segment_id: str) -> npt.NDArray[np.bool_]:
        for member, segments in (
            (self._found.member, self._found.segments),
            (self._found.part, self._found.parts),
        ):
            for place, segment in enumerate(segments):
                if segment.id == segment_id:
                    return np.asarray(member == place, np.bool_)
        raise UnknownSegment(f"no segment has the id {segment_id!r}")

    def customer_map(self, limit: int) -> CustomerMap:
        """At most ``limit`` customers as points, evenly drawn from all."""
        rows, places, projection = self._points_of()
        told = np.isin(rows, self._customers.kept(rows))
        rows, places = rows[told], places[told]
        chosen = np.linspace(0, len(rows) - 1, min(limit, len(rows))).astype(np.int64)
        ids, member = self._snapshot.user_ids, self._found.member
        return CustomerMap(
            projection=projection,
            segments=[s.id for s in self._found.segments],
            total=len(rows),
            points=[
                MapPoint(
                    user_id=ids.id(int(rows[i])),
                    x=round(float(places[i, 0]), 4),
                    y=round(float(places[i, 1]), 4),
                    segment=int(member[rows[i]]),
                )
                for i in chosen
            ],
        )

    def _points(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], Projection]:
        """Rows of members, their coordinates, and how these were made."""
        vectors = np.load(self._snapshot.folder / AUDIENCES / "vectors.npy", mmap_mode="r")
        rows = np.flatnonzero(self._found.member >= 0)
        places, projection = flat(np.asarray(vectors[rows], np.float64), self._found.member[rows])
        return rows, places, projection

    def buyers(self, product_id: str) -> BuyersOf:
        """Who buys a product, by segment and stage.

        Raises:
            UnknownProduct: no product has this id.
        """
        row = self._snapshot.product_ids.row(product_id)
        if row is None:
            raise UnknownProduct(f"no product has the id {product_id!r}")
        events = self._events
        found = np.flatnonzero((events.products == row) & (events.kinds == PURCHASE))
        users = np.searchsorted(events.starts, found, side="right") - 1
        pairs = pl.DataFrame({"user": users, "order": events.orders[found]}).unique()
        counts = np.bincount(pairs["user"].to_numpy(), minlength=len(self._real))
        bought = (counts > 0) & self._real
        all_ = self._real & (self._snapshot.user_stats["orders"] > 0).to_numpy()
        buyers, share = int(bought.sum()), float(bought.sum() / max(1, all_.sum()))
        stage = self._snapshot.customers["stage"]
        segments = [
            _share(s.id, s.name, bought, all_ & (self._found.member == place), share)
            for place, s in enumerate(self._found.segments)
        ]
        stages = [
            _share(name, name, bought, all_ & (stage == name).fill_null(False).to_numpy(), share)
            for name in STAGES
        ]
        return BuyersOf(
            product_id=product_id,
            buyers=buyers,
            share=share,
            again=float(((counts > 1) & bought).sum() / buyers) if buyers else None,
            segments=sorted(segments, key=lambda g: (-(g.lift or 0.0), g.id)),
            stages=stages,
        )

    def timeline(self, user_id: str, limit: int) -> CustomerTimeline:
        """What a customer did, day by day, the latest first.

        Raises:
            UnknownUser: no customer has this id.
        """
        row = self._customers.known(user_id)
        if row is None:
            raise UnknownUser(f"no customer has the id {user_id!r}")
        days = self._days(row)
        shown = [self._day(entry) for entry in days.head(limit).to_dicts()]
        return CustomerTimeline(user_id=user_id, days=shown, more=max(0, days.height - len(shown)))

    def _days(self, row: int) -> pl.DataFrame:
        events = self._events
        mine = slice(int(events.starts[row]), int(events.starts[row + 1]))
        lines = pl.DataFrame(
            {
                "day": events.seconds[mine] // DAY,
                "kind": events.kinds[mine],
                "order": events.orders[mine],
                "product": events.products[mine],
                "value": events.values[mine],
            }
        )
        dearest = pl.col("product").sort_by("value", descending=True)
        grouped = lines.group_by("day", "kind").agg(
            lines=pl.len(),
            orders=pl.col("order").n_unique(),
            value=pl.col("value").cast(pl.Float64).sum().round(2),
            products=dearest.unique(maintain_order=True).head(TITLES),
        )
        return grouped.sort("day", "kind", descending=[True, False])

    def _day(self, entry: dict[str, Any]) -> TimelineDay:
        products = self._snapshot.products
        named = products[entry["products"]].select(pl.coalesce("title", "product_id")).to_series()
        known = entry["value"] if self._priced and entry["value"] else None
        return TimelineDay(
            day=pl.Series([entry["day"]]).cast(pl.Int32).cast(pl.Date).item(),
            event=EVENT_NAMES[entry["kind"]],
            lines=entry["lines"],
            orders=entry["orders"],
            value=known,
            titles=named.to_list(),
        )


def _group(frame: pl.DataFrame, id_: str | None, name: str | None) -> LifecycleGroup:
    counted = frame.group_by("stage").agg(
        customers=pl.len(), spend=_total("spend"), expected_value=_total("expected_value")
    )
    by_stage = {row["stage"]: row for row in counted.to_dicts()}
    return LifecycleGroup(
        segment_id=id_,
        name=name,
        customers=frame.height,
        churn_risk=_number(frame["churn_risk"].mean()),
        expected_value=_number(frame.select(_total("expected_value")).item()),
        stages=[StageCount.model_validate(by_stage[s]) for s in STAGES if s in by_stage],
    )


def _total(column: str) -> pl.Expr:
    """The sum, null where nothing is known."""
    return pl.when(pl.col(column).is_not_null().any()).then(pl.col(column).sum().round(2))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _share(
    id_: str,
    name: str,
    bought: npt.NDArray[np.bool_],
    group: npt.NDArray[np.bool_],
    overall: float,
) -> GroupOfBuyers:
    buyers, size = int((bought & group).sum()), int(group.sum())
    share = buyers / size if size else 0.0
    lift = share / overall if overall else None
    return GroupOfBuyers(id=id_, name=name, buyers=buyers, share=share, lift=lift)
