"""``Home``: the folder where one shop lives: its settings, its store and its snapshots.

HOME/coterie.toml       settings (optional)
HOME/store/             the embedded graph store
HOME/build.json         how far the latest build was
HOME/work/              resumable training state
HOME/unwritten/         what a build could not write into the graph
HOME/audiences/         saved audiences, their history, and who is in none
HOME/forgotten.jsonl    customers erased since the oldest snapshot was read
HOME/experiments/       experiments, who was shown what, and clicks
HOME/snapshots/BUILD/   one folder a build
HOME/snapshots/current  the name of the published build; replaced in one step
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from graph.open import store_name
from loaders.errors import SnapshotMissing, StoreUnavailable

__all__ = ["Home", "write_atomically"]


def write_atomically(path: Path, text: str) -> None:
    """Replace ``path`` by ``text`` in one step, on disk before it is seen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)


@dataclass(frozen=True)
class Home:
    """Paths of one shop, and which of its snapshots is published.

    Attributes:
        path: the folder.
        address: of a Neo4j server that holds the graph in place of the embedded store.
    """

    path: Path
    address: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """What to call the shop: the folder's name, without the dot of a hidden one."""
        return self.path.name.lstrip(".")

    @property
    def store(self) -> Path | str:
        """The embedded store's file, or the server's address, which may hold a password."""
        return self.address or self.path / "store" / "shop.lbug"

    @property
    def store_name(self) -> str:
        """The store as people may see it."""
        return store_name(self.store)

    @property
    def work(self) -> Path:
        """Folder of resumable training state."""
        return self.path / "work"

    @property
    def unwritten(self) -> Path:
        """Folder of what a build could not write into the graph."""
        return self.path / "unwritten"

    @property
    def snapshots(self) -> Path:
        """Folder of all builds."""
        return self.path / "snapshots"

    @property
    def pointer(self) -> Path:
        """File that names the published build."""
        return self.snapshots / "current"

    def builds(self) -> list[str]:
        """Finished builds, oldest first."""
        if not self.snapshots.is_dir():
            return []
        return sorted(p.parent.name for p in self.snapshots.glob("[!.]*/manifest.json"))

    def current(self) -> str:
        """The published build.

        Raises:
            SnapshotMissing: nothing has been published.
        """
        try:
            return self.pointer.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            raise SnapshotMissing(
                f"nothing is built in {self.path}; run: coterie build --home {self.path}"
            ) from None

    def previous(self) -> str:
        """The build before the published one.

        Raises:
            SnapshotMissing: nothing is published, or nothing was built before it.
        """
        current = self.current()
        earlier = [build for build in self.builds() if build < current]
        if not earlier:
            raise SnapshotMissing(f"there is no build before {current}")
        return earlier[-1]

    def snapshot(self, build: str | None = None) -> Path:
        """Folder of ``build``, or of the published one.

        Raises:
            SnapshotMissing: there is no such build.
        """
        name = build or self.current()
        folder = self.snapshots / name
        if not (folder / "manifest.json").is_file():
            known = ", ".join(self.builds()) or "none"
            raise SnapshotMissing(f"no snapshot '{name}' in {self.snapshots}; there are: {known}")
        return folder

    def publish(self, build: str) -> None:
        """Point to ``build``; whoever serves picks it up without a restart."""
        self.snapshot(build)
        write_atomically(self.pointer, build + "\n")

    @contextmanager
    def building(self) -> Iterator[None]:
        """Hold the right to build; one process has it at a time, and loses it when it dies.

        Raises:
            StoreUnavailable: another build is running.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "build.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreUnavailable(
                    f"another build is running in {self.path}; wait for it to end"
                ) from None
            yield

    @contextmanager
    def staged(self, build: str) -> Iterator[Path]:
        """A folder to write ``build`` in; it takes its place only when the block ends well."""
        self.snapshots.mkdir(parents=True, exist_ok=True)
        for left in self.snapshots.glob(".*.staged"):  # by a build that was killed
            shutil.rmtree(left, ignore_errors=True)
        aside = Path(tempfile.mkdtemp(dir=self.snapshots, prefix=f".{build}.", suffix=".staged"))
        try:
            yield aside
            aside.chmod(0o755)
            os.replace(aside, self.snapshots / build)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def prune(self, keep: int, needed: Collection[str] = ()) -> list[str]:
        """Delete all but the ``keep`` newest builds, the published one and those ``needed``.

        Returns:
            The deleted.
        """
        kept = {self.current(), *needed} if self.pointer.exists() else {*needed}
        doomed = [b for b in self.builds()[:-keep] if b not in kept] if keep else []
        for build in doomed:
            shutil.rmtree(self.snapshots / build)
        return doomed
