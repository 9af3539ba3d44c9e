"""``Desk``: everything that can be done with audiences, over the published build of one shop.

The command line and the HTTP API both ask it, so that what may not be told is told by neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import polars as pl

from audiences.choices import Choices, choices_of
from audiences.config import AudiencesConfig
from audiences.cypher import Dialect, cypher
from audiences.definition import Definition, references, segments_in
from audiences.estimate import Estimate, apart, enough, estimate
from audiences.explain import Explained, explain
from audiences.export import Form, member_frame, written
from audiences.holdout import HoldOut
from audiences.plan import Evaluator, Plan
from audiences.tables import Mask
from audiences.vault import Refresh, Saved, Vault
from audiences.webhook import Hook, Sent, send
from experiments.assign import held_out
from loaders.errors import AudienceError, AudienceTooSmall
from loaders.progress import Progress, silent
from pipeline.audience_tables import load_audience_tables
from pipeline.home import Home
from pipeline.snapshot import Snapshot

__all__ = ["Change", "Desk", "Listed", "Members", "audiences_file"]


def audiences_file(home: Home) -> Path:
    """Where the shop's audiences are kept."""
    return home.path / "audiences" / "audiences.sqlite"


@dataclass(frozen=True)
class Change:
    """What becomes of an audience.

    Attributes:
        name: of the audience.
        before, after: members; ``None`` where too few to be told of.
        added, removed: members who come and go; ``None`` where some, but too few.
    """

    name: str
    before: int | None
    after: int | None
    added: int | None
    removed: int | None


@dataclass(frozen=True)
class Listed:
    """A saved audience, its last refresh, and the audiences that refer to it."""

    saved: Saved
    last: Refresh | None
    used_by: tuple[str, ...]


@dataclass(frozen=True)
class Members:
    """Some members, and how many there are in all."""

    build: str
    total: int
    rows: pl.DataFrame


class Desk:
    """Audiences of one shop.

    Args:
        home: the shop.
        config: who may be in an audience, and what is told of small ones.
    """

    def __init__(self, home: Home, config: AudiencesConfig) -> None:
        self._home, self.config = home, config
        self.vault = Vault(audiences_file(home), config.keep)
        self._lock = Lock()
        self._for: tuple[Any, ...] = ()
        self._evaluator: Evaluator | None = None

    def evaluator(self) -> Evaluator:
        """Over the published build and the suppression list as they are now.

        Raises:
            SnapshotMissing: nothing is published.
        """
        with self._lock:
            now = (self._home.current(), self.vault.state())
            if self._evaluator is None or self._for != now:
                snapshot = Snapshot.load(self._home.snapshot(now[0]))
                barred = self.vault.barred(snapshot.users["user_id"])
                tables = load_audience_tables(snapshot, barred, self.config.consent)
                self._evaluator, self._for = Evaluator(tables, self.config.threads), now
            return self._evaluator

    def library(self) -> dict[str, Definition]:
        """The latest definition of each audience."""
        return {name: saved.definition for name, saved in self.vault.audiences().items()}

    def plan(self, definition: Definition) -> Plan:
        """A definition checked against the shop.

        Raises:
            AudienceError: it cannot be evaluated; every mistake is listed.
        """
        return Plan.of(definition, self.evaluator().tables, self.library())

    def _saved(self, name: str) -> Saved:
        return self.vault.versions(name)[-1]

    def _masks(self, names: Iterable[str], library: Mapping[str, Definition]) -> dict[str, Mask]:
        """Members of saved audiences; those that cannot be evaluated any more are left out."""
        found, evaluator = {}, self.evaluator()
        for name in names:
            try:
                found[name] = evaluator.members(Plan.of(library[name], evaluator.tables, library))
            except AudienceError:
                continue
        return found

    def choices(self) -> Choices:
        """What conditions may ask of the published build."""
        return choices_of(self.evaluator().tables, self.config.minimum)

    def estimate(self, definition: Definition) -> Estimate:
        """Size, value and overlap of a definition, saved or not.

        Raises:
            AudienceError: it cannot be evaluated.
        """
        plan, library = self.plan(definition), self.library()
        others = self._masks((n for n in library if n != definition.name), library)
        return estimate(self.evaluator(), plan, self.config, others)

    def save(self, definition: Definition) -> tuple[Saved, Estimate]:
        """Keep a definition as the next version of its audience, and refresh it.

        Raises:
            AudienceError: it, or an audience that refers to it, cannot be evaluated.
        """
        told = self.estimate(definition)
        saved = self.vault.save(definition)
        self.refresh([saved.name])
        return saved, told

    def refresh(self, names: Sequence[str] = (), progress: Progress = silent) -> list[Listed]:
        """Evaluate saved audiences over the published build and note their size.

        An audience that cannot be evaluated any more is noted so, and holds up no other.

        Args:
            names: which; all of them by default.
            progress: told each.

        Raises:
            UnknownAudience: there is none of a name.
        """
        evaluator, saved = self.evaluator(), self.vault.audiences()
        chosen = [self._saved(n) for n in names] or list(saved.values())
        library = {name: s.definition for name, s in saved.items()}
        for done, one in enumerate(chosen):
            progress("refresh audiences", done, len(chosen))
            try:
                plan = Plan.of(one.definition, evaluator.tables, library)
            except AudienceError as error:
                self.vault.refresh(one, evaluator.tables.build, None, 0.0, str(error))
                continue
            mask = evaluator.members(plan)
            ids = evaluator.tables.users.ids.filter(pl.Series(mask))
            spend = round(float(evaluator.tables.spend[mask].sum()), 2)
            self.vault.refresh(one, evaluator.tables.build, ids, spend)
        return [self.show(one.name) for one in chosen]

    def listed(self, segment: str | None = None) -> list[Listed]:
        """Saved audiences by name, or those that rest on a segment, directly or through others."""
        library = self.library()
        kept = library if segment is None else self._resting(segment, library)
        return [self.show(name) for name in library if name in kept]

    def _resting(self, segment: str, library: Mapping[str, Definition]) -> set[str]:
        direct = {n for n, d in library.items() if segment in segments_in(d.where)}
        return direct | {n for name in direct for n in dependents(name, library)}

    def show(self, name: str) -> Listed:
        """A saved audience.

        Raises:
            UnknownAudience: there is none of this name.
        """
        history = self.history(name)
        used = tuple(sorted(dependents(name, self.library())))
        return Listed(self._saved(name), history[-1] if history else None, used)

    def history(self, name: str) -> list[Refresh]:
        """All refreshes, oldest first, with nothing in them that tells of too few customers.

        Raises:
            UnknownAudience: there is none of this name.
        """
        self.vault.versions(name)
        told, before = [], 0
        for line in self.vault.history(name):
            told.append(self._told(line, edited=before not in (0, line.version)))
            before = line.version
        return told

    def _told(self, line: Refresh, *, edited: bool) -> Refresh:
        least = self.config.minimum
        if line.size is None or line.size < least:
            return replace(line, size=None, spend=None, added=None, removed=None)
        moved = (line.added or 0) + (line.removed or 0)
        if edited and self.config.differences and 0 < moved < least:
            coarse = line.size // least * least
            return replace(line, size=coarse, spend=None, added=None, removed=None)
        return line

    def cypher(self, definition: Definition, dialect: Dialect = "embedded") -> str:
        """The definition as a query.

        Raises:
            AudienceError: the graph does not hold what a condition asks.
        """
        return cypher(self.plan(definition), self.evaluator().tables, dialect)

    def explain(self, name: str, user_id: str) -> Explained:
        """Why a customer is in a saved audience, or is not.

        Raises:
            UnknownAudience, UnknownUser: there is none of this name or id.
        """
        return explain(self.evaluator(), self.plan(self._saved(name).definition), user_id)

    def diff(self, definition: Definition, version: int | None = None) -> list[Change]:
        """What changes if an audience is defined so: itself first, then all that refer to it.

        Args:
            definition: as it would be; the audience of its name is what it is compared with.
            version: compare with this version in place of the latest.

        Raises:
            AudienceError: the definition cannot be evaluated.
            UnknownAudience: there is no audience of this name, or no such version.
        """
        versions = {s.version: s for s in self.vault.versions(definition.name)}
        if version is not None and version not in versions:
            known = ", ".join(map(str, versions))
            raise AudienceError([("version", f"there is no version {version}; there are: {known}")])
        old = versions[version or max(versions)].definition
        library = self.library()
        self.plan(definition)
        names = [definition.name, *sorted(dependents(definition.name, library))]
        before = self._masks(names, {**library, old.name: old})
        after = self._masks(names, {**library, definition.name: definition})
        return [self._change(n, before.get(n), after.get(n)) for n in names]

    def _change(self, name: str, before: Mask | None, after: Mask | None) -> Change:
        if before is None or after is None:
            return Change(name, None, None, None, None)
        least = self.config.minimum
        came, left = int((after & ~before).sum()), int((before & ~after).sum())
        few = self.config.differences and 0 < came + left < least
        sizes = []
        for size in (int(before.sum()), int(after.sum())):
            told = size // least * least if few else size
            sizes.append(None if size < least else told)
        moves = [None if 0 < n < least else n for n in (came, left)]
        return Change(name, sizes[0], sizes[1], moves[0], moves[1])

    def members(
        self, name: str, offset: int = 0, limit: int = 100, columns: Sequence[str] = ("user_id",)
    ) -> Members:
        """Members ``offset`` to ``offset + limit``, by id as the build orders them.

        Raises:
            UnknownAudience: there is none of this name.
            AudienceTooSmall: too few to be listed, or too few apart from what left the house.
        """
        evaluator, mask = self._released(name, "list", columns)
        rows = np.zeros_like(mask)
        rows[np.flatnonzero(mask)[offset : offset + limit]] = True
        frame = member_frame(evaluator.tables, rows, columns)
        return Members(evaluator.tables.build, int(mask.sum()), frame)

    def export(
        self,
        name: str,
        form: Form,
        columns: Sequence[str] = ("user_id",),
        held: HoldOut | None = None,
    ) -> Iterator[bytes]:
        """All members in pieces of a file; every check is made before the first.

        Args:
            name: of the audience.
            form: of the file.
            columns: what to tell of each.
            held: the campaign it is for, and who is held out of it.

        Raises:
            UnknownAudience, AudienceTooSmall: as for ``members``.
            OptionError: a column is not there, or too few would be held out.
        """
        return written(self._frame(name, form, columns, held), form)

    def send(
        self,
        name: str,
        hook: Hook,
        columns: Sequence[str] = ("user_id",),
        held: HoldOut | None = None,
    ) -> Sent:
        """All members to a webhook, in signed batches; arguments as for ``export``.

        Raises:
            UnknownAudience, AudienceTooSmall, OptionError: as for ``export``.
            ConfigError, StoreUnavailable: the receiver refuses, or does not answer.
        """
        frame = self._frame(name, "webhook", columns, held)
        saved = self._saved(name)
        build = self.evaluator().tables.build
        return send(hook, frame, {"audience": name, "version": saved.version, "build": build})

    def _frame(
        self, name: str, form: str, columns: Sequence[str], held: HoldOut | None
    ) -> pl.DataFrame:
        evaluator, mask = self._released(name, form, columns)
        frame = member_frame(evaluator.tables, mask, columns)
        if held is None:
            return frame
        ids = evaluator.tables.users.ids.filter(pl.Series(mask))
        left = held.apply(
            frame, ids, lambda u: held_out(held.campaign, u, held.share), self.config.minimum
        )
        self.vault.campaign(self._saved(name), evaluator.tables.build, ids, held)
        return left

    def _released(self, name: str, form: str, columns: Sequence[str]) -> tuple[Evaluator, Mask]:
        """Members that may be told one by one; that they are is noted."""
        evaluator, saved = self.evaluator(), self._saved(name)
        tables = evaluator.tables
        mask = evaluator.members(self.plan(saved.definition))
        enough(int(mask.sum()), self.config)
        before = self.vault.exports(tables.build)
        others = [e for e in before if (e.name, e.version) != (name, saved.version)]
        if self.config.differences:
            self._apart(mask, others)
        member_frame(tables, mask & False, columns)  # an unknown column is noticed before the note
        if form != "list" or len(others) == len(before):
            ids = tables.users.ids.filter(pl.Series(mask))
            self.vault.exported(saved, tables.build, ids, form, columns)
        return evaluator, mask

    def _apart(self, mask: Mask, others: Sequence[Any]) -> None:
        tables = self.evaluator().tables
        for other in others:
            known = tables.users.ids.is_in(other.members.implode()).to_numpy() & tables.open
            if apart(mask, [known], self.config.minimum):
                raise AudienceTooSmall(
                    [
                        (
                            "where",
                            f"fewer than {self.config.minimum} customers set it apart from "
                            f"{other.name} (version {other.version}), which was listed or exported "
                            "from this build; both together would tell who they are (setting "
                            "audiences.differences)",
                        )
                    ]
                )

    def delete(self, name: str) -> None:
        """Forget an audience with its versions and history.

        Raises:
            UnknownAudience: there is none of this name.
            AudienceError: others refer to it.
        """
        self.vault.delete(name)


def dependents(name: str, library: Mapping[str, Definition]) -> set[str]:
    """Audiences that refer to ``name``, directly or through others."""
    direct = {n for n, d in library.items() if name in references(d.where)}
    return direct | {n for d in direct if d != name for n in dependents(d, library)}
