"""``Traces``: a span of each request for OpenTelemetry, sent to a collector by a thread of its own.

A span says which route was asked, not which address, because addresses name customers: neither
path, query, key nor caller is in it, and no exception's text. Spans wait in a queue of bounded
length; where the collector is away or slow they are dropped, and no request waits for it.

OpenTelemetry is an extra, imported when traces are turned on and not before.
"""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import MutableMapping, Sequence
from contextvars import Token
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from starlette.datastructures import Headers

from api.observe.stages import CURRENT, Traced
from api.observe.told import OTHER
from loaders.errors import ConfigError
from pipeline.traces_config import TracesConfig

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
    from opentelemetry.trace import Span

__all__ = ["Traces", "begin_traces", "check_traces"]

_log = logging.getLogger("coterie.traces")

FLUSH_SECONDS: Final = 3.0
"""How long an ending server waits until its last spans are sent."""
QUIET: Final = frozenset({"/health/live", "/health/ready", "/metrics"})
"""What machines ask all the time, and nobody would look up."""
PARENT: Final = ("traceparent", "tracestate")
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN: Final = "http/protobuf"
TRACE_ID: Final = "trace_id"
"""Where a request's scope has the id of its trace."""


@dataclass(slots=True)
class Entered:
    """A request that is being answered: its span, and what was current before it."""

    span: Span
    context: Token[Context]
    traced: Token[Traced | None]


class Traces:
    """Spans of the requests of one process.

    Args:
        provider: makes spans and passes them on; nothing else of the process uses it.
        version: of Coterie.
    """

    def __init__(self, provider: TracerProvider, version: str = "") -> None:
        from opentelemetry import context, trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider, self._tracer = provider, provider.get_tracer("coterie", version)
        self._extract = TraceContextTextMapPropagator().extract
        self._nobody, self._attach, self._detach = context.Context, context.attach, context.detach
        self._in_context, self._server = trace.set_span_in_context, trace.SpanKind.SERVER
        self._failed = trace.Status(trace.StatusCode.ERROR)
        self._stage = partial(
            self._tracer.start_as_current_span,
            record_exception=False,  # its text may name a customer
            set_status_on_exception=False,
        )

    def enter(self, scope: MutableMapping[str, Any], method: str) -> Entered | None:
        """Begin the span of a request, under the caller's where there is one.

        Its name is the method until the route is known.
        """
        if scope["path"] in QUIET:
            return None
        headers = Headers(scope=scope)
        given = {name: value for name in PARENT if (value := headers.get(name))}
        parent = self._extract(given, self._nobody()) if given else self._nobody()
        attributes = {
            "http.request.method": "_OTHER" if method == OTHER else method,
            "url.scheme": scope.get("scheme", "http"),
            "network.protocol.version": scope.get("http_version", "1.1"),
            "coterie.request_id": scope.get("request_id", ""),
        }
        name = "HTTP" if method == OTHER else method
        span = self._tracer.start_span(name, parent, self._server, attributes)
        known = span.get_span_context()
        traced = None
        if known.is_valid:
            scope[TRACE_ID] = trace_id = f"{known.trace_id:032x}"
            traced = Traced(trace_id, self._stage if span.is_recording() else None)
        return Entered(span, self._attach(self._in_context(span, parent)), CURRENT.set(traced))

    def leave(self, entered: Entered, method: str, route: str, status: int) -> None:
        """End the span of a request.

        Args:
            entered: what ``enter`` gave.
            method: of the request.
            route: template of its path.
            status: of the answer.
        """
        span = entered.span
        if span.is_recording():
            if OTHER not in (method, route):
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                span.set_attribute("error.type", str(status))
                span.set_status(self._failed)
        span.end()
        CURRENT.reset(entered.traced)
        self._detach(entered.context)

    def end(self, seconds: float = FLUSH_SECONDS) -> None:
        """Send what is left, as far as that is done in time."""
        last = threading.Thread(target=self._provider.shutdown, name="last-spans", daemon=True)
        last.start()
        last.join(seconds)


class _Telling:
    """An exporter that tells once that the collector does not answer, and once that it does again.

    Args:
        exporter: sends spans.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter, self._well = exporter, True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See ``SpanExporter``."""
        result = self._exporter.export(spans)
        well = result.name == "SUCCESS"
        if well != self._well:
            self._well = well
            _log.warning(
                "traces are sent again"
                if well
                else "traces cannot be sent to the collector and are lost meanwhile; requests "
                "are answered as before"
            )
        return result

    def shutdown(self) -> None:
        """See ``SpanExporter``."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """See ``SpanExporter``."""
        return self._exporter.force_flush(timeout_millis)


def check_traces(config: TracesConfig) -> None:
    """Find out whether traces can be sent as the settings want it.

    Raises:
        ConfigError: what that needs is not installed, or the environment asks for another protocol.
    """
    if config.export == "off":
        return
    try:
        import opentelemetry.exporter.otlp.proto.http
        import opentelemetry.sdk  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"traces.export is 'otlp', which needs {error.name}; install it: "
            "pip install 'coterie[otel]'"
        ) from error
    for name in PROTOCOLS:
        if os.environ.get(name, SPOKEN) not in ("", SPOKEN):
            raise ConfigError(
                f"environment variable {name} is {os.environ[name]!r}; traces are sent by {SPOKEN} "
                "only: set it to that, and the endpoint to the collector's HTTP port, often 4318"
            )


def begin_traces(config: TracesConfig, version: str) -> Traces | None:
    """Traces of this process as the settings want them; none where they are off.

    Raises:
        ConfigError: as ``check_traces``.
    """
    check_traces(config)
    if config.export == "off":
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # It says of each try what one line of ours says of all.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    ours: dict[str, str | int] = {
        "service.name": "coterie",
        "service.version": version,
        "service.instance.id": str(uuid.uuid4()),
        "process.pid": os.getpid(),
    }
    named = OTELResourceDetector().detect().attributes  # those of the environment win
    resource = Resource.create({k: v for k, v in ours.items() if k not in named})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = cast("SpanExporter", _Telling(OTLPSpanExporter()))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Traces(provider, version)
