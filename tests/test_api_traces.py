"""Traces: spans that name nobody, and a server that never waits for its collector."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from api_fixture import TinyService
from shops import coterie
from starlette.testclient import TestClient
from test_cli_serve import Server

from api.app import create_app
from api.live import Live
from api.observe.logs import JsonLines
from api.observe.stages import stage, trace_id
from api.observe.traces import Traces, begin_traces, check_traces
from api.provider import SnapshotProvider
from api.settings import ApiSettings
from events.config import EventsConfig
from loaders.errors import ConfigError
from pipeline.home import Home
from pipeline.traces_config import TracesConfig

pytest.importorskip(
    "opentelemetry.exporter.otlp.proto.http", reason="needs: pip install -e '.[otel]'"
)

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

ROOT = Path(__file__).parent.parent
ON = TracesConfig(export="otlp")
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
LISTS = "/v1/users/{user_id}/recommendations"


class Memory:
    """Spans as they end, and what makes them."""

    def __init__(self) -> None:
        self._kept = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.traces = Traces(provider, "9.9")

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._kept.get_finished_spans())

    def taken(self) -> list[ReadableSpan]:
        found = self.spans
        self._kept.clear()
        return found


@pytest.fixture
def memory() -> Memory:
    return Memory()


def served(memory: Memory, current: Any = None, **parts: Any) -> TestClient:
    service = TinyService()
    settings = ApiSettings(access_log="routes")
    app = create_app(current or (lambda: service), settings, traces=memory.traces, **parts)
    return TestClient(app, raise_server_exceptions=False)


def parent(sampled: bool = True) -> dict[str, str]:
    return {"traceparent": f"00-{TRACE}-{CALLER}-{int(sampled):02d}"}


def test_a_span_names_the_route_and_nobody(memory: Memory) -> None:
    http = served(memory)
    secret = {"Authorization": "Bearer coterie_secret", "X-Request-Id": "r-1", "Cookie": "a=ann"}
    http.get("/v1/users/ann/recommendations?exclude=jam&k=3", headers=secret)
    (span,) = memory.spans
    assert (span.name, span.kind) == (f"GET {LISTS}", SpanKind.SERVER)
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": LISTS,
        "http.response.status_code": 200,
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "coterie.request_id": "r-1",
    }
    assert span.status.status_code is StatusCode.UNSET and span.parent is None
    assert not any(word in span.to_json() for word in ("ann", "jam", "exclude", "secret", "k=3"))


def test_what_is_no_route_is_named_by_its_method(memory: Memory) -> None:
    http = served(memory)
    assert http.get("/v1/nothing/ann").status_code == 404
    assert http.request("BREW", "/v1/build").status_code == 405
    assert http.get("/v1/users/nobody").status_code == 404
    names = [span.name for span in memory.spans]
    assert names == ["GET", "HTTP", "GET /v1/users/{user_id}"]
    assert (memory.spans[1].attributes or {})["http.request.method"] == "_OTHER"
    assert all(span.status.status_code is StatusCode.UNSET for span in memory.spans)


def test_what_machines_ask_all_the_time_has_no_span(memory: Memory) -> None:
    http = served(memory)
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert http.get(path).status_code == 200
    assert memory.spans == []


def test_a_caller_s_trace_goes_on(memory: Memory) -> None:
    http = served(memory)
    http.get("/v1/build", headers=parent())
    (span,) = memory.taken()
    assert span.context is not None and f"{span.context.trace_id:032x}" == TRACE
    assert span.parent is not None and f"{span.parent.span_id:016x}" == CALLER
    http.get("/v1/build", headers={"traceparent": "rubbish", "baggage": "user=ann"})
    assert memory.taken()[0].parent is None


class Formatted(logging.Handler):
    """Lines as they are written, while the request is answered."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(JsonLines().format(record)))


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    handler, root = Formatted(), logging.getLogger()
    before = root.level
    root.addHandler(handler), root.setLevel(logging.INFO)
    yield handler.lines
    root.removeHandler(handler), root.setLevel(before)


def test_a_caller_s_decision_not_to_record_is_kept(
    memory: Memory, lines: list[dict[str, Any]]
) -> None:
    assert served(memory).get("/v1/build", headers=parent(sampled=False)).status_code == 200
    assert memory.spans == []
    assert [x["trace_id"] for x in lines if x["logger"] == "coterie.access"] == [TRACE]


def test_lines_of_the_log_name_the_trace(memory: Memory, lines: list[dict[str, Any]]) -> None:
    class Broken(TinyService):
        def build_info(self) -> Any:
            logging.getLogger("coterie.inside").info("in a thread or not")
            raise RuntimeError("of ann")

    broken = Broken()
    assert served(memory, lambda: broken).get("/v1/build", headers=parent()).status_code == 500
    mine = {line["logger"]: line for line in lines if line["logger"].startswith(("cot", "api"))}
    assert set(mine) == {"coterie.inside", "coterie.access", "api.problems"}
    assert {line["trace_id"] for line in mine.values()} == {TRACE}
    assert "of ann" in mine["api.problems"]["traceback"]
    (span,) = memory.spans
    assert span.status.status_code is StatusCode.ERROR and span.events == ()
    assert (span.attributes or {})["error.type"] == "500" and "ann" not in span.to_json()
    logging.getLogger("coterie.inside").info("outside")
    assert "trace_id" not in lines[-1]


def test_expensive_parts_are_spans_below(memory: Memory, own: Home) -> None:
    provider = SnapshotProvider(own, "shop")
    provider.refresh()
    http = served(memory, provider, live=Live(own.path, own.store, EventsConfig()))
    event = {"event": "view_item", "user_id": "user-3", "product_id": "product-1"}
    for ask, parts in {
        lambda: http.get("/v1/users/user-3/recommendations"): {"rank", "explain"},
        lambda: http.post("/v1/session/recommendations", json={}): {"rank", "explain"},
        lambda: http.post("/v1/events", json=event): {"queue"},
        lambda: http.put("/v1/users/user-3", json={}): {"queue"},
        lambda: http.post("/v1/cypher", json={"query": "MATCH (u:User) RETURN count(u)"}): {
            "cypher"
        },
    }.items():
        assert ask().status_code == 200
        *inner, whole = memory.taken()
        assert {span.name for span in inner} == {f"coterie.{part}" for part in parts}
        assert whole.context is not None and whole.parent is None
        assert {span.parent.span_id for span in inner if span.parent} == {whole.context.span_id}
        assert not any(span.attributes for span in inner)
    provider.stop()


def test_without_traces_a_stage_is_nothing() -> None:
    with stage("coterie.rank"):
        assert trace_id() is None
    assert stage("a") is stage("b")


def test_traces_are_off_unless_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    assert begin_traces(TracesConfig(), "1") is None


def test_fastapi_s_own_spans_which_name_paths_stay_off() -> None:
    code = """
import sys; sys.path.insert(0, "tests")
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
kept, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(kept))
trace.set_tracer_provider(provider)
from api_client import client
with client() as http:
    assert http.get("/v1/users/ann/recommendations").status_code == 200
print(len(kept.get_finished_spans()))
"""
    more = {"FASTAPI_OTEL_AUTO_CONFIGURE": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://[::1]:9"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env={**os.environ, **more}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "0"


def test_what_is_missing_is_told_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, built: Home
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)
    check_traces(TracesConfig())
    monkeypatch.setenv("COTERIE_TRACES__EXPORT", "otlp")
    ran = coterie("serve", "--home", built.path, "--workers", "2")
    assert ran.code == 4 and "pip install 'coterie[otel]'" in ran.err


def test_another_protocol_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    check_traces(ON)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(ConfigError, match="OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'"):
        check_traces(ON)


class Collector:
    """What a collector is sent."""

    def __init__(self, status: int = 200) -> None:
        self.status, self.resources, self.names = status, [], []  # type: ignore[var-annotated]
        self.hold = threading.Event()
        self.hold.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.hold.wait(20)
                if outer.status == 200:
                    outer._take(self.path, body)
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def _take(self, path: str, body: bytes) -> None:
        assert path == "/v1/traces"
        for found in ExportTraceServiceRequest.FromString(body).resource_spans:
            pairs = {
                a.key: a.value.string_value or a.value.int_value for a in found.resource.attributes
            }
            for scoped in found.scope_spans:
                self.resources += [pairs] * len(scoped.spans)
                self.names += [span.name for span in scoped.spans]

    @contextmanager
    def running(self) -> Iterator[Collector]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        yield self
        self.hold.set()
        self._server.shutdown(), self._server.server_close()


def test_all_processes_of_a_server_send_theirs_before_they_end(
    own: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = own.path / "coterie.toml"
    settings.write_text(settings.read_text() + '\n[traces]\nexport = "otlp"\n')
    with Collector().running() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "corner-shop")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
        server = Server(own, "serve", "--workers", "2", "--log", "json")
        for n in range(60):
            server.get(f"/v1/users/user-{n}/recommendations?k=3")
        assert server.stop() == 0
    assert collector.names.count(f"GET {LISTS}") == collector.names.count("coterie.rank") == 60
    assert {found["service.name"] for found in collector.resources} == {"corner-shop"}
    processes = {found["process.pid"] for found in collector.resources}
    assert 1 <= len(processes) <= 2 and server.process.pid not in processes
    assert len({found["service.instance.id"] for found in collector.resources}) == len(processes)
    lines = [json.loads(line) for line in server.said.splitlines()]
    asked = [line for line in lines if line.get("route") == LISTS]
    assert len({line["trace_id"] for line in asked}) == 60


def test_a_collector_that_is_away_changes_nothing(
    own: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COTERIE_TRACES__EXPORT", "otlp")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    server = Server(own)
    took = []
    for n in range(100):
        began = time.perf_counter()
        assert server.get(f"/v1/users/user-{n}/recommendations?k=3")["items"]
        took.append(time.perf_counter() - began)
    time.sleep(2.0)
    began = time.monotonic()
    assert server.stop() == 0 and time.monotonic() - began < 8
    assert sorted(took)[len(took) // 2] < 0.25
    assert server.said.count("traces cannot be sent") == 1 and "Traceback" not in server.said


def test_the_last_spans_are_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    with Collector().running() as collector:
        collector.hold.clear()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
        traces = begin_traces(ON, "1")
        assert traces is not None
        service = TinyService()
        http = TestClient(create_app(lambda: service, traces=traces))
        assert http.get("/v1/build").status_code == 200
        began = time.monotonic()
        traces.end(0.3)
        assert 0.2 < time.monotonic() - began < 2 and collector.names == []


def test_a_collector_that_comes_back_is_told_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "coterie.traces")
    with Collector(status=400).running() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
        traces = begin_traces(ON, "1")
        assert traces is not None
        service = TinyService()
        http = TestClient(create_app(lambda: service, traces=traces))
        for status, told in ((400, "cannot be sent"), (200, "are sent again")):
            collector.status = status
            end = time.monotonic() + 20
            while not any(told in record.message for record in caplog.records):
                http.get("/v1/build")
                time.sleep(0.05)
                assert time.monotonic() < end
        traces.end()
    assert len(caplog.records) == 2 and "GET /v1/build" in collector.names
