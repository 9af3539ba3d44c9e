"""What a build derived, swapped on a Neo4j server so that readers see the old or the new.

One transaction for a million edges takes gigabytes of the server's heap, so there are many, each of
bounded size. What has to change is first written aside, as chunks of rows that no query meets. A
note then says that the build is being shown: from here on Coterie's readers wait, and each chunk is
carried out and goes, in one transaction. Whoever finds that a swap was cut off once the note was up
ends it: the next build, or a reader. Cut off before, nothing was changed, and the next build
deletes what is left.

Who swaps holds a lease, prolonged by each of its transactions; each makes sure that it is held.
"""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

import polars as pl

from graph.neo4j_changes import Change, carry_out, changes, checked
from graph.neo4j_link import Link, Run
from graph.neo4j_schema import STAGED, STATE
from graph.store import Derived
from loaders.errors import StoreUnavailable

__all__ = ["replace_derived", "steady"]

T = TypeVar("T")

NOTE: Final = "derived"
LEASE_SECONDS: Final = 60
WAIT_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.05
_ATTEMPTS: Final = 5
_CHUNKS_AT_ONCE: Final = 100


class _Note(NamedTuple):
    """How often it changed, whether a swap is being shown, whether the lease is held."""

    changes: int = 0
    showing: bool = False
    held: bool = False


def replace_derived(link: Link, derived: Derived) -> None:
    """Write ``derived`` in the place of what earlier builds derived.

    Raises:
        DataError: an edge names a node that does not exist; raised before anything is changed.
        StoreUnavailable: others are swapping, or the server went away. What was there stays, or
            ``derived`` is there whole once anybody reads.
    """
    wanted = checked(link, derived)
    swap = _Swap(link)
    swap.begin()
    swap.stage(changes(link, wanted))
    swap.show()
    swap.end()


class _Swap:
    """The steps of a swap, each of them transactions that hold the lease."""

    def __init__(self, link: Link) -> None:
        self._link, self._holder = link, secrets.token_hex(8)

    def begin(self) -> None:
        """Take the lease once nobody else holds it, and end what they left half done.

        Raises:
            StoreUnavailable: others hold it for too long.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while not self._link.write(self._take):
            if time.monotonic() > deadline:
                raise _busy(self._link)
            time.sleep(_POLL_SECONDS)
        if _note(self._link).showing:
            self._move()

    def _take(self, run: Run) -> bool:
        run.run(f"MERGE (s:{STATE} {{id: $note}})", note=NOTE).consume()
        taken = run.run(
            f"MATCH (s:{STATE} {{id: $note}}) SET s.changes = coalesce(s.changes, 0) WITH s "
            "WHERE coalesce(s.until, 0) < timestamp() OR s.holder = $holder "
            "SET s.holder = $holder, s.until = timestamp() + $ms RETURN s.until",
            note=NOTE,
            holder=self._holder,
            ms=LEASE_SECONDS * 1000,
        )
        return taken.single() is not None

    def _held(self, work: Callable[[Run], T]) -> T:
        """Commit ``work``, if the lease is still held, and prolong that."""

        def unit(run: Run) -> T:
            held = run.run(
                f"MATCH (s:{STATE} {{id: $note, holder: $holder}}) "
                "SET s.until = timestamp() + $ms RETURN s.until",
                note=NOTE,
                holder=self._holder,
                ms=LEASE_SECONDS * 1000,
            )
            if held.single() is None:
                raise _busy(self._link)
            return work(run)

        return self._link.write(unit)

    def _set(self, **values: Any) -> None:
        """Change the note, so that readers see that it changed."""
        self._held(
            lambda run: run.run(
                f"MATCH (s:{STATE} {{id: $note}}) SET s.changes = s.changes + 1, s += $values",
                note=NOTE,
                values=values,
            ).consume()
        )

    def stage(self, staged: Iterable[Change]) -> None:
        """Write changes aside, in the place of those a swap left that was cut off."""
        while self._held(_delete_chunks):
            continue
        for place, change in enumerate(staged):
            self._held(partial(_keep_chunk, place=place, change=change))

    def show(self) -> None:
        """Put the staged build in the place of the old one."""
        self._set(showing=True)
        self._move()

    def _move(self) -> None:
        """Carry out what is staged, all of it or what is left."""
        while self._held(_carry_out_chunk):
            continue
        self._set(showing=None)

    def end(self) -> None:
        """Let others have the lease."""
        self._set(until=0)


def _delete_chunks(run: Run) -> bool:
    """Delete some; whether there were any."""
    found = run.run(
        f"MATCH (c:{STAGED}) WITH c LIMIT {_CHUNKS_AT_ONCE} DELETE c RETURN count(*)"
    ).single()
    return found is not None and found[0] > 0


def _keep_chunk(run: Run, place: int, change: Change) -> None:
    data = io.BytesIO()
    change.rows.write_ipc(data, compression="zstd")
    run.run(
        f"MERGE (c:{STAGED} {{id: $id}}) SET c.what = $what, c.kind = $kind, c.rows = $rows",
        id=place,
        what=change.what,
        kind=change.kind,
        rows=data.getvalue(),
    ).consume()


def _carry_out_chunk(run: Run) -> bool:
    """Carry out the first change that is left; whether there was one."""
    found = run.run(
        f"MATCH (c:{STAGED}) WITH c ORDER BY c.id LIMIT 1 "
        "WITH c, c.what AS what, c.kind AS kind, c.rows AS rows DELETE c RETURN what, kind, rows"
    ).single()
    if found is not None:
        rows = pl.read_ipc(io.BytesIO(found["rows"]))
        carry_out(run, Change(found["what"], found["kind"], rows))
    return found is not None


def _busy(link: Link) -> StoreUnavailable:
    return StoreUnavailable(f"a build is being written to {link.address}; try again")


def _note(link: Link) -> _Note:
    # Not retried: an analyst would rather hear at once that the server is away.
    with link.errors("read"), link.session() as session:
        record = session.run(
            f"MATCH (s:{STATE} {{id: $note}}) RETURN s.changes, s.showing, s.until > timestamp()",
            note=NOTE,
        ).single()
    return _Note(record[0] or 0, bool(record[1]), bool(record[2])) if record else _Note()


def steady(link: Link, work: Callable[[], T]) -> T:
    """The result of ``work``, read while nothing derived was being swapped.

    Raises:
        StoreUnavailable: swaps went on for too long, or one was cut off and cannot be ended.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    for _ in range(_ATTEMPTS):
        before = _settled(link, deadline)
        found = work()
        if _note(link).changes == before.changes:
            return found
    raise _busy(link)


def _settled(link: Link, deadline: float) -> _Note:
    """The note once no swap is being shown; one that nobody goes on with is ended here."""
    while (note := _note(link)).showing:
        if time.monotonic() > deadline:
            raise _busy(link)
        if note.held:
            time.sleep(_POLL_SECONDS)
        else:
            with closing(Link(link.address, read_only=False)) as writer:
                swap = _Swap(writer)
                swap.begin()
                swap.end()
    return note
