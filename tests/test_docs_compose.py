"""The compose file: what it promises, and settings that a real server takes."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from tests.neo4j_fixture import new_server

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
    limits = {"db.memory.transaction.max", "dbms.memory.transaction.total.max"}
    assert {"server.memory.heap.max_size", "db.transaction.timeout", *limits} <= set(wanted)
    assert all(name.startswith(("server.", "db.", "dbms.")) for name in wanted)


def test_it_reads_as_yaml_and_every_name_in_it_leads_somewhere() -> None:
    read = yaml.safe_load(COMPOSE)
    assert set(read) == {"services", "volumes"}
    for service in read["services"].values():
        assert ("image" in service) != ("build" in service)
        mounted = {mount.split(":")[0] for mount in service["volumes"]}
        assert mounted <= set(read["volumes"])
        assert set(service.get("depends_on", {})) <= set(read["services"])
        assert {"test", "interval", "timeout", "retries"} <= set(service["healthcheck"])
        assert all(isinstance(value, (str, int)) for value in service["environment"].values())
    build = read["services"]["coterie"]["build"]
    declared = re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert set(build["args"]) <= set(declared)


def test_the_server_takes_its_settings() -> None:
    server = new_server(settings=container_settings())
    admin = "org.neo4j.server.startup.Neo4jAdminCommand"
    assert server._java(admin, "server", "validate-config").wait() == 0
    assert "No issues found" in (server.home / "logs" / "out").read_text()
