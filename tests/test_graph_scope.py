"""Which queries are sure not to meet what builds derive; the cookbook's, and evasions."""

from __future__ import annotations

import re

import pytest
from test_docs_cypher import QUERIES

from graph.scope import may_meet_derived

DERIVED = (
    r"\b(BOUGHT_WITH|SIMILAR_TO|MEMBER_OF|MAY_LIKE|IN_STAGE|CHILD_OF|Community|Stage|\w+Vector)\b"
)


@pytest.mark.parametrize("query", QUERIES["neo4j"].values(), ids=QUERIES["neo4j"])
def test_of_the_cookbook_only_what_names_derived_things_does(query: str) -> None:
    assert may_meet_derived(query) == bool(re.search(DERIVED, query))


@pytest.mark.parametrize(
    "query",
    [
        "MATCH (u:User {id: $id})-[r:PURCHASED]->(p) WHERE p.price > 3 - 1 RETURN p, count(*)",
        "MATCH (u:User) WHERE NOT (u)-[:VIEWED|CARTED]->() RETURN u.name =~ 'A.*', (u.age)",
        "MATCH (p)<-[r:PURCHASED {order_id: 'MAY_LIKE'}]-(:User) RETURN sum(r.value) * 2 - 1",
        "MATCH (u:User) CALL (u) { MATCH (u)-[:PURCHASED]->(p) RETURN p LIMIT 1 } RETURN p",
        "MATCH (u:User) RETURN u.id, COUNT { (u)-[:PURCHASED]->() } AS n // MAY_LIKE",
        "RETURN datetime() AS now, [x IN range(1, 3) | x - 1] AS list",
    ],
)
def test_sure_not_to(query: str) -> None:
    assert not may_meet_derived(query)


@pytest.mark.parametrize(
    "query",
    [
        "MATCH (n) RETURN count(n)",
        "MATCH () RETURN count(*)",
        "MATCH (n {id: 'g1'}) RETURN n",
        "MATCH (n WHERE n.build = '1') RETURN n",
        "MATCH (WHERE true) RETURN 1",
        "MATCH (where WHERE true) RETURN 1",
        "MATCH (n $given) RETURN n",
        "MATCH (u:User), (n) RETURN n",
        "MATCH p = (n) RETURN p",
        "MATCH ANY (n) RETURN n",
        "MATCH (n:!User) RETURN n",
        "MATCH (n:%) RETURN n",
        "MATCH (n IS %) RETURN n",
        "MATCH (n:$($label)) RETURN n",
        "MATCH (n:$all($labels)) RETURN n",
        "MATCH (n:`Community`) RETURN n",
        "MATCH (n:User|UserVector) RETURN n",
        "MATCH (u:User)--(x) RETURN x",
        "MATCH (u:User)-->(x) RETURN x",
        "MATCH (u:User)<--(x) RETURN x",
        "MATCH (u:User)-[]->(x) RETURN x",
        "MATCH (u:User)-[r]->(x) RETURN x",
        "MATCH (u:User)-[r {rank: 1}]->(x) RETURN x",
        "MATCH (u:User)-[r WHERE r.rank = 1]->(x) RETURN x",
        "MATCH (u:User)-[r IS PURCHASED]->(x) RETURN x",
        "MATCH (u:User)-[:`MAY_LIKE`]->(x) RETURN x",
        "MATCH (u:User)-[:PURCHASED|MAY_LIKE]->(x) RETURN x",
        "MATCH (u:User)-[:!PURCHASED]->(x) RETURN x",
        "MATCH (u)-[:PURCHASED*0..1]->(x) RETURN x",
        "MATCH (u)-[:PURCHASED]->{0,1}(x) RETURN x",
        "MATCH (u)-[:PURCHASED]->*(x) RETURN x",
        "MATCH (u)-[:PURCHASED]-{0,1}(x) RETURN x",
        "MATCH ((u)-[:PURCHASED]->(x)){0,1} RETURN x",
        "MATCH ((u)-[:PURCHASED]->(x))* RETURN x",
        "MATCH (u:User) RETURN COUNT { (u)--() } AS edges",
        "MATCH (u:User) WHERE EXISTS { (u)-[r]-() } RETURN u",
        "CALL db.labels() YIELD label RETURN label",
        "CALL db.index.vector.queryNodes('product_vectors', 3, [1.0]) YIELD node RETURN node",
        "MATCH (u:User RETURN u",
        "RETURN [1)",
    ],
)
def test_might(query: str) -> None:
    assert may_meet_derived(query)
