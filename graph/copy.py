"""``copy_graph``: everything of one store into another, whatever kinds they are."""

from __future__ import annotations

import pyarrow as pa

from graph.schema import DERIVED_EDGES, EVENT_EDGES, NODES, STRUCTURE_EDGES
from graph.store import Derived, GraphStore
from loaders.errors import DataError, StoreUnavailable
from loaders.progress import Progress, silent

__all__ = ["copy_graph", "derived_of"]


def copy_graph(source: GraphStore, target: GraphStore, progress: Progress = silent) -> None:
    """Copy nodes, edges, events and what the last build derived.

    Copying again changes nothing; a copy that was cut short is completed that way.

    Raises:
        DataError: the target holds money in another currency, or attributes of other types.
        StoreUnavailable: one of the stores cannot be reached.
    """
    _check_currency(source, target)
    plain = [label for label in NODES.values() if not label.derived]
    for done, label in enumerate(plain, 1):
        target.upsert_nodes(label.name, source.nodes(label.name))
        progress("copying nodes", done, len(plain))
    for done, edge in enumerate(STRUCTURE_EDGES, 1):
        target.upsert_edges(edge, source.edges(edge))
        progress("copying structure", done, len(STRUCTURE_EDGES))
    for edge in EVENT_EDGES.values():
        target.append_events(edge, source.edges(edge), progress)
    derived = derived_of(source)
    if derived is not None:
        progress("copying what was derived", 0, 1)
        target.replace_derived(derived)
        progress("copying what was derived", 1, 1)


def _check_currency(source: GraphStore, target: GraphStore) -> None:
    theirs, ours = (store.nodes("Shop")["currency"].to_pylist() for store in (source, target))
    if ours and theirs and ours != theirs:
        raise DataError(
            f"the target holds money in {ours[0]} and the source in {theirs[0]}; copy into "
            "another store"
        )


def derived_of(source: GraphStore) -> Derived | None:
    """What the last build derived, if there was one.

    Raises:
        StoreUnavailable: another took its place while it was read.
    """
    with source.transaction():
        nodes = {label.name: source.nodes(label.name) for label in NODES.values() if label.derived}
        edges = {(e.name, e.source, e.target): source.edges(e) for e in DERIVED_EDGES}
    builds = {b for t in (*nodes.values(), *edges.values()) for b in _builds(t)}
    if len(builds) > 1:
        raise StoreUnavailable("a build was written to the source meanwhile; copy again")
    return Derived(builds.pop(), nodes, edges) if builds else None


def _builds(table: pa.Table) -> list[str]:
    return [build for build in table["build"].unique().to_pylist() if build]
