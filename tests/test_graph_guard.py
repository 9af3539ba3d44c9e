"""What the guard refuses, what it must let through, and that nothing slips past it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.embedded import EmbeddedStore
from graph.guard import _FORBIDDEN, check_read_only, guarded
from graph.neo4j_store import Neo4jStore
from graph.query import read_query
from graph.store import QueryLimits
from loaders.errors import QueryError
from tests.neo4j_fixture import clean_neo4j

ATTACKS = [
    "CREATE (:User {id: 'eve'})",
    "create(:User{id:'eve'})",
    "MATCH (u:User) CREATE (:User {id: 'eve'})",
    "MATCH (u:User)CREATE(:User{id:'eve'})",
    "RETURN 1CREATE (:User {id: 'eve'})",
    "RETURN 1.CREATE (:User {id: 'eve'})",
    "RETURN $1CREATE (:User {id: 'eve'})",
    "RETURN 'a'CREATE (:User {id: 'eve'})",
    "RETURN '\\\\' CREATE (:User {id: '\\\\'})",
    "RETURN \"'\" CREATE (:User {id: 'eve'}) RETURN \"'\"",
    "RETURN `'` CREATE (:User {id: 'eve'}) RETURN `'`",
    "RETURN 1 /* ' */ CREATE (:User {id: 'eve'}) /* ' */",
    "RETURN 1 // '\nCREATE (:User {id: 'eve'}) //'",
    "RETURN 1 // \rCREATE (:User {id: 'eve'})",
    "RETURN 1 // \u2028 CREATE (:User {id: 'eve'})",
    "RETURN 1 //*\nCREATE (:User {id: 'eve'}) //*/",
    "RETURN 1 /**/CREATE/**/(:User {id: 'eve'})",
    "/* hello */ CREATE (:User {id: 'eve'})",
    "MATCH\u00a0(u:User)\u00a0SET\u00a0u.id = 'eve'",
    "\\u0043REATE (:User {id: 'eve'})",
    "RETURN '\\u0027 CREATE (:User) //'",
    "RETURN `a\\u0060 CREATE (:User) //`",
    "RETURN 1 /* \\u002a\\u002f CREATE (:User) /* */",
    "MATCH (u:User) SET u.id = 'eve'",
    "MATCH (u:User) WITH u SET u += {id: 'eve'}",
    "MATCH (u:User) REMOVE u.age",
    "MATCH (u:User) DELETE u",
    "MATCH (u:User) DETACH DELETE u",
    "MERGE (:User {id: 'eve'})",
    "WITH 1 AS as CREATE (:User {id: 'eve'})",
    "WITH 1 AS set SET set = 2",
    "UNWIND [1] AS x MERGE (:User {id: 'eve'})",
    "MATCH (u:User) WHERE EXISTS { CREATE (:User {id: 'eve'}) } RETURN u",
    "MATCH (u:User) CALL { WITH u DETACH DELETE u } RETURN 1",
    "CALL { MATCH (u) RETURN u } IN TRANSACTIONS RETURN 1",
    "MATCH (n) FOREACH (x IN [1] | CREATE (:User))",
    "LOAD FROM '/etc/passwd' RETURN *",
    "LOAD FROM '/etc/passwd' (file_format='csv', header=false) RETURN *",
    "LOAD CSV FROM 'http://example.com/x' AS row RETURN row",
    "LOAD FROM secret RETURN *",
    "LOAD FROM $rows RETURN *",
    "MATCH (u:User) LOAD FROM '/etc/passwd' RETURN *",
    "RETURN 1 UNION LOAD FROM '/etc/passwd' RETURN *",
    "COPY (MATCH (u:User) RETURN u.id) TO 'OUT'",
    "COPY User FROM '/etc/passwd'",
    "COPY User FROM secret",
    "EXPORT DATABASE 'OUT'",
    "IMPORT DATABASE 'OUT'",
    "ATTACH 'OUT' AS other (dbtype lbug)",
    "DETACH other",
    "USE other",
    "USE GRAPH other",
    "INSTALL httpfs",
    "LOAD EXTENSION httpfs",
    "UNINSTALL httpfs",
    "DROP TABLE PURCHASED",
    "ALTER TABLE User ADD eve STRING",
    "CREATE NODE TABLE Eve(id STRING PRIMARY KEY)",
    "CREATE MACRO eve(a) AS a + 1",
    "CREATE SEQUENCE eve",
    "COMMENT ON TABLE User IS 'eve'",
    "BEGIN TRANSACTION",
    "COMMIT",
    "ROLLBACK",
    "CHECKPOINT",
    "FORCE CHECKPOINT",
    "ANALYZE",
    "CALL threads = 64",
    "CALL timeout=0",
    "CALL clear_warnings()",
    "CALL project_graph('g', ['User'], ['PURCHASED'])",
    "CALL `show_tables`() RETURN *",
    "CALL dbms.killConnection('1')",
    "CALL apoc.load.json('file:///etc/passwd')",
    "RETURN apoc.cypher.runFirstColumnSingle('CREATE (n) RETURN n', {})",
    "RETURN `apoc`.`util`.sleep(1000)",
    "EXPLAIN CREATE (:User {id: 'eve'})",
    "PROFILE MATCH (u:User) DELETE u",
    "RETURN 1; CREATE (:User {id: 'eve'})",
    "RETURN 1;; RETURN 2",
    "TERMINATE TRANSACTIONS '1'",
    "SHOW SETTINGS",
    "CYPHER 25 RETURN 1",
    "\uff23REATE (:User)",
    "MATCH (u:User) éCREATE (:User)",
    "SHOW TRANSACTIONS",
    "SHOW USERS",
    "USE system SHOW USERS",
    "CREATE USER eve SET PASSWORD 'eveeveeve'",
    "ALTER CURRENT USER SET PASSWORD FROM 'a' TO 'b'",
    "CREATE DATABASE eve",
    "STOP DATABASE neo4j",
    "CREATE INDEX eve FOR (u:User) ON (u.age)",
    "DROP CONSTRAINT coterie_user_id",
    "TERMINATE TRANSACTIONS 'neo4j-transaction-1' YIELD message RETURN message",
    "WITH 1 AS x LOAD CSV FROM 'file:///etc/passwd' AS r RETURN r",
    "CALL { LOAD CSV FROM 'file:///etc/passwd' AS r RETURN r } RETURN r",
    "RETURN EXISTS { LOAD CSV FROM 'file:///etc/passwd' AS r RETURN r }",
    "MATCH (u) RETURN COLLECT { LOAD CSV FROM 'http://127.0.0.1:1' AS r RETURN r }",
    "CALL dbms.listConfig() YIELD name RETURN name",
    "CALL dbms.killConnections(['bolt-1'])",
    "CALL dbms.queryJmx('*:*')",
    "CALL db.clearQueryCaches()",
    "CALL db.createLabel('Eve')",
    "CALL db.prepareForReplanning()",
    "CALL db.index.vector.createNodeIndex('i', 'User', 'v', 3, 'cosine')",
    "CALL gds.graph.drop('g')",
    "CALL tx.setMetaData({a: 1})",
    "RETURN genai.vector.encode('x', 'OpenAI', {token: 'y'})",
    "CYPHER runtime=slotted RETURN 1",
    "CYPHER 5 LOAD CSV FROM 'file:///etc/passwd' AS r RETURN r",
    "RETURN 'never ends",
    "RETURN `never ends",
    "RETURN 1 /* never ends",
    "RETURN \\",
    "RETURN '\x00'",
    "RETURN " + "(" * 5000 + "1" + ")" * 5000,
    "RETURN " + "1+" * 20_000 + "1",
    "",
    "   ;",
    "// nothing",
]

HARMLESS = [
    "MATCH (u:User) RETURN u.set, u.create, u.`delete`",
    "RETURN {load: 1, set: 2} AS m",
    "MATCH (n:Create)-[:LOAD|COPY]->(m:`SET`) RETURN n",
    "MATCH (n) WHERE n.name = 'CREATE (x)' RETURN n // DELETE n",
    "RETURN 'it is \\'SET\\' here' AS text",
    "RETURN $set AS x, $create",
    "WITH 1 AS `delete` RETURN `delete`",
    "MATCH (u:User)-[r:PURCHASED]->(p) WITH u, count(*) AS n WHERE n > 3 "
    "RETURN u.id AS id, n ORDER BY n DESC, id SKIP 1 LIMIT 5",
    "OPTIONAL MATCH (u:User) RETURN u UNION ALL MATCH (u:User) RETURN u;",
    "UNWIND [1, 2] AS x RETURN CASE WHEN x > 1 THEN 'a' ELSE 'b' END AS y ORDER BY y",
    "MATCH (a)-[:PURCHASED*1..3]-(b) RETURN a.id STARTS WITH 'x' AND NOT b.id IS NULL",
    "MATCH p = (a:User)-[e* SHORTEST 1..4]-(b:User) RETURN length(p)",
    "MATCH p = (a:User)-[e* ALL SHORTEST 1..4]-(b:User) RETURN p",
    "RETURN [x IN [1, 2] WHERE x > 1 | x * 2] AS l, 1e5, 0x1F, 1.5, .5",
    "MATCH (u:User) WHERE EXISTS { MATCH (u)-[:PURCHASED]->() } RETURN count(DISTINCT u)",
    "MATCH (u:User) RETURN COUNT { MATCH (u)-[:PURCHASED]->() } AS n",
    "CALL show_tables() RETURN name, type ORDER BY name",
    "CALL table_info('User') RETURN *",
    "CALL db.labels() YIELD label RETURN label",
    "CALL (u) { MATCH (u)-->(p) RETURN p } RETURN p",
    "MATCH (u:User) CALL { WITH u MATCH (u)-->(p) RETURN count(p) AS n } RETURN u, n",
    "RETURN date('2024-01-01') AS d, datetime.truncate('day', datetime()) AS t",
    "RETURN CAST('1' AS INT64) AS one",
    "MATCH (n {a: 1})\nRETURN n.a /* SET */ AS b",
    "RETURN 'caf\\u00e9' AS drink",
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("guard") / "graph.lbug"
    EmbeddedStore(path).close()
    return path


@pytest.fixture(scope="module")
def server() -> Iterator[Neo4jStore]:
    with Neo4jStore(clean_neo4j()) as store:
        yield store


@pytest.fixture(params=["path", "server"])
def target(request: pytest.FixtureRequest) -> Path | Neo4jStore:
    """Either engine, as ``read_query`` takes it."""
    found: Path | Neo4jStore = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("cypher", ATTACKS)
def test_attacks_are_refused_and_leave_no_trace(
    target: Path | Neo4jStore, tmp_path: Path, cypher: str
) -> None:
    secret = object()
    out = tmp_path / "out"
    with pytest.raises(QueryError):
        read_query(target, cypher.replace("OUT", str(out)))
    assert secret and not out.exists()


def test_the_stores_are_still_empty_after_all_attacks(path: Path, server: Neo4jStore) -> None:
    with EmbeddedStore(path) as embedded:
        for store in (embedded, server):
            assert set(store.counts().values()) == {0}
            assert store.nodes("User").column_names == ["id", "anonymous"]
    labels = server.query("CALL db.labels() YIELD label RETURN collect(label) AS found")
    assert "Eve" not in labels["found"].to_pylist()[0]


@pytest.mark.parametrize("cypher", ["MERGE (:User {id: 'eve'})", "CALL db.createLabel('Eve')"])
def test_the_server_refuses_writes_that_no_guard_judged(server: Neo4jStore, cypher: str) -> None:
    with pytest.raises(QueryError, match="would change"):
        server.read_query(cypher, {}, QueryLimits())


@pytest.mark.parametrize("cypher", HARMLESS)
def test_harmless_queries_pass(cypher: str) -> None:
    check_read_only(cypher)


@pytest.mark.parametrize(
    ("cypher", "named"),
    [
        ("MATCH (n) DETACH DELETE n", "DETACH is refused"),
        ("MATCH (n) LOAD FROM 'x' RETURN *", "LOAD is refused"),
        ("COPY User FROM 'x'", "may not start with COPY"),
        ("CALL threads=1", "CALL threads is refused"),
        ("RETURN 1; RETURN 2", "semicolon"),
        ("RETURN apoc.x()", "apoc.x is refused"),
        ("MATCH (n) FROBNICATE n", "FROBNICATE is refused"),
    ],
)
def test_the_message_names_what_is_refused(cypher: str, named: str) -> None:
    with pytest.raises(QueryError, match=named):
        check_read_only(cypher)


def test_comments_are_blanked_in_place() -> None:
    assert guarded("RETURN /* a\nb */ 1 // c") == "RETURN     \n     1     "


WORDS = sorted(_FORBIDDEN)
PIECES = st.sampled_from(
    [*WORDS, "MATCH", "RETURN", "WITH", "AS", "CALL", "n", "n.", "1", "1.", "'", '"', "`", "\\",
     "(", ")", "{", "}", "[", "]", ":", "|", ",", ".", ";", "//", "/*", "*/", "\n", " ", "$", "-",
     "*", "é", "\\u0027", "x"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_never_crashes(text: str) -> None:
    try:
        check_read_only(text)
    except QueryError as error:
        assert str(error)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_never_crashes_on_any_text(text: str) -> None:
    try:
        check_read_only("RETURN " + text)
    except QueryError as error:
        assert str(error)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.lists(PIECES, max_size=8).map(lambda parts: "RETURN 1 " + "".join(parts)))
def test_what_passes_only_reads_by_the_servers_own_judgement(server: Neo4jStore, text: str) -> None:
    try:
        passed = guarded(text)
    except QueryError:
        return
    try:
        server.read_query(passed, {}, QueryLimits(rows=10, seconds=2))
    except QueryError as error:
        assert "would change" not in str(error)


HARMLESS_PIECES = st.sampled_from(
    [
        "n",
        "1",
        "'a'",
        '"SET"',
        "`DROP`",
        "(n)",
        "[1]",
        "{a: 1}",
        "n.set",
        "$p",
        "\n",
        "/* x */",
        " ",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(HARMLESS_PIECES, max_size=6),
    st.sampled_from(WORDS),
    st.lists(HARMLESS_PIECES, max_size=6),
    st.booleans(),
)
def test_a_bare_forbidden_word_never_passes(
    before: list[str], word: str, after: list[str], lower: bool
) -> None:
    spelled = word.lower() if lower else word
    with pytest.raises(QueryError):
        check_read_only(f"RETURN {' '.join(before)} {spelled} {' '.join(after)}")


def test_every_forbidden_word_is_fine_as_a_property() -> None:
    for word in WORDS:
        check_read_only(f"MATCH (n:{word}) RETURN n.{word}, {{{word}: 1}}")
        assert re.search(word, guarded(f"RETURN '{word}'"))
