"""Builds of a shop as the API tells of them: their figures, what they were made with, progress."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from api.models.quality import Ahead, BuildProgress, BuildQuality, Quality, SnapshotSummary
from api.models.shop import Metric
from loaders.errors import SnapshotMissing, UnknownBuild
from pipeline.home import Home
from pipeline.snapshot import Manifest, read_manifest, read_report
from pipeline.told import told_of_build

__all__ = ["HomeBuilds"]


class HomeBuilds:
    """The builds in a home; see ``api.routes.snapshots.Builds``."""

    def __init__(self, home: Home) -> None:
        self._home = home
        # A finished build never changes, so each is read once.
        self._manifests: dict[str, Manifest] = {}

    def builds(self) -> list[str]:
        """Their names, oldest first."""
        return self._home.builds()

    def current(self) -> str:
        """The published one; see ``Home.current``."""
        return self._home.current()

    def previous(self) -> str:
        """The one before the published; see ``Home.previous``."""
        return self._home.previous()

    def publish(self, build: str) -> None:
        """Publish a build; see ``Home.publish``."""
        self._home.publish(build)

    def progress(self) -> BuildProgress:
        """How far a running build is."""
        return BuildProgress.model_validate(asdict(told_of_build(self._home)))

    def quality(self, build: str | None = None) -> Quality:
        """Everything measured for a build, by default the published, and headlines of all.

        Raises:
            SnapshotMissing: nothing is published, or it cannot be read.
            UnknownBuild: there is no such build.
        """
        name = build or self.current()
        self._manifest(name)
        report = read_report(self._home.snapshot(name))
        settings = report.get("settings", {})
        return Quality(
            build=name,
            not_measured=report.get("not_measured"),
            cut=settings.get("cut"),
            window_days=settings.get("window_days"),
            rows=[metric_of(row) for row in report.get("rows", [])],
            differences=[Ahead(**_named(row)) for row in report.get("differences", [])],
            builds=self._all(),
        )

    def _all(self) -> list[BuildQuality]:
        """Headlines of all that can be read; another version's cannot."""
        found = []
        for name in self.builds():
            try:
                found.append(BuildQuality(**self._told(self._manifest(name))))
            except SnapshotMissing:
                continue
        return found

    def summary(self, build: str) -> SnapshotSummary:
        """A build in full.

        Raises:
            UnknownBuild: there is no such build.
            SnapshotMissing: it cannot be read.
        """
        manifest = self._manifest(build)
        return SnapshotSummary(
            **self._told(manifest),
            seed=manifest.seed,
            data_hash=manifest.data_hash,
            seconds=manifest.seconds,
            versions=manifest.versions,
            settings=manifest.config,
        )

    def _told(self, manifest: Manifest) -> dict[str, Any]:
        return {
            "build": manifest.build,
            "created": manifest.created,
            "last_event": manifest.last_event,
            "published": manifest.build == self.current(),
            "counts": manifest.counts,
            "methods": {mode: chosen["served"] for mode, chosen in manifest.choice.items()},
            "metrics": [metric_of(row) for row in manifest.metrics],
        }

    def _manifest(self, build: str) -> Manifest:
        known = self.builds()
        if build not in known:
            raise UnknownBuild(f"there is no build '{build}'; there are: {', '.join(known)}")
        if build not in self._manifests:
            self._manifests[build] = read_manifest(self._home.snapshot(build))
        return self._manifests[build]


def metric_of(row: dict[str, Any]) -> Metric:
    """A figure of a report or a manifest."""
    return Metric(**_named(row))


def _named(row: dict[str, Any]) -> dict[str, Any]:
    return {("name" if key == "metric" else key): value for key, value in row.items()}
