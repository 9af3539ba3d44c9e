"""What definitions of experiments may name: methods, builds, segments and audiences of the shop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audiences.vault import Vault
from experiments.definition import Definition
from loaders.errors import DataError, SnapshotMissing
from pipeline.audiences import audiences_file
from pipeline.home import Home
from ranking.saved import scorer_names
from segments.model import Segmentation

__all__ = ["Options", "options_of", "problems_of"]


@dataclass(frozen=True)
class Options:
    """What there is.

    Attributes:
        methods: that the published build carries.
        builds: on disk, oldest first.
        segments: ids and names of the published build's.
        audiences: names of saved ones.
    """

    methods: Sequence[str]
    builds: Sequence[str]
    segments: Sequence[tuple[str, str]]
    audiences: Sequence[str]


def options_of(home: Home) -> Options:
    """What there is now; no methods and segments where nothing readable is published."""
    builds, audiences = home.builds(), tuple(Vault(audiences_file(home)).audiences())
    try:
        folder = home.snapshot()
        segments = Segmentation.load(folder / "segments").segments
        methods = tuple(sorted(scorer_names(folder / "recommender" / "scorers")))
    except (SnapshotMissing, DataError):
        return Options((), builds, (), audiences)
    return Options(methods, builds, tuple((s.id, s.name) for s in segments), audiences)


def problems_of(definition: Definition, options: Options) -> list[tuple[str, str]]:
    """What a definition names that is not there, each with its path."""
    wanted: list[tuple[str, str | None, Sequence[str]]] = []
    for i, variant in enumerate(definition.variants):
        path, override = f"variants.{i}.override", variant.override
        wanted.append((f"{path}.method", override.method, options.methods))
        wanted.append((f"{path}.build", override.build, options.builds))
    segments = [id_ for id_, _ in options.segments]
    wanted += [(f"segments.{i}", name, segments) for i, name in enumerate(definition.segments)]
    wanted.append(("audience", definition.audience, options.audiences))
    return [
        (path, f"there is no {name!r}; there are: {', '.join(there) or 'none'}")
        for path, name, there in wanted
        if name is not None and name not in there
    ]
