"""Graph Data Science on a Neo4j server: embeddings, neighbours and communities in its memory.

Links are sent as parameters and projected into a named in-memory graph, so the server's store is
neither read nor written: every call is in a session in which the server refuses writes. The graph
goes when it is no longer wanted. Procedures and their arguments: Neo4j Graph Data Science manual,
2.13 (FastRP after Chen et al. 2019, kNN after Dong et al. 2011, Leiden after Traag et al. 2019).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, Self

import neo4j
import numpy as np
import numpy.typing as npt
from neo4j import exceptions
from scipy import sparse

from graph.neo4j_address import Address
from graph.neo4j_link import Link
from loaders.errors import ConfigError, CoterieError, StoreUnavailable

__all__ = ["Gds", "Links", "Projection"]

Links = sparse.csr_array[np.float64, tuple[int, int]]
"""Weights above 0 of links, CSR."""

NAMED: Final = "coterie_"
"""How names of graphs in the server's catalogue begin."""

_MEMORY: Final = ("exceeds available memory", "exceeds current free memory", "OutOfMemory")
_PROJECT: Final = """
UNWIND $rows AS row UNWIND range(0, size(row[2]) - 1) AS i
WITH gds.graph.project(
  $graph, row[1], row[2][i],
  {sourceNodeLabels: [row[0]], targetNodeLabels: ['Product'], relationshipType: 'LINKED',
   relationshipProperties: {weight: row[3][i]}},
  {undirectedRelationshipTypes: ['*'], readConcurrency: 1}
) AS made RETURN made.nodeCount AS nodes
"""
_EMBED: Final = """
CALL gds.fastRP.mutate($graph, {
  embeddingDimension: $dim, iterationWeights: $steps, relationshipWeightProperty: 'weight',
  randomSeed: $seed, concurrency: 1, mutateProperty: 'embedding'
}) YIELD nodeCount RETURN nodeCount
"""
_LINK: Final = """
CALL gds.knn.mutate($graph, {
  nodeLabels: ['User'], nodeProperties: {embedding: 'COSINE'}, topK: $k, sampleRate: 1.0,
  deltaThreshold: 0.0, randomSeed: $seed, concurrency: 1,
  mutateRelationshipType: 'NEAR', mutateProperty: 'score'
}) YIELD relationshipsWritten RETURN relationshipsWritten
"""
_BOTH_WAYS: Final = """
CALL gds.graph.relationships.toUndirected($graph, {
  relationshipType: 'NEAR', mutateRelationshipType: 'LIKE', aggregation: 'MAX', concurrency: 1
}) YIELD relationshipsWritten RETURN relationshipsWritten
"""
_LINKS: Final = """
CALL gds.graph.relationshipProperty.stream($graph, 'score', ['LIKE'], {concurrency: 1})
YIELD sourceNodeId, targetNodeId, propertyValue
RETURN sourceNodeId, collect(targetNodeId), collect(propertyValue)
"""
_LEIDEN: Final = """
CALL gds.leiden.stream($graph, {
  nodeLabels: ['User'], relationshipTypes: ['LIKE'], relationshipWeightProperty: 'score',
  gamma: $gamma, randomSeed: $seed, concurrency: 1
}) YIELD nodeId, communityId RETURN collect(nodeId), collect(communityId)
"""
_DROP: Final = "CALL gds.graph.drop($graph, false) YIELD graphName RETURN graphName"


class Gds:
    """A server's Graph Data Science.

    Args:
        uri: ``scheme://[user:password@]host[:port][/database]``; see ``graph.neo4j_address``. A
            graph is in the memory of one server, so ``neo4j`` is taken as ``bolt``.

    Raises:
        ConfigError: the address or login is wrong, or Graph Data Science is not installed there.
        StoreUnavailable: the server does not answer.
    """

    def __init__(self, uri: str) -> None:
        address = Address.parse(uri)
        self.address = replace(address, uri=re.sub("^neo4j", "bolt", address.uri))
        self._link = Link(self.address, read_only=True)
        try:
            self.version = str(self.call("RETURN gds.version()", "tell the version of GDS")[0][0])
        except BaseException:
            self.close()
            raise

    def call(self, cypher: str, what: str, **parameters: Any) -> list[list[Any]]:
        """Values of each record of ``cypher``; ``what`` says what it does."""
        with self._errors(what), self._link.session() as session:
            return [record.values() for record in session.run(cypher, parameters)]

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        with self._link.errors(what):
            try:
                yield
            except exceptions.Neo4jError as error:
                told = _remedied(error, what, self.address)
                if told is None:
                    raise
                raise told from error

    @contextmanager
    def projected(self, bought: Links, categories: Links | None = None) -> Iterator[Projection]:
        """An in-memory graph of customers, products and categories while the context lasts.

        The links travel in one message and are held by the server while it projects them.

        Args:
            bought: weights of customers and products, [n_customers, n_products].
            categories: weights of categories and products, [n_categories, n_products].

        Raises:
            StoreUnavailable: the server does not answer, or has too little memory.
        """
        name = NAMED + uuid.uuid4().hex
        try:
            self.call(_PROJECT, "project a graph", graph=name, rows=_rows(bought, categories))
            yield Projection(self, name, bought.shape[0])
        except BaseException:
            with suppress(CoterieError):  # the first error is the one to tell
                self._drop(name)
            raise
        self._drop(name)

    def _drop(self, name: str) -> None:
        self.call(_DROP, f"drop the in-memory graph '{name}'", graph=name)

    def close(self) -> None:
        """Let go of the connections."""
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Projection:
    """An in-memory graph; the steps go in the order of the methods, with one thread each."""

    def __init__(self, gds: Gds, name: str, customers: int) -> None:
        self._gds, self.name, self._customers = gds, name, customers

    def _call(self, cypher: str, what: str, **parameters: Any) -> list[list[Any]]:
        return self._gds.call(cypher, what, graph=self.name, **parameters)

    def embed(self, dim: int, steps: Sequence[float], seed: int) -> None:
        """Describe every node by FastRP.

        Args:
            dim: length of the embeddings.
            steps: what the average over neighbours one, two, ... links away counts.
            seed: of the random projection.
        """
        weights = [float(step) for step in steps]
        self._call(_EMBED, "embed the nodes", dim=dim, steps=weights, seed=seed)

    def link_nearest(self, k: int, seed: int) -> Links:
        """Link each customer to their ``k`` nearest by cosine of embeddings, both ways.

        Args:
            k: links that each makes; one may receive more.
            seed: of the approximate search.

        Returns:
            similarity of those linked, 0 to 1, symmetric, [n_customers, n_customers].
        """
        self._call(_LINK, "link the nearest", k=k, seed=seed)
        self._call(_BOTH_WAYS, "make links undirected")
        found = self._call(_LINKS, "read the links")
        ends = [np.asarray(each[1], np.int64) for each in found]
        sources = np.repeat([each[0] for each in found], [len(each) for each in ends])
        weights = np.concatenate([np.zeros(0), *(each[2] for each in found)])
        entries = (weights, (sources.astype(np.int64), np.concatenate([np.zeros(0, int), *ends])))
        size = self._customers
        return sparse.csr_array(sparse.coo_array(entries, shape=(size, size)))

    def leiden(self, gamma: float, seed: int) -> npt.NDArray[np.int64]:
        """Communities of the linked customers, int64 [n_customers], -1 for who has no product.

        Args:
            gamma: resolution; higher gives more communities.
            seed: of the order in which nodes are visited.
        """
        found = self._call(_LEIDEN, "find communities", gamma=gamma, seed=seed)
        labels = np.full(self._customers, -1, np.int64)
        labels[np.asarray(found[0][0], np.int64)] = found[0][1]
        return labels


def _rows(bought: Links, categories: Links | None) -> list[list[Any]]:
    """Label, id, products and weights of each customer and category.

    Ids tell nodes of all labels apart: customers come first, then products, then categories.
    """
    customers, products = bought.shape
    rows = _linked("User", 0, bought, customers)
    if categories is not None:
        rows += _linked("Category", customers + products, categories, customers)
    return rows


def _linked(label: str, first: int, links: Links, first_product: int) -> list[list[Any]]:
    ends = np.split(links.indices.astype(np.int64) + first_product, links.indptr[1:-1])
    weights = np.split(links.data.astype(np.float64), links.indptr[1:-1])
    return [
        [label, row, end.tolist(), weight.tolist()]
        for row, (end, weight) in enumerate(zip(ends, weights, strict=True), first)
    ]


def _remedied(error: neo4j.exceptions.Neo4jError, what: str, at: Address) -> CoterieError | None:
    """What GDS's ``error`` means for the reader, where the server's own words do not tell."""
    code, message = error.code or "", error.message or ""
    if "MemoryPool" in code:  # a limit of transactions, which the link has words for
        return None
    if any(sign in code + message for sign in _MEMORY):
        return StoreUnavailable(
            f"{at} could not {what} in the memory that it has; raise its setting "
            f"server.memory.heap.max_size: {message}"
        )
    if "gds." in message and ("Unknown function" in message or "ProcedureNotFound" in code):
        return ConfigError(
            f"{at} has no Graph Data Science, or an old one; install the plugin "
            "(tested with 2.13) and restart the server"
        )
    if "sandbox" in message:
        return ConfigError(f"{at} needs dbms.security.procedures.unrestricted=gds.*: {message}")
    return None
