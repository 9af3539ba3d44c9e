"""Requests that no honest client makes: fuzzed events and queries, the same for the same seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Case", "Fuzz"]

TEXTS = (
    *(
        "",
        " ",
        "\x00",
        "a\x00b",
        "line\nbreak",
        "\x7f",
        "\ud800",
        "\udfff\ud800",
        "\ufeff",
        "a" * 200,
    ),
    *(
        "a" * 201,
        "ä" * 200,
        "𝄞🛒👩‍👩‍👧",
        "\u202egnp.exe",
        "ﷺ" * 50,
        "\u2028",
        " padded ",
        "Zoë Müller",
    ),
    *(
        "' OR 1=1 --",
        "'}) DETACH DELETE n //",
        "$id",
        "{{7*7}}",
        "../../etc/passwd",
        "%00",
        "a/b?c#d",
    ),
    *(
        "null",
        "NaN",
        "-0",
        "anonymous/",
        "anonymous/anonymous/x",
        "\\",
        '"',
        "`",
        "\u00a0",
        "\u3000",
    ),
)
NUMBERS = (
    *(0, -0.0, 1, -1, 0.1, 1e-320, 1e9, 1e9 + 1, 1e12, 1e12 + 1, 1e308, -1e308, 2**31, 2**53 + 1),
    *(2**63, 2**64, -(2**63), 10**40, float("nan"), float("inf"), float("-inf")),
)
TIMES = (
    *("2024-02-30", "2024-02-29T23:59:60Z", "2024-03-01T10:00:00+05:30", "2024-03-01T10:00:00"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31T23:59:59Z", "now"),
    *("1970-01-01T00:00:00Z", "2024-03-01", "2024-03-01T10:00:00.123456789Z", "24-3-1", "T", 0, -1),
    *(1, 1e10, 1e20, 2**63, 1709287200, 1709287200000, 1e-9),
)
EVENTS = ("purchase", "view_item", "add_to_cart", "add_to_wishlist", "rate")
FIELDS = (
    *("event", "event_id", "user_id", "product_id", "session_id", "order_id", "at"),
    *("quantity", "value", "rating", "experiment", "other"),
)
QUERIES = (
    "MATCH (u:User)-[r:PURCHASED]->(p:Product) RETURN u.id, p.id, r.at LIMIT 5",
    "MATCH (u:User {id: $id}) RETURN u",
    "MATCH (a:Product)<-[:PURCHASED]-(:User)-[:PURCHASED]->(b) RETURN a.id, count(*) LIMIT 3",
    "MATCH p = (u:User)-[*1..2]->(x) RETURN length(p), count(*) LIMIT 3",
    "UNWIND range(1, 100) AS n RETURN n, n * n, toString(n)",
    "MATCH (u:User) WITH u ORDER BY u.id SKIP 2 LIMIT 2 OPTIONAL MATCH (u)-[r]->() RETURN u.id, r",
    "RETURN CASE WHEN 1 < 2 THEN 'a' END AS x, [1, 2, 3][0], {a: 1}.a, date('2024-1-1')",
)
WRITES = (
    *(
        "CREATE (:User {id: 'fuzz'})",
        "MATCH (n) DETACH DELETE n",
        "MATCH (u:User) SET u.id = 'fuzz'",
    ),
    *("MERGE (:Product {id: 'fuzz'})", "DROP TABLE User", "ALTER TABLE User ADD fuzz STRING"),
    *(
        "COPY User TO '/tmp/fuzz.csv'",
        "COPY User FROM '/etc/passwd'",
        "LOAD FROM '/etc/passwd' RETURN *",
    ),
    *(
        "INSTALL httpfs",
        "LOAD EXTENSION httpfs",
        "ATTACH '/tmp/x' AS x (dbtype duckdb)",
        "CHECKPOINT",
    ),
    *("EXPORT DATABASE '/tmp/fuzz'", "IMPORT DATABASE '/tmp/fuzz'", "BEGIN TRANSACTION", "COMMIT"),
    *(
        "CALL threads=1",
        "CALL show_tables() RETURN *",
        "CREATE NODE TABLE Fuzz(id STRING PRIMARY KEY)",
    ),
    *(
        "CREATE MACRO f(x) AS x + 1",
        "PROFILE MATCH (n) RETURN n",
        "EXPLAIN MATCH (n) DELETE n",
        "USE x",
    ),
)
FRAGMENTS = (
    *(
        "MATCH",
        "(n)",
        "(u:User)",
        "-[r]->",
        "<-[:VIEWED*0..3]-",
        "WHERE",
        "RETURN",
        "WITH",
        "*",
        "AS",
    ),
    *(
        "LIMIT",
        "-1",
        "9223372036854775808",
        "1e999",
        "'",
        '"',
        "`",
        "/*",
        "*/",
        "//",
        ";",
        "$",
        "$id",
    ),
    *(
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "null",
        "NOT",
        "UNION",
        "UNWIND",
        "DELETE",
        "SET",
        "CALL",
        "\x00",
    ),
    *(
        "n.id",
        "count(*)",
        "collect(n)",
        "'\\uD800'",
        "1/0",
        "=~ '(a+)+$'",
        "IN",
        "[x IN [1] | x]",
        "é",
    ),
)
LETTERS = "()[]{}<>-:;,.'\"`$\\/*=+|& \n\t\x00abzAZ019é𝄞"


class Case(NamedTuple):
    """One request: where to, its body, and how many events or queries are in it."""

    path: str
    body: bytes
    parts: int

    @property
    def events(self) -> list[Any]:
        """The events in a body that is JSON, also in another encoding of Unicode."""
        document = json.loads(self.body)
        wrapped = isinstance(document, dict) and "events" in document
        return list(document["events"]) if wrapped else [document]


class Fuzz:
    """A source of cases.

    Args:
        seed: of the generator.
        name: begins every id of an event that is text, so that sources do not meet.
    """

    def __init__(self, seed: int, name: str) -> None:
        self._random, self._name, self._sent = random.Random(seed), name, 0

    def case(self) -> Case:
        """The next one."""
        makers: tuple[Callable[[], Case], ...] = (self._single, self._batch, self._query, self._raw)
        return self._random.choices(makers, (45, 15, 30, 10))[0]()

    def _single(self) -> Case:
        return Case("/v1/events", _encoded(self._event()), 1)

    def _batch(self) -> Case:
        events = [self._event() for _ in range(self._random.randint(1, 100))]
        return Case("/v1/events", _encoded({"events": events}), len(events))

    def _event(self) -> Any:
        """An event in order with up to three of its fields replaced, dropped or added."""
        if self._random.random() < 0.05:
            return self._value(3)
        self._sent += 1
        event: dict[str, Any] = {
            "event": self._random.choice(EVENTS),
            "event_id": f"{self._name}{self._sent}",
            "user_id": f"fuzz-user-{self._random.randrange(300)}",
            "product_id": f"fuzz-product-{self._random.randrange(300)}",
            "at": "2024-03-01T10:00:00Z",
        }
        if event["event"] == "rate":
            event["rating"] = self._random.choice((1, 3.5, 5))
        for _ in range(self._random.choice((0, 1, 1, 2, 3))):
            self._spoil(event)
        return event

    def _spoil(self, event: dict[str, Any]) -> None:
        """Change one field."""
        chosen = self._random.choice(FIELDS)
        if self._random.random() < 0.2:
            event.pop(chosen, None)
        elif self._random.random() < 0.3:
            event[chosen] = self._value(2)
        elif chosen == "at":
            event[chosen] = self._random.choice(TIMES)
        elif chosen in ("quantity", "value", "rating"):
            event[chosen] = self._random.choice(NUMBERS)
        elif chosen == "event_id":
            before = max(1, self._sent - self._random.randrange(5))
            event[chosen] = self._name + self._random.choice((*TEXTS, str(before)))
        elif chosen == "other":
            event[self._random.choice(TEXTS)] = self._value(2)
        else:
            event[chosen] = self._random.choice(TEXTS)

    def _value(self, depth: int) -> Any:
        """Any JSON; text is never only a name another source could take for an id."""
        kind = self._random.randrange(7 if depth else 5)
        if kind == 5:
            return [self._value(depth - 1) for _ in range(self._random.randrange(4))]
        if kind == 6:
            keys = (*TEXTS, *EVENTS, "events", "event", "id", "user_id")
            return {self._random.choice(keys): self._value(depth - 1) for _ in range(3)}
        number = self._random.choice(NUMBERS)
        return (None, True, number, str(number), self._name + self._random.choice(TEXTS))[kind]

    def _query(self) -> Case:
        body: Any = {"query": self._cypher(), "seconds": 2, "parameters": {"id": "user-1"}}
        if self._random.random() < 0.3:
            body["parameters"] = {"id": self._value(3)}
        if self._random.random() < 0.1:
            body[self._random.choice(("query", "rows", "seconds", "parameters", "x"))] = (
                self._value(2)
            )
        return Case("/v1/cypher", _encoded(body), 1)

    def _cypher(self) -> str:
        """A query, a write, a few fragments, or one of these with some letters changed."""
        kind = self._random.randrange(4)
        if kind == 0:
            return " ".join(self._random.choices(FRAGMENTS, k=self._random.randint(1, 12)))
        text = self._random.choice(WRITES if kind == 1 else QUERIES)
        if kind == 3:
            text = f"{self._random.choice(QUERIES)} {self._random.choice((*FRAGMENTS, *WRITES))}"
        for _ in range(self._random.choice((0, 0, 1, 2, 5))):
            at = self._random.randrange(len(text) + 1)
            until = at + self._random.randrange(3)
            text = text[:at] + self._random.choice((*LETTERS, "")) + text[until:]
        return text or " "

    def _raw(self) -> Case:
        """A body that is no document, or hardly one."""
        path = self._random.choice(("/v1/events", "/v1/cypher"))
        whole = self._single().body if path == "/v1/events" else self._query().body
        depth = self._random.choice((10, 1_000, 50_000))
        cut = self._random.randrange(len(whole))
        bodies = (
            self._random.randbytes(self._random.randrange(200)),
            whole[:cut],
            whole[:cut] + self._random.randbytes(3) + whole[cut:],
            whole.decode().encode("utf-16"),
            b'{"events": ' + b"[" * depth + b"]" * depth + b"}",
            b'{"a":' * depth + b"1" + b"}" * depth,
            b'{"event": "view_item", "quantity": 1e99999, "value": ' + b"9" * 5_000 + b"}",
            b'{"query": "' + b"(" * 9_000 + b'"}',
        )
        return Case(path, self._random.choice(bodies), 1)


def _encoded(document: Any) -> bytes:
    """JSON with all that Python writes and the standard does not allow: NaN, half surrogates."""
    return json.dumps(document).encode()
