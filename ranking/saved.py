"""Saving scorers in a folder and getting them back, memory-mapped.

A scorer shared by several blends is written once. To add a scorer: write its class in a file of
its own and name it in ``KINDS``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from loaders.errors import ConfigError, SnapshotMissing
from ranking.arrays import load_arrays, save_arrays
from ranking.blend import Blend
from ranking.ease import Ease
from ranking.itemknn import ItemKNN
from ranking.lifted import Lifted
from ranking.personal import Personal
from ranking.popularity import Popularity
from ranking.ranked import Ranked
from ranking.scorer import SavedScorer
from ranking.spectral import Spectral
from ranking.vectors import Vectors

__all__ = [
    "KINDS",
    "load_scorer",
    "load_scorers",
    "save_scorer",
    "save_scorers",
    "scorer_names",
]

KINDS: Final[dict[str, type[SavedScorer]]] = {
    "popularity": Popularity,
    "personal": Personal,
    "itemknn": ItemKNN,
    "lifted": Lifted,
    "ease": Ease,
    "vectors": Vectors,
    "spectral": Spectral,
    "blend": Blend,
    "ranked": Ranked,
}

MANIFEST = "scorers.json"


def save_scorers(folder: Path, scorers: Mapping[str, SavedScorer]) -> None:
    """Write ``scorers`` under their keys to ``folder``, which may exist.

    Raises:
        ConfigError: a scorer, or a part of one, is of a class not in ``KINDS``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    saved: list[dict[str, Any]] = []
    places: dict[int, int] = {}
    roots = {key: _save(folder, scorer, saved, places) for key, scorer in scorers.items()}
    manifest = {"scorers": saved, "roots": roots}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _save(
    folder: Path, scorer: SavedScorer, saved: list[dict[str, Any]], places: dict[int, int]
) -> int:
    """Write one scorer after its parts, unless it already is; its place in ``saved``."""
    if id(scorer) in places:
        return places[id(scorer)]
    kind = next((k for k, cls in KINDS.items() if type(scorer) is cls), None)
    if kind is None:
        raise ConfigError(f"{type(scorer).__name__} cannot be saved; name it in ranking.saved")
    parts = [_save(folder, part, saved, places) for part in scorer.parts]
    arrays = scorer.arrays()
    place = len(saved)
    save_arrays(folder / str(place), arrays)
    saved.append({"kind": kind, "name": scorer.name, "arrays": list(arrays), "parts": parts})
    places[id(scorer)] = place
    return place


def load_scorers(folder: Path, *, mmap: bool = True) -> dict[str, SavedScorer]:
    """Read what ``save_scorers`` wrote; shared parts are shared again.

    Raises:
        SnapshotMissing: the folder holds none, or a file is damaged.
    """
    entries, roots = _manifest(folder)
    loaded: list[SavedScorer] = []
    for place, entry in enumerate(entries):
        if entry["kind"] not in KINDS:
            raise SnapshotMissing(f"unknown kind of scorer '{entry['kind']}' in {folder}")
        arrays = load_arrays(folder / str(place), entry["arrays"], mmap=mmap)
        parts = tuple(loaded[i] for i in entry["parts"])
        loaded.append(KINDS[entry["kind"]].from_arrays(entry["name"], arrays, parts))
    return {key: loaded[place] for key, place in roots.items()}


def _manifest(folder: Path) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """What is in ``folder``, parts before wholes, and the places of those asked for by key."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return manifest["scorers"], manifest["roots"]
    except (OSError, ValueError, KeyError) as error:
        raise SnapshotMissing(f"no scorers in {folder}: {error}; build again") from error


def scorer_names(folder: Path) -> set[str]:
    """Names of all scorers in ``folder``, parts among them; errors as in ``load_scorers``."""
    return {entry["name"] for entry in _manifest(folder)[0]}


def save_scorer(folder: Path, scorer: SavedScorer) -> None:
    """Write one scorer to ``folder``; errors as in ``save_scorers``."""
    save_scorers(folder, {"scorer": scorer})


def load_scorer(folder: Path, *, mmap: bool = True) -> SavedScorer:
    """Read what ``save_scorer`` wrote; errors as in ``load_scorers``."""
    return load_scorers(folder, mmap=mmap)["scorer"]
