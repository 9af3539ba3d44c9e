"""A real Neo4j for the tests, one for the whole session, empty whenever it is asked for.

``COTERIE_TEST_NEO4J_URI`` names a server that may be wiped (login in the URI or by
``COTERIE_NEO4J_USER``, ``COTERIE_NEO4J_PASSWORD``); else one is started from Java and Maven; else
the tests are skipped, or fail where ``COTERIE_REQUIRE_NEO4J`` is set.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import neo4j
import pytest

from graph.neo4j_address import Address

__all__ = ["clean_neo4j", "limit", "neo4j_address", "new_server", "with_login"]

HOW = (
    "no Neo4j to test against: install Java 17 and Maven, or set COTERIE_TEST_NEO4J_URI to a "
    "server that may be wiped"
)


@cache
def _server_module() -> ModuleType:
    path = Path(__file__).parent / "neo4j_server" / "server.py"
    spec = importlib.util.spec_from_file_location("neo4j_server", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["neo4j_server"] = module
    spec.loader.exec_module(module)
    return module


def _refuse(why: str) -> Any:
    if os.environ.get("COTERIE_REQUIRE_NEO4J"):
        pytest.fail(why)
    pytest.skip(why)


def new_server(**settings: Any) -> Any:
    """A server of its own for a test that stops it; not started yet, gone with the session."""
    module = _server_module()
    if module.lacks():
        _refuse(f"{HOW}; this machine lacks {module.lacks()}")
    home = Path(tempfile.mkdtemp(prefix="coterie-neo4j-"))
    try:
        server = module.Server(home, quick=True, **settings)
    except subprocess.CalledProcessError as error:
        _refuse(
            f"Maven could not fetch the server's jars: {error.cmd[0]} ended with {error.returncode}"
        )
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    atexit.register(server.kill)
    return server


def with_login(server: Any) -> str:
    """The address of ``server`` with its login."""
    return f"bolt://neo4j:{server.password}@127.0.0.1:{server.port}"


def limit(server: Any, size: int) -> None:
    """Let the server write no file beyond ``size`` bytes, as on a disk that is full."""
    pid = server._process.pid
    hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


@cache
def _shared() -> str:
    given = os.environ.get("COTERIE_TEST_NEO4J_URI")
    if given:
        return given
    server = new_server(heap="700m")
    server.start()
    return with_login(server)


def neo4j_address() -> str:
    """The address of the session's server, with its login."""
    return _shared()


def clean_neo4j() -> str:
    """As ``neo4j_address``, with nothing on the server."""
    address = Address.parse(neo4j_address())
    with neo4j.GraphDatabase.driver(
        address.uri, auth=address.login, notifications_min_severity="OFF"
    ) as driver:
        while driver.execute_query(
            "MATCH (n) WITH n LIMIT 5000 DETACH DELETE n RETURN count(*) AS n"
        ).records[0]["n"]:
            continue
    return neo4j_address()
