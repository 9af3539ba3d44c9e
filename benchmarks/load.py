"""Lists of 20 with reasons over HTTP, under load: requests a second, latency, CPU, memory, start.

Starts ``coterie serve`` with some workers, asks for lists of random customers by ``wrk`` (a load
generator in C, `apt-get install wrk`), and reads what the workers used from ``/proc``.

    python -m benchmarks.load --home ~/.coterie --workers 2 --connections 8 --seconds 30

Each setting of ``--connections`` is a run. The last line is one JSON document.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from benchmarks.serve_process import Server, cpu_seconds, megabytes
from pipeline.home import Home
from pipeline.snapshot import Snapshot

SCRIPT = """
local paths, n = {}, 0
for line in io.lines(os.getenv("COTERIE_PATHS")) do n = n + 1; paths[n] = line end
function init(args) math.randomseed(os.time() + tonumber(tostring({}):sub(8), 16) % 100000) end
function request() return wrk.format("GET", paths[math.random(n)]) end
function done(summary, latency, requests)
  io.write(string.format('RESULT {"requests": %d, "seconds": %.3f, "status": %d, "socket": %d, ' ..
    '"median": %.3f, "p95": %.3f, "p99": %.3f, "max": %.3f}\\n', summary.requests,
    summary.duration / 1e6, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3))
end
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of a built shop")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--connections", type=int, nargs="+", default=[2, 4, 8, 16])
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--customers", type=int, default=5_000, help="different ones asked for")
    parser.add_argument("--query", default="k=20", help="of each request")
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed; on Debian: apt-get install wrk")
    home = given.home.expanduser().resolve()
    with tempfile.TemporaryDirectory() as folder:
        script, paths = Path(folder) / "load.lua", Path(folder) / "paths"
        script.write_text(SCRIPT)
        paths.write_text("\n".join(addresses(home, given.customers, given.query)) + "\n")
        with Server(home, given.workers) as server:
            found: dict[str, Any] = {
                "benchmark": "load",
                "workers": given.workers,
                "start_seconds": round(server.seconds, 2),
                "load_before": round(os.getloadavg()[0], 2),
            }
            wrk(server, script, paths, given.workers * 2, 5)
            found["runs"] = [
                run(server, script, paths, connections, given.seconds)
                for connections in given.connections
            ]
            found["megabytes"] = [megabytes(pid) for pid in server.workers]
    for one in found["runs"]:
        print(
            f"{one['connections']:>4} connections  {one['per_second']:>7,.0f} requests/s   median "
            f"{one['median']:.1f}  p95 {one['p95']:.1f}  p99 {one['p99']:.1f} ms   "
            f"{one['cpu_ms']:.2f} CPU-ms a request   {one['failed']} failed"
        )
    print(f"start {found['start_seconds']} s; memory of each worker, MB: {found['megabytes']}")
    print(json.dumps(found))


def addresses(home: Path, most: int, query: str) -> list[str]:
    """Paths of lists for random customers."""
    ids = Snapshot.load(Home(home).snapshot()).user_ids
    rows = np.random.default_rng(0).permutation(len(ids))[:most]
    return [f"/v1/users/{quote(ids.id(int(row)), '')}/recommendations?{query}" for row in rows]


def run(server: Server, script: Path, paths: Path, connections: int, seconds: int) -> Any:
    """One run and what the workers used meanwhile."""
    workers = server.workers
    before = sum(map(cpu_seconds, workers))
    found = wrk(server, script, paths, connections, seconds)
    used = sum(map(cpu_seconds, workers)) - before
    return {
        "connections": connections,
        "per_second": round(found["requests"] / found["seconds"], 1),
        "cpu_ms": round(1000 * used / found["requests"], 3),
        "failed": found["status"] + found["socket"],
        **{name: found[name] for name in ("requests", "median", "p95", "p99", "max")},
    }


def wrk(server: Server, script: Path, paths: Path, connections: int, seconds: int) -> Any:
    """What wrk counted and measured, in ms."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), server.url]
    environment = {**os.environ, "COTERIE_PATHS": str(paths)}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    line = next(line for line in said.stdout.splitlines() if line.startswith("RESULT "))
    return json.loads(line.removeprefix("RESULT "))


if __name__ == "__main__":
    main()
