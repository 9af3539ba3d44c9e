"""Mixed load on a server whose snapshots are swapped and whose workers are killed meanwhile.

    python -m benchmarks.mixed_load --home ~/.coterie --minutes 10

A copy of the home is served. Connections ask for lists and sessions, send events and run Cypher
queries; each minute another build is published through the API (a copy of the published one, where
there is no other); at random moments a worker is killed by SIGKILL. A worker is stopped before it
is killed and its connections are noted, so it is known of each broken request whether it was the
killed worker's. An event that was not acknowledged is sent again, as a storefront would.

Failed requests, and events that were acknowledged and are not in the graph exactly once, must both
be 0. The last line is one JSON document.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from benchmarks.caller import Answered, Broken, Caller
from benchmarks.serve_process import Server, peers, until_stopped
from benchmarks.stored import stored_events, until_delivered
from pipeline.home import Home
from pipeline.snapshot import Snapshot

CONNECTIONS = 6
SHARES = {"list": 70, "session": 12, "events": 12, "cypher": 6}
KINDS = ("view_item", "add_to_cart", "purchase")
QUERIES = (
    "MATCH (:User {id: $id})-[r:PURCHASED]->(p:Product) RETURN p.id, count(r) ORDER BY p.id",
    "MATCH (:User {id: $id})-[r]->(p:Product) RETURN label(r) AS kind, count(*) ORDER BY kind",
)
PREFIX = "mixed-"


class Tally:
    """What became of all requests, whoever made them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._doomed: set[int] = set()
        self.answered: Counter[str] = Counter()
        self.milliseconds: dict[str, list[float]] = {kind: [] for kind in SHARES}
        self.failed: Counter[str] = Counter()
        self.of_killed = 0
        self.acknowledged: list[str] = []

    def doom(self, ports: set[int]) -> None:
        """These connections end with their worker."""
        with self._lock:
            self._doomed |= ports

    def broken(self, kind: str, error: Broken) -> None:
        """Count a request without an answer; a connection breaks once, and its port comes again."""
        with self._lock:
            if error.port in self._doomed:
                self._doomed.remove(error.port)
                self.of_killed += 1
            else:
                self.failed[f"{kind}: {error}"] += 1

    def came(self, kind: str, answer: Answered, seconds: float) -> None:
        """Count an answer; events among it are acknowledged from now on."""
        with self._lock:
            if answer.status != 200:
                self.failed[f"{kind}: {answer.status} {answer.body[:200]!r}"] += 1
                return
            self.answered[kind] += 1
            self.milliseconds[kind].append(1000 * seconds)
            if kind == "events":
                self.acknowledged += [e["event_id"] for e in answer.document["accepted"]]


class Visitor(threading.Thread):
    """Asks one thing after the other until the end."""

    def __init__(self, url: str, known: Known, tally: Tally, end: threading.Event, n: int) -> None:
        super().__init__(name=f"visitor {n}")
        self._caller, self._known, self._tally, self._end = Caller(url), known, tally, end
        self._random, self._name, self._sent = random.Random(n), f"{PREFIX}{n}", 0

    def run(self) -> None:
        """Until the end; events are sent until they are acknowledged."""
        kinds, weights = list(SHARES), list(SHARES.values())
        with self._caller:
            while not self._end.is_set():
                kind = self._random.choices(kinds, weights)[0]
                asked = getattr(self, f"_{kind}")()
                while not self._ask(kind, *asked) and kind == "events":
                    time.sleep(0.05)

    def _ask(self, kind: str, method: str, path: str, document: Any = None) -> bool:
        """Whether it was answered well."""
        body = None if document is None else json.dumps(document).encode()
        began = time.perf_counter()
        try:
            answer = self._caller.ask(method, path, body)
        except Broken as error:
            self._tally.broken(kind, error)
            return False
        self._tally.came(kind, answer, time.perf_counter() - began)
        return answer.status == 200

    def _user(self) -> str:
        return self._random.choice(self._known.users)

    def _list(self) -> tuple[str, str]:
        return "GET", f"/v1/users/{quote(self._user(), '')}/recommendations?k=20"

    def _session(self) -> tuple[str, str, Any]:
        viewed = self._random.sample(self._known.products, k=min(2, len(self._known.products)))
        return (
            "POST",
            "/v1/session/recommendations?k=20",
            {"events": [{"product_id": product} for product in viewed]},
        )

    def _events(self) -> tuple[str, str, Any]:
        batch = []
        for _ in range(self._random.randint(1, 5)):
            self._sent += 1
            batch.append(
                {
                    "event": self._random.choice(KINDS),
                    "event_id": f"{self._name}-{self._sent}",
                    "user_id": self._user(),
                    "product_id": self._random.choice(self._known.products),
                }
            )
        return "POST", "/v1/events", {"events": batch}

    def _cypher(self) -> tuple[str, str, Any]:
        asked = {"query": self._random.choice(QUERIES), "parameters": {"id": self._user()}}
        return "POST", "/v1/cypher", asked


class Known:
    """Ids of customers and products that are asked for."""

    def __init__(self, home: Home, most: int = 5_000) -> None:
        served = Snapshot.load(home.snapshot())
        self.users = [served.user_ids.id(row) for row in range(min(most, len(served.user_ids)))]
        products = served.product_ids
        self.products = [products.id(row) for row in range(min(most, len(products)))]


class Trouble(threading.Thread):
    """Publishes the other build each minute, and kills a worker somewhere in between."""

    def __init__(self, server: Server, home: Home, tally: Tally, every: float) -> None:
        super().__init__(name="trouble")
        self._server, self._home, self._tally, self._every = server, home, tally, every
        self._random, self.end = random.Random(0), threading.Event()
        self.swaps, self.kills = 0, 0

    def run(self) -> None:
        """Until the end, which may come before a wait is over."""
        builds = self._home.builds()[-2:]
        while True:
            moment = self._every * self._random.uniform(0.1, 0.9)
            if self.end.wait(moment):
                return
            self._kill()
            if self.end.wait(self._every - moment):
                return
            self._publish(builds[self.swaps % 2])

    def _kill(self) -> None:
        """Stop a worker, note its connections, then kill it."""
        pid = self._random.choice(self._server.workers)
        os.kill(pid, signal.SIGSTOP)
        until_stopped(pid)
        self._tally.doom(peers(pid))
        os.kill(pid, signal.SIGKILL)
        self.kills += 1

    def _publish(self, build: str) -> None:
        try:
            with Caller(self._server.url) as caller:
                answer = caller.post("/v1/snapshots/rollback", {"build": build})
        except Broken as error:
            self._tally.broken("swap", error)
            return
        if answer.status == 200:
            self.swaps += 1
        else:
            self._tally.failed[f"swap: {answer.status}"] += 1


def two_builds(home: Home) -> None:
    """See to it that there are two; a copy of the published one is as good as another."""
    if len(home.builds()) >= 2:
        return
    first = home.snapshot()
    second = home.snapshots / f"{first.name}-again"
    shutil.copytree(first, second)
    manifest = json.loads((second / "manifest.json").read_text())
    (second / "manifest.json").write_text(json.dumps({**manifest, "build": second.name}))


def measure(home: Home, workers: int, seconds: float, every: float) -> dict[str, Any]:
    """Load a server of ``home``, which this writes to, and count.

    Args:
        home: with at least two builds.
        workers: processes of the server, at least 2.
        seconds: how long.
        every: seconds between two swaps.
    """
    known, tally, end = Known(home), Tally(), threading.Event()
    before = len(stored_events(home.store))
    with Server(home.path, workers) as server:
        visitors = [Visitor(server.url, known, tally, end, n) for n in range(CONNECTIONS)]
        trouble = Trouble(server, home, tally, every)
        for thread in (trouble, *visitors):
            thread.start()
        time.sleep(seconds)
        trouble.end.set()
        trouble.join()
        end.set()
        for visitor in visitors:
            visitor.join()
        with Caller(server.url) as caller:
            until_delivered(caller)
    rows = stored_events(home.store)
    stored = Counter(r["event_id"] for r in rows if r["event_id"].startswith(PREFIX))
    return {
        "benchmark": "mixed_load",
        "workers": workers,
        "seconds": seconds,
        "answered": dict(tally.answered),
        "p95_ms": {k: round(float(np.quantile(v, 0.95)), 1) for k, v in tally.milliseconds.items()},
        "swaps": trouble.swaps,
        "kills": trouble.kills,
        "broken_with_killed": tally.of_killed,
        "failed": sum(tally.failed.values()),
        "failures": tally.failed.most_common(5),
        "acknowledged": len(tally.acknowledged),
        "lost": len(set(tally.acknowledged) - set(stored)),
        "twice": sum(n > 1 for n in stored.values()),
        "never_sent": len(rows) - before - sum(stored.values()),
        "unacknowledged_stored": len(set(stored) - set(tally.acknowledged)),
    }


def main() -> None:
    """Measure a copy of a home, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, required=True, help="folder of a built shop")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two swaps")
    given = parser.parse_args()
    if given.workers < 2:
        raise SystemExit("one worker is killed while another answers: give --workers 2 or more")
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "shop")
        shutil.copytree(given.home.expanduser().resolve(), home.path)
        two_builds(home)
        found = measure(home, given.workers, 60 * given.minutes, given.every)
    print(
        f"{sum(found['answered'].values()):,} answered, {found['failed']} failed; {found['swaps']} "
        f"swaps, {found['kills']} kills; {found['acknowledged']:,} events acknowledged, "
        f"{found['lost']} lost, {found['twice']} twice"
    )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
