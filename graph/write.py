"""``write_dataset``: a validated ``Dataset`` into nodes, structure edges and event edges.

All of it is one transaction, so a load that is refused or killed leaves the store as it was. The
engine needs memory for what a transaction holds, so more than 1.5 M events go in several; what is
refused is refused in the first, and a load killed between two is completed by running it again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from graph.schema import EVENT_EDGES, STRUCTURE_EDGES, EdgeType
from graph.store import GraphStore
from loaders.dataset import Dataset
from loaders.errors import DataError, StoreUnavailable
from loaders.progress import Progress, silent
from loaders.schema import ANONYMOUS_PREFIX

__all__ = ["SHOP_ID", "WriteCounts", "write_dataset"]

SHOP_ID = "shop"
"""Id of the one ``Shop`` node, which holds facts about the shop as a whole."""

_NODE_STAGE = "writing nodes"
_EDGE_STAGE = "writing structure"
_SLICE = 1_500_000


@dataclass(frozen=True)
class WriteCounts:
    """What a load brought: nodes given by label, edges that were new by type."""

    nodes: dict[str, int] = field(default_factory=dict)
    edges: dict[str, int] = field(default_factory=dict)

    @property
    def new_edges(self) -> int:
        """Edges of all types that were not there before."""
        return sum(self.edges.values())


def write_dataset(store: GraphStore, dataset: Dataset, progress: Progress = silent) -> WriteCounts:
    """Write ``dataset``; what is there already stays as it is, so that a repeat changes nothing.

    Raises:
        DataError: the data does not fit what is stored: another currency, or an attribute whose
            type changed. Nothing is written then.
        StoreUnavailable: the store cannot be written; says how far it got.
    """
    account = _Account(progress)
    try:
        return _write(store, dataset, account)
    except StoreUnavailable as error:
        raise StoreUnavailable(
            f"{error}; {account.told()}. What was committed stays, and nothing will be there "
            "twice: run the same load again to complete it"
        ) from error


class _Account:
    """Passes progress on, and remembers how far each stage came."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stages: dict[str, tuple[int, int]] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """A ``Progress``."""
        self._stages[stage] = (done, total)
        self._progress(stage, done, total)

    def told(self) -> str:
        """How far it got, in words."""
        stages = [
            f"{stage} {done:,} of {total:,}"
            for stage, (done, total) in self._stages.items()
            if stage != "saving"
        ]
        return f"it got as far as: {', '.join(stages)}" if stages else "nothing was written"


def _write(store: GraphStore, dataset: Dataset, progress: Progress) -> WriteCounts:
    counts = WriteCounts()
    with store.transaction():
        _check_currency(store, dataset.currency)
        for done, (label, frame) in enumerate(nodes := _nodes(dataset), 1):
            counts.nodes[label] = store.upsert_nodes(label, frame.to_arrow())
            progress(_NODE_STAGE, done, len(nodes))
        for done, (edge, frame) in enumerate(structure := _structure(dataset), 1):
            counts.edges[edge.name] = store.upsert_edges(edge, frame.to_arrow())
            progress(_EDGE_STAGE, done, len(structure))
        _write_events(store, dataset.events.head(_SLICE), counts, progress)
    for start in range(_SLICE, dataset.events.height, _SLICE):
        with store.transaction():
            _write_events(store, dataset.events.slice(start, _SLICE), counts, progress)
    progress("saving", 1, 1)
    return counts


def _write_events(
    store: GraphStore, events: pl.DataFrame, counts: WriteCounts, progress: Progress
) -> None:
    for edge, frame in _events(events):
        new = store.append_events(edge, frame.to_arrow(), progress)
        counts.edges[edge.name] = counts.edges.get(edge.name, 0) + new
    progress("saving", 0, 1)


def _check_currency(store: GraphStore, currency: str) -> None:
    held = store.nodes("Shop")["currency"].to_pylist()
    if held and held[0] != currency:
        raise DataError(
            f"the store holds money in {held[0]} and this data in {currency}; convert one, or "
            "load into another home"
        )


def _nodes(data: Dataset) -> list[tuple[str, pl.DataFrame]]:
    brands = data.products.select(id="brand").drop_nulls().unique(maintain_order=True)
    return [
        ("Shop", pl.DataFrame({"id": [SHOP_ID], "currency": [data.currency]})),
        ("Category", data.categories.select("name", "level", id="category_id")),
        ("Brand", brands),
        ("User", _users(data)),
        ("Product", _with_id(data.products.drop("category_id", "brand"), "product_id")),
        ("Campaign", data.campaigns.select("kind", "starts", "ends", id="campaign_id")),
    ]


def _users(data: Dataset) -> pl.DataFrame:
    """Users; the id alone tells a visitor where only events name them."""
    visitor = pl.col("id").str.starts_with(ANONYMOUS_PREFIX)
    return _with_id(data.users, "user_id").with_columns(pl.col("anonymous") | visitor)


def _with_id(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    if "id" in frame.columns:
        raise DataError(
            f"'id' is the name of {key} in the graph; rename the attribute", column="id"
        )
    return frame.rename({key: "id"})


def _structure(data: Dataset) -> list[tuple[EdgeType, pl.DataFrame]]:
    ends = {
        "IN_CATEGORY": data.products.select(source="product_id", target="category_id"),
        "CHILD_OF": data.categories.select(source="category_id", target="parent_id"),
        "OF_BRAND": data.products.select(source="product_id", target="brand"),
        "TARGETED": data.campaign_targets.select(source="campaign_id", target="user_id"),
        "PROMOTES": data.campaign_products.select(source="campaign_id", target="product_id"),
        "REDEEMED": data.redemptions.select(
            "redemption_id", "at", source="user_id", target="campaign_id"
        ),
    }
    return [(edge, ends[edge.name].drop_nulls("target")) for edge in STRUCTURE_EDGES]


def _events(events: pl.DataFrame) -> list[tuple[EdgeType, pl.DataFrame]]:
    by_name = events.partition_by("event", as_dict=True)
    ends = {"user_id": "source", "product_id": "target"}
    return [
        (
            EVENT_EDGES[str(name)],
            frame.rename(ends).select("source", "target", *EVENT_EDGES[str(name)].properties),
        )
        for (name,), frame in by_name.items()
    ]
