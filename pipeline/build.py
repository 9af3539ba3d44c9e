"""``build``: the whole offline flow on one page.

Read the shop back from the store, decide on validation what to serve, report on test, learn from
everything, write a snapshot aside, write what was learned back into the graph, publish.
"""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from graph.interactions import from_day
from graph.open import open_store
from graph.readback import data_hash, read_shop
from graph.shop import Shop
from graph.store import Derived
from loaders.errors import ConfigError, DataError, StoreUnavailable
from loaders.progress import Progress, silent
from pipeline.audience_tables import AUDIENCES, save_audience_tables
from pipeline.audiences import Desk, audiences_file
from pipeline.choose import choice_json, default_choice
from pipeline.completion import Completed, measure_completion
from pipeline.config import Config
from pipeline.evaluate import Evaluated, evaluate_shop
from pipeline.experiments import held_builds
from pipeline.forgotten import Forgotten, forgotten_file
from pipeline.generator import Worded
from pipeline.home import Home
from pipeline.learn import Learned, learn
from pipeline.people import PEOPLE, People, find_people
from pipeline.segmenting import last_segments
from pipeline.snapshot import Manifest, Snapshot, read_manifest
from pipeline.stats import product_stats, user_stats
from pipeline.told import noted
from pipeline.unwritten import WAIT_FOR_STORE, forget, keep
from pipeline.visitors import Visitors, measure_visitors
from pipeline.wording import worded
from pipeline.writeback import derived_graph

__all__ = ["build"]

LEARNING = ("torch", "torch_geometric", "lightgbm", "mlxtend", "pandas")
PACKAGES = (
    "coterie",
    "numpy",
    "scipy",
    "polars",
    "torch",
    "torch-geometric",
    "lightgbm",
    "mlxtend",
)


T = TypeVar("T")


@dataclass
class _Clock:
    """Seconds of each stage, for the manifest."""

    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: dict[str, float] = field(default_factory=dict)

    def time(self, stage: str, work: Callable[[], T]) -> T:
        """Do ``work`` and remember how long it took."""
        start = time.perf_counter()
        done = work()
        self.seconds[stage] = round(time.perf_counter() - start, 2)
        return done


def build(home: Home, config: Config, progress: Progress = silent) -> Snapshot:
    """Learn from what the store holds and publish it.

    A build that was killed or interrupted is taken up by the next: training goes on from its
    checkpoints, and what was published before stays published until the last step.

    Args:
        home: the shop.
        config: all settings.
        progress: told each stage.

    Returns:
        The published snapshot.

    Raises:
        DataError: the store holds nothing to learn from.
        ConfigError: nothing is loaded, or what only building needs is not installed.
        StoreUnavailable: another build is running, or the store is locked or away. What was
            published stays published; a build that could not be written back is kept whole.
    """
    clock = _Clock()
    _need(LEARNING)
    with home.building():
        progress = noted(home, progress)
        shop = clock.time("read", lambda: read_home(home))
        found, reason = clock.time("evaluate", lambda: _evaluate(shop, config, home, progress))
        completed = clock.time(
            "complete baskets", lambda: _completed(shop, config, found, progress)
        )
        visitors = clock.time("visitors", lambda: _visitors(shop, config, found, progress))
        learned = clock.time(
            "learn", lambda: _learn(shop, config, found, completed, visitors, home, progress)
        )
        learned, words = worded(learned, home, config, progress)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
        report = found.report.to_json() if found else {"not_measured": reason}
        report |= {"completion": completed.to_json()} if completed else {}
        report |= {"visitors": visitors.to_json()} if visitors else {}
        manifest = _manifest(name, learned, config, found, clock)
        derived = derived_graph(
            learned, name, config.snapshots.liked, vectors=config.snapshots.vectors
        )
        with home.staged(name) as folder:
            vectors = learned.embeddings.user_vectors
            liked = save_audience_tables(folder / AUDIENCES, shop, vectors, derived)
            clock.time("profile", lambda: people_of(learned, liked, config, words)).save(
                folder / PEOPLE
            )
            snapshot_of(folder, learned, manifest).save(report)
        _write_back(home, derived, progress)
        home.publish(name)
        forget(home)
        if audiences_file(home).exists():
            Desk(home, config.audiences).refresh(progress=progress)
        home.prune(config.snapshots.keep, held_builds(home))
        _prune_forgotten(home)
        shutil.rmtree(home.work, ignore_errors=True)
    return Snapshot.load(home.snapshot(name))


def _prune_forgotten(home: Home) -> None:
    """Who was erased before the oldest snapshot left was read is in none of them."""
    read = [read_manifest(home.snapshot(build)).read_at.timestamp() for build in home.builds()]
    Forgotten(forgotten_file(home.path)).prune(min(read))


def _need(packages: Iterable[str]) -> None:
    """Notice now what would be missed after minutes of work."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"building needs {', '.join(missing)}; install it: pip install 'coterie[learn]'"
        )


def read_home(home: Home) -> Shop:
    """Read the shop back from its store.

    Raises:
        DataError: there is nothing to learn from.
    """
    with open_store(home.store, read_only=True) as store:
        shop = read_shop(store)
    if not len(shop.graph.purchases()):
        name = home.store_name
        raise DataError(f"{name} holds no purchases; load some first: coterie load --help")
    return shop


def _evaluate(
    shop: Shop, config: Config, home: Home, progress: Progress
) -> tuple[Evaluated | None, str]:
    """The evaluation, or why there is none: a young shop is served all the same."""
    try:
        return evaluate_shop(shop, config, work=home.work, progress=progress), ""
    except DataError as error:
        progress(f"evaluate: not possible ({error})", 0, 0)
        return None, str(error)


def _completed(
    shop: Shop, config: Config, found: Evaluated | None, progress: Progress
) -> Completed | None:
    """How baskets are completed best; ``None`` where that cannot be measured."""
    try:
        if found is None:
            return None
        return measure_completion(shop, config, found.encoders, progress, customers=False)
    except DataError as error:
        progress(f"complete baskets: not measured ({error})", 0, 0)
        return None


def _visitors(
    shop: Shop, config: Config, found: Evaluated | None, progress: Progress
) -> Visitors | None:
    """How visitors are served best; ``None`` where that cannot be measured."""
    try:
        return measure_visitors(shop, config, progress) if found else None
    except DataError as error:
        progress(f"visitors: not measured ({error})", 0, 0)
        return None


def _learn(
    shop: Shop,
    config: Config,
    found: Evaluated | None,
    completed: Completed | None,
    visitors: Visitors | None,
    home: Home,
    progress: Progress,
) -> Learned:
    choice = found.choice if found else default_choice()
    return learn(
        shop,
        config,
        choice,
        start=found.embeddings if found else None,
        lesson=found.lesson if found else None,
        weights=completed.weights if completed else None,
        previous=last_segments(home, progress),
        dials=visitors.dials if visitors else None,
        work=home.work,
        progress=progress,
    )


def _write_back(home: Home, derived: Derived, progress: Progress) -> None:
    progress("write back to the graph", 0, 1)
    try:
        with open_store(home.store, wait_seconds=WAIT_FOR_STORE) as store:
            store.replace_derived(derived)
    except StoreUnavailable as error:
        keep(home, derived)
        raise StoreUnavailable(
            f"{error}; build {derived.build} is whole, but neither in the graph nor published, and "
            "what was published before goes on. When the store is back, run: coterie writeback "
            f"--home {home.path}"
        ) from error
    progress("write back to the graph", 1, 1)


def people_of(
    learned: Learned,
    liked: npt.NDArray[np.int32],
    config: Config,
    words: Mapping[str, Worded],
) -> People:
    """What profiles and actions show of what was learned."""
    return find_people(
        learned.shop,
        learned.segmentation,
        learned.customers.table,
        liked,
        learned.rules.as_edges(),
        config.segments,
        words,
    )


def snapshot_of(folder: Path, learned: Learned, manifest: Manifest) -> Snapshot:
    """What was learned, as a snapshot that is to live in ``folder``."""
    shop = learned.shop
    return Snapshot(
        folder,
        manifest,
        users=shop.users,
        products=shop.products,
        categories=shop.categories,
        customers=learned.customers.table,
        recommender=learned.recommender,
        neighbours=learned.neighbours,
        likeness=learned.likeness,
        rules=learned.rules,
        completer=learned.completer,
        visitors=learned.visitors,
        segmentation=learned.segmentation,
        segment_products=learned.segment_products,
        user_stats=user_stats(shop.graph),
        product_stats=product_stats(shop.graph),
    )


def _manifest(
    name: str, learned: Learned, config: Config, found: Evaluated | None, clock: _Clock
) -> Manifest:
    shop = learned.shop
    bought = shop.graph.purchases()
    return Manifest(
        build=name,
        created=datetime.now(UTC),
        read_at=clock.started,
        currency=shop.currency,
        data_hash=data_hash(shop.graph),
        last_event=from_day(shop.graph.last_day),
        seed=config.seed,
        config=config.model_dump(mode="json"),
        versions=_versions(),
        counts={
            "users": int(shop.graph.registered.sum()),
            "products": shop.graph.shape[1],
            "purchases": len(bought),
            "orders": len(np.unique(bought.orders[bought.orders >= 0])),
            "events": len(shop.graph),
            "rules": len(learned.rules),
            "segments": len(learned.segmentation.segments),
        },
        choice=choice_json(found.choice if found else default_choice()),
        cut=found.report.settings["cut"] if found else None,
        metrics=_headline(found) if found else [],
        completion=dict(learned.completion),
        lifecycle=dict(learned.customers.facts),
        seconds=clock.seconds,
    )


def _headline(found: Evaluated) -> list[dict[str, Any]]:
    """Recall and NDCG of what is served, mode by mode, at the longest k."""
    served = {mode: c.served for mode, c in found.choice.items()}
    rows = [r for r in found.report.rows if r.method == served[r.mode]]
    longest = max(r.k for r in rows)
    return [asdict(r) for r in rows if r.k == longest and r.metric in ("recall", "ndcg")]


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
