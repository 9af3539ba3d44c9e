"""What has to be done on a Neo4j server so that a build stands where another stood.

Rows of both builds are compared here, so that the server need not delete and create what they
share: setting a property takes it a fraction of the time. Relationships are named by their numbers,
and a number may be given to another once its own is gone. So all changes that name numbers come
before all that create, and relationships go before the nodes that they hang on; in between nobody
else creates relationships of these types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final, Literal, NamedTuple

import polars as pl

from graph import neo4j_read as read
from graph import neo4j_write as write
from graph.ddl import quoted
from graph.frames import (
    check_endpoints,
    check_owners,
    derived_nodes,
    edge_frame,
    stamped,
    vector_length,
)
from graph.neo4j_link import Link, Run
from graph.neo4j_schema import sent_value, to_wire
from graph.schema import DERIVED_EDGES, NODES, EdgeType, PropertyType
from graph.store import Derived

__all__ = ["Change", "carry_out", "changes", "checked"]

What = Literal["gone", "other", "new"]
_NUMBERS_A_CHUNK: Final = 1_000_000
"""In vectors: the server takes some 30 bytes for each while it writes them."""
_NUMBER: Final = read.NUMBER
_WAS: Final = "__was"
"""End of the names of columns with what is stored."""


class Change(NamedTuple):
    """Rows of one derived label, or edge type by its place in ``DERIVED_EDGES``.

    The first column of those that are ``gone`` or ``other`` names them: ids of nodes, numbers of
    relationships. Properties follow, all that are to be set.
    """

    what: What
    kind: str
    rows: pl.DataFrame


def checked(link: Link, derived: Derived) -> dict[str, pl.DataFrame]:
    """All rows of ``derived`` by kind, nodes first.

    Raises:
        DataError: they do not fit the schema, or name a node that does not exist.
    """
    found = {label.name: derived_nodes(label, derived) for label in NODES.values() if label.derived}
    nodes = dict(found)
    for name, frame in nodes.items():
        vector_length(frame)
        if NODES[name].of:
            check_owners(NODES[name], frame, _ids(link, NODES[name].of)["id"])
    for place, edge in enumerate(DERIVED_EDGES):
        empty = pl.DataFrame(schema={"source": pl.String, "target": pl.String}).to_arrow()
        table = derived.edges.get((edge.name, edge.source, edge.target), empty)
        frame = edge_frame(edge, stamped(table, derived.build)).sort("source", maintain_order=True)
        for column, label in (("source", edge.source), ("target", edge.target)):
            known = nodes[label]["id"] if label in nodes else _ids(link, label)["id"]
            check_endpoints(frame, column, known, edge)
        found[str(place)] = frame
    return found


def changes(link: Link, wanted: Mapping[str, pl.DataFrame]) -> Iterator[Change]:
    """What makes ``wanted`` of what is stored, in parts of bounded size, in order."""
    found = [change for kind, frame in wanted.items() for change in _compared(link, kind, frame)]
    gone = [change for change in found if change.what == "gone"]
    other = [change for change in found if change.what == "other"]
    new = [change for change in found if change.what == "new"]
    for change in (*reversed(gone), *other, *new):
        most = _NUMBERS_A_CHUNK // vector_length(change.rows)
        yield from (change._replace(rows=part) for part in write.batches(change.rows, most))


def _compared(link: Link, kind: str, frame: pl.DataFrame) -> list[Change]:
    if kind in NODES:
        label = NODES[kind]
        held = link.read(lambda run: read.nodes(run, label)).with_columns(ref="id")
        return _difference(kind, held, frame, ["id"], [*label.properties])
    edge = DERIVED_EDGES[int(kind)]
    held = link.read(partial(read.edge_frame, edge=edge, numbered=True)).rename({_NUMBER: "ref"})
    held = held.rename({"source": "__source", "target": "__target"})
    found = _difference(
        kind, held, _numbered(link, edge, frame), ["__source", "__target"], [*edge.properties]
    )
    return [c._replace(rows=c.rows.drop("__source", "__target", strict=False)) for c in found]


def _numbered(link: Link, edge: EdgeType, frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with the numbers of both ends, none for nodes that do not exist yet."""
    for end, label in (("source", edge.source), ("target", edge.target)):
        known = _ids(link, label).rename({"id": end, _NUMBER: f"__{end}"})
        frame = frame.join(known, on=end, how="left", maintain_order="left")
    return frame


def _difference(
    kind: str, held: pl.DataFrame, frame: pl.DataFrame, key: list[str], properties: Sequence[str]
) -> list[Change]:
    """Rows to be deleted, to be set, and to be created; of equal ones only the build is set."""
    stored = held.unique(key, keep="first")
    both = frame.join(stored, on=key, how="left", suffix=_WAS, maintain_order="left")
    differs = pl.any_horizontal(
        pl.lit(False),
        *(pl.col(name).ne_missing(pl.col(name + _WAS)) for name in properties if name != "build"),
    )
    known = both.filter(pl.col("ref").is_not_null()).with_columns(__differs=differs)
    other, same = known.filter("__differs"), known.filter(~pl.col("__differs"))
    moved = same.filter(pl.col("build").ne_missing(pl.col("build" + _WAS)))
    return [
        Change("gone", kind, held.join(known, on="ref", how="anti").select("ref")),
        Change("other", kind, other.select("ref", *properties)),
        Change("other", kind, moved.select("ref", "build")),
        Change("new", kind, both.filter(pl.col("ref").is_null()).select(frame.columns)),
    ]


def _ids(link: Link, label: str) -> pl.DataFrame:
    return link.read(lambda run: read.ids(run, label))


def carry_out(run: Run, change: Change) -> None:
    """Make a change in the transaction given; what is gone already stays so."""
    if change.what == "new":
        _create(run, change)
        return
    is_node = change.kind in NODES
    kinds: dict[str, PropertyType]
    if is_node:
        kinds = NODES[change.kind].properties
        found = f"MATCH (x:{quoted(change.kind)} {{id: r[0]}})"
    else:
        edge = DERIVED_EDGES[int(change.kind)]
        kinds = edge.properties
        found = f"MATCH ()-[x:{quoted(edge.name)}]->() WHERE id(x) = r[0]"
    sets = ", ".join(
        f"x.{quoted(name)} = {sent_value(f'r[{i}]', kinds[name])}"
        for i, name in enumerate(change.rows.columns[1:], 1)
    )
    done = f"SET {sets}" if change.what == "other" else "DETACH DELETE x" if is_node else "DELETE x"
    run.run(f"UNWIND $rows AS r {found} {done}", rows=to_wire(change.rows).rows()).consume()


def _create(run: Run, change: Change) -> None:
    if change.kind in NODES:
        label = NODES[change.kind]
        write.merge_nodes(run, label, change.rows, {**label.properties})
    else:
        write.create_edges(run, DERIVED_EDGES[int(change.kind)], change.rows)
