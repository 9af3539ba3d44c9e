"""``Metrics``: what requests took and what lists rest on, counted, in Prometheus' text format.

Where several processes serve one port, each counts in files of a folder they share (named by the
environment variable ``PROMETHEUS_MULTIPROC_DIR``), and whichever is asked adds all of them up.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from api.models.health import Part
from api.models.shop import BuildInfo
from api.observe.shown import Shown
from api.observe.told import Told

__all__ = ["FOLDER", "Metrics"]

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
LATELY_HOURS: Final = 24.0
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
"""Upper ends of the histogram's buckets, in seconds."""


class Metrics:
    """Counters of one process, and the page that tells them.

    Args:
        shown: which products were listed.
        version: of Coterie.
    """

    def __init__(self, shown: Shown | None = None, version: str = "") -> None:
        self._shown, self._version = shown or Shown(), version
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "coterie_request_seconds",
            "Seconds from a request's arrival to the last byte of its answer.",
            ("method", "route", "status"),
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._lists = Counter(
            "coterie_lists",
            "Lists of products by whom they were for, what they rest on, and whether that is a "
            "fallback.",
            ("kind", "source", "fallback"),
            registry=self._registry,
        )
        # Looking a child up by its labels costs more than counting.
        self._timed: dict[tuple[str, str, int], Any] = {}
        self._listed: dict[tuple[str, str, bool], Any] = {}

    def count(self, method: str, route: str, status: int, seconds: float, told: Told) -> None:
        """Note a request that was answered."""
        key = method, route, status
        child = self._timed.get(key)
        if child is None:
            child = self._timed[key] = self._seconds.labels(method, route, str(status))
        child.observe(seconds)
        if told.kind and status == 200:
            self._count_list(told)

    def _count_list(self, told: Told) -> None:
        key = told.kind, told.source, told.fallback
        child = self._listed.get(key)
        if child is None:
            fallback = "yes" if told.fallback else "no"
            child = self._listed[key] = self._lists.labels(told.kind, told.source, fallback)
        child.inc()

    def page(self, build: BuildInfo | None, parts: list[Part]) -> bytes:
        """Everything in the text format, of all processes of the server.

        Args:
            build: what answers; none where nothing is published.
            parts: how the server's parts are.
        """
        asked = CollectorRegistry()
        asked.register(_Now([*self._of(build), *_of_parts(parts)]))
        counted = self._registry
        if os.environ.get(FOLDER):
            counted = CollectorRegistry()
            MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
        return generate_latest(counted) + generate_latest(asked)

    def _of(self, build: BuildInfo | None) -> Iterator[Metric]:
        info = GaugeMetricFamily(
            "coterie_build_info", "Version and published build.", labels=("version", "build")
        )
        info.add_metric([self._version, build.build if build else ""], 1)
        yield info
        if build is not None:
            age = (datetime.now(UTC) - build.created).total_seconds()
            yield _gauge("snapshot_age_seconds", "Age of the published snapshot.", age)
        marks = self._shown.current
        if marks is not None:
            listed = marks.listed(LATELY_HOURS)
            yield _gauge("products", "Products of the published snapshot.", marks.products)
            yield _gauge(
                "products_listed_lately",
                "Different products of the published snapshot that were listed in 24 hours.",
                listed,
            )
            share = listed / marks.products if marks.products else 0.0
            yield _gauge("products_listed_share", "Their share of all products.", share)


class _Now:
    """A collector of figures that are read when they are asked for."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        """The figures."""
        return self._families


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"coterie_{name}", meaning, value=value)


def _of_parts(parts: list[Part]) -> Iterator[Metric]:
    well = GaugeMetricFamily(
        "coterie_part_ok", "1 where a part of the server is as it should be.", labels=("part",)
    )
    for part in parts:
        well.add_metric([part.name], float(part.state == "ok"))
        if part.waiting is not None:
            yield _gauge("events_waiting", "Events not yet in the graph.", part.waiting)
        if part.oldest_seconds is not None:
            yield _gauge("events_oldest_seconds", "Age of the oldest of them.", part.oldest_seconds)
        if part.refused is not None:
            yield _gauge("events_refused", "Events that the graph refused.", part.refused)
    yield well
