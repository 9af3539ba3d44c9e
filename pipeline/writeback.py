"""What a build learned, as nodes and edges that Cypher sees."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from graph.ids import IdMap
from graph.schema import DERIVED_EDGES
from graph.store import Derived
from lifecycle.stages import STAGES
from pipeline.learn import Learned
from ranking.lists import batches
from ranking.similar import Neighbours

__all__ = ["derived_graph"]

BATCH = 256
_IN_STAGE = next(edge for edge in DERIVED_EDGES if edge.name == "IN_STAGE")


def derived_graph(learned: Learned, build: str, liked: int, *, vectors: bool = True) -> Derived:
    """Communities, stages, vectors and every derived edge, marked with ``build``.

    Args:
        learned: what was learned.
        build: name of the build.
        liked: length of each user's MAY_LIKE list.
        vectors: whether to give the vectors that SIMILAR_TO and the segments rest on.
    """

    def marked(frame: pl.DataFrame) -> pa.Table:
        return frame.with_columns(build=pl.lit(build)).to_arrow()

    return Derived(
        build=build,
        nodes={
            "Community": marked(learned.segmentation.as_nodes()),
            "Stage": marked(_stages(learned)),
            **({name: marked(f) for name, f in _vectors(learned).items()} if vectors else {}),
        },
        edges={
            ("BOUGHT_WITH", "Product", "Product"): marked(learned.rules.as_edges()),
            ("SIMILAR_TO", "Product", "Product"): marked(_similar(learned)),
            ("MEMBER_OF", "User", "Community"): marked(
                learned.segmentation.as_edges(learned.shop.graph.users)
            ),
            ("CHILD_OF", "Community", "Community"): marked(learned.segmentation.as_tree()),
            ("IN_STAGE", "User", "Stage"): marked(_standings(learned)),
            ("MAY_LIKE", "User", "Product"): marked(_liked(learned, liked)),
        },
    )


def _vectors(learned: Learned) -> dict[str, pl.DataFrame]:
    """Vectors by label, of those that have one: zeros are no direction."""
    graph, found = learned.shop.graph, learned.embeddings
    return {
        "UserVector": _table(graph.users, found.user_vectors),
        "ProductVector": _table(graph.products, found.product_vectors),
    }


def _table(ids: IdMap, vectors: npt.NDArray[np.float32]) -> pl.DataFrame:
    """Rows of ``vectors`` float32 [len(ids), dim] that are not all zero, with their ids."""
    rows = np.flatnonzero(vectors.any(axis=1))
    kind = pl.List(pl.Float32)
    return pl.DataFrame({"id": ids.ids.gather(rows), "vector": pl.Series(vectors[rows]).cast(kind)})


def _stages(learned: Learned) -> pl.DataFrame:
    """``Stage`` nodes, those of no customer too, so that a query by name finds them."""
    found = _standings(learned).group_by("target").agg(customers=pl.len().cast(pl.Int64))
    named = pl.DataFrame({"id": STAGES})
    joined = named.join(found, left_on="id", right_on="target", how="left", maintain_order="left")
    return joined.with_columns(pl.col("customers").fill_null(0))


def _standings(learned: Learned) -> pl.DataFrame:
    """``IN_STAGE`` edges of registered customers who ever bought."""
    names = [name for name in _IN_STAGE.properties if name != "build"]
    known = learned.customers.table.filter(pl.Series(learned.shop.graph.registered))
    return known.drop_nulls("stage").select(
        pl.col("user_id").alias("source"), pl.col("stage").alias("target"), *names
    )


def _similar(learned: Learned, most: int = 10) -> pl.DataFrame:
    near: Neighbours = learned.neighbours
    rows = near.rows[:, :most]
    source = np.broadcast_to(np.arange(len(rows))[:, None], rows.shape)
    there = rows >= 0
    ids = learned.shop.graph.products.ids
    return pl.DataFrame(
        {
            "source": ids.gather(source[there]),
            "target": ids.gather(rows[there]),
            "score": near.scores[:, :most][there].astype(np.float64),
        }
    )


def _liked(learned: Learned, most: int) -> pl.DataFrame:
    """The discover list of each registered user who bought anything.

    Only what the mode's scorer put there: a place filled by popularity says nothing of the user.
    """
    shop, history = learned.shop, learned.recommender.history
    bought = np.diff(history.starts) > 0
    users = np.flatnonzero(shop.graph.registered & bought)
    frames = [_lists(learned, batch, most) for batch in batches(users, BATCH) if most]
    schema = {"source": pl.String, "target": pl.String, "score": pl.Float64, "rank": pl.Int64}
    return pl.concat(frames) if frames else pl.DataFrame(schema=schema)


def _lists(
    learned: Learned, users: np.ndarray[tuple[int], np.dtype[np.int64]], most: int
) -> pl.DataFrame:
    lists = learned.recommender.recommend(users, most, "discover")
    there = lists.sources == 0
    source = np.broadcast_to(users[:, None], there.shape)
    rank = np.broadcast_to(np.arange(1, most + 1)[None, :], there.shape)
    graph = learned.shop.graph
    return pl.DataFrame(
        {
            "source": graph.users.ids.gather(source[there]),
            "target": graph.products.ids.gather(lists.rows[there]),
            "score": lists.scores[there].astype(np.float64),
            "rank": rank[there].astype(np.int64),
        }
    )
