"""The compose file: what it promises, and settings that a real server takes."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
COMPOSE = (ROOT / "docker-compose.neo4j.yml").read_text()
POM = (ROOT / "tests" / "neo4j_server" / "pom.xml").read_text()


def container_settings() -> dict[str, str]:
    """The server's settings that the environment of its container spells."""
    found = re.findall(r"^ +NEO4J_([a-z]\w+): (.*)$", COMPOSE, re.MULTILINE)
    plain = {name.replace("__", "\0"): value.strip('"') for name, value in found}
    return {n.replace("_", ".").replace("\0", "_"): value for n, value in plain.items()}


def test_it_runs_the_version_that_is_tested() -> None:
    version = re.findall("<neo4j.version>(.*)</neo4j.version>", POM)[0]
    assert f"image: neo4j:{version}-community" in COMPOSE


def test_both_services_are_checked_and_restarted() -> None:
    services = re.split(r"^  (?=\w+:$)", COMPOSE.split("\nvolumes:")[0], flags=re.MULTILINE)[1:]
    assert [service.split(":")[0] for service in services] == ["neo4j", "coterie"]
    for service in services:
        for key in ("healthcheck", "restart", "volumes", "ports"):
            assert f"\n    {key}:" in service
    assert "condition: service_healthy" in services[1]


def test_there_is_no_default_password() -> None:
    assert COMPOSE.count("${COTERIE_NEO4J_PASSWORD:?") == 2
    assert "${COTERIE_NEO4J_PASSWORD}" not in COMPOSE and "PASSWORD:-" not in COMPOSE


def test_ports_are_open_to_this_machine_only() -> None:
    ports = re.findall(r'- "(.*:\d+)"', COMPOSE)
    assert len(ports) == 3 and all(port.startswith("127.0.0.1:") for port in ports)


def test_its_settings_are_those_the_faults_are_tested_with() -> None:
    wanted = container_settings()
    assert {"server.memory.heap.max_size", "db.transaction.timeout"} <= set(wanted)
    assert all(name.startswith(("server.", "db.", "dbms.")) for name in wanted)
