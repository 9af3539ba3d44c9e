"""Fuzzed events and queries: nothing crashes, nothing fails, nothing wrong is stored.

    python -m benchmarks.fuzz --cases 100000 --seed 0

Serves a small synthetic shop by two processes and sends them events and Cypher queries of wrong
types, sizes, encodings and intents (``benchmarks/fuzz_cases.py``) over several connections. Counted
are answers of 500 and above other than the documented 503, connections that broke, and processes
that ended. In the end the graph must hold what was acknowledged, each event once and with the
values sent, the nodes these name, and beside them what it held before.

The last line is one JSON document; the exit code is 1 where anything was found.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.caller import Answered, Broken, Caller
from benchmarks.fuzz_cases import Case, Fuzz
from benchmarks.serve_process import Server
from benchmarks.stored import stored_events, until_delivered
from graph.open import open_store
from graph.schema import EDGES, EVENT_EDGES, NODES
from graph.write import write_dataset
from loaders.schema import ANONYMOUS_PREFIX
from loaders.synthetic import synthetic_shop
from pipeline.build import build
from pipeline.config import load_config
from pipeline.home import Home

CONNECTIONS = 4
SPAN = datetime(1970, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(days=2)
NAMED = ("User", "Product")


class Findings:
    """What became of all cases, and what the graph should hold of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.acknowledged: dict[str, dict[str, Any]] = {}

    def note(self, case: Case, answer: Answered) -> None:
        """Count an answer and keep what it acknowledged."""
        with self._lock:
            self.answers[f"{case.path} {answer.status}"] += 1
            if answer.status == 503 and answer.document.get("retryable"):
                return
            if answer.status >= 500:
                self.wrong.append(f"{answer.status} {case.path} {case.body[:300]!r}")
            elif answer.status == 200 and case.path == "/v1/events":
                self._acknowledge(case, answer.document)

    def broken(self, case: Case, error: Broken) -> None:
        """Count a request without an answer."""
        with self._lock:
            self.wrong.append(f"{error} {case.path} {case.body[:300]!r}")

    def _acknowledge(self, case: Case, document: Any) -> None:
        """Of an id that comes again, the first event counts."""
        events = case.events
        places = [one["index"] for one in document["accepted"] + document["refused"]]
        if sorted(places) != list(range(len(events))):
            self.wrong.append(f"not each event is judged once: {case.body[:300]!r}")
        for one in document["accepted"]:
            self.acknowledged.setdefault(one["event_id"], events[one["index"]])


def expected(event_id: str, sent: dict[str, Any]) -> dict[str, Any]:
    """The row that an event of the contract makes in the graph, without its time."""
    session = _text(sent.get("session_id"))
    return {
        "event": sent["event"],
        "event_id": event_id,
        "user_id": _text(sent.get("user_id")) or f"{ANONYMOUS_PREFIX}{session}",
        "product_id": _text(sent["product_id"]),
        "quantity": float(sent.get("quantity", 1.0)),
        "value": None if sent.get("value") is None else float(sent["value"]),
        "order_id": _text(sent.get("order_id")),
        "session_id": session,
        "rating": None if sent.get("rating") is None else float(sent["rating"]),
    }


def _text(value: Any) -> str | None:
    return None if value is None else str(value).strip()


def differences(row: dict[str, Any], sent: dict[str, Any]) -> list[str]:
    """In what a stored event is not the one that was sent."""
    wanted = expected(row["event_id"], sent)
    found = [
        f"{name}: sent {wanted[name]!r}, stored {row.get(name)!r}"
        for name in wanted
        if row.get(name) != wanted[name]
    ]
    at = row["at"] if row["at"].tzinfo else row["at"].replace(tzinfo=UTC)
    if isinstance(sent.get("at"), str) and sent["at"].endswith("00:00Z"):
        right = at == datetime.fromisoformat(sent["at"])
    else:
        right = SPAN[0] <= at <= SPAN[1]
    if not right or not math.isfinite(row["quantity"]):
        found.append(f"at: sent {sent.get('at')!r}, stored {at}")
    return found


def contents(home: Home) -> tuple[dict[str, int], dict[str, set[str]]]:
    """How much of everything but events is in the graph, and the ids of what events name."""
    live = {edge.name for edge in EVENT_EDGES.values()}
    with open_store(home.store, read_only=True) as graph:
        asked = {n: f"MATCH (n:{n}) RETURN count(*) AS n" for n in NODES if n not in NAMED}
        asked |= {
            e.name: f"MATCH ()-[r:{e.name}]->() RETURN count(*) AS n"
            for e in EDGES
            if e.name not in live
        }
        counts = {name: graph.query(q)["n"].to_pylist()[0] for name, q in asked.items()}
        ids = {
            n: set(graph.query(f"MATCH (n:{n}) RETURN n.id AS id")["id"].to_pylist()) for n in NAMED
        }
    return counts, ids


def small_shop(place: Path) -> Home:
    """A built synthetic shop that learns in seconds."""
    home = Home(place)
    with open_store(home.store) as store:
        write_dataset(store, synthetic_shop(200, seed=1).dataset)
    small = {"gnn": {"epochs": 2, "dim": 16}, "evaluation": {"bootstrap": 20, "window_days": 30}}
    build(home, load_config(None, **small))
    return home


def measure(home: Home, cases: int, seed: int) -> dict[str, Any]:
    """Fuzz a server of ``home``, which this writes to, and compare.

    Args:
        home: a built shop.
        cases: at least this many fuzzed events and queries.
        seed: of all that is sent.
    """
    before_rows, before = stored_events(home.store), contents(home)
    found, counted = Findings(), [0] * CONNECTIONS
    with Server(home.path, 2) as server:
        processes, began = server.workers, time.perf_counter()

        def send(n: int) -> None:
            fuzz = Fuzz(seed * CONNECTIONS + n, f"f{seed}.{n}-")
            with Caller(server.url) as caller:
                while counted[n] < cases / CONNECTIONS:
                    case = fuzz.case()
                    counted[n] += case.parts
                    try:
                        found.note(case, caller.ask("POST", case.path, case.body))
                    except Broken as error:
                        found.broken(case, error)

        threads = [threading.Thread(target=send, args=(n,)) for n in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - began
        with Caller(server.url) as caller:
            until_delivered(caller)
        ended = set(processes) - set(server.workers)
    wrong = compare(home, before_rows, before, found.acknowledged)
    return {
        "benchmark": "fuzz",
        "seed": seed,
        "cases": sum(counted),
        "seconds": round(seconds),
        "answers": dict(sorted(found.answers.items())),
        "failed": len(found.wrong),
        "failures": found.wrong[:5],
        "processes_ended": len(ended),
        "acknowledged": len(found.acknowledged),
        "stored_wrong": len(wrong),
        "wrongs": wrong[:5],
    }


def compare(
    home: Home,
    rows_before: list[dict[str, Any]],
    before: tuple[dict[str, int], dict[str, set[str]]],
    acknowledged: dict[str, dict[str, Any]],
) -> list[str]:
    """What the graph holds that it should not, or lacks."""
    known = {row["event_id"] for row in rows_before}
    rows = stored_events(home.store)
    wrong: list[str] = []
    times = Counter(row["event_id"] for row in rows)
    wrong += [f"{name} is there {n} times" for name, n in times.items() if n > 1]
    wrong += [f"{name} was acknowledged and is not there" for name in acknowledged.keys() - times]
    wrong += [f"{name} is gone" for name in known - times.keys()]
    fresh = [row for row in rows if row["event_id"] not in known]
    for row in fresh:
        sent = acknowledged.get(row["event_id"])
        if sent is None:
            wrong.append(f"{row['event_id']} was never acknowledged")
        else:
            wrong += [f"{row['event_id']} {text}" for text in differences(row, sent)]
    counts, ids = contents(home)
    wrong += [
        f"{n}: {before[0][n]} before, {counts[n]} now" for n in counts if counts[n] != before[0][n]
    ]
    for label, column in zip(NAMED, ("user_id", "product_id"), strict=True):
        should = before[1][label] | {row[column] for row in fresh}
        wrong += [f"{label} {name!r}" for name in ids[label] ^ should]
    return wrong


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(small_shop(Path(folder) / "shop"), given.cases, given.seed)
    for text in (*found["failures"], *found["wrongs"]):
        print(text)
    print(json.dumps(found))
    if found["failed"] or found["stored_wrong"] or found["processes_ended"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
