"""``Vault``: saved audiences, their versions, refreshes and exports, and who is in none.

One SQLite file: a definition, its history and its members change together or not at all, whatever
is killed when, and several processes may ask at once. Every call opens and closes it. Members are
kept as Parquet of ids, since rows of one build mean nothing in the next. Of erased customers only
the SHA-256 of their ids is kept, so that a later load of old files brings them back into none.
"""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from audiences.definition import Definition, canonical, parse, references
from audiences.holdout import Campaign, HoldOut
from loaders.errors import AudienceError, OptionError, UnknownAudience
from loaders.sqlite_file import transaction

__all__ = ["Exported", "Refresh", "Saved", "Vault"]

_SCHEMA: Final = """
PRAGMA secure_delete = ON;
CREATE TABLE IF NOT EXISTS versions (
    name TEXT, version INTEGER, created TEXT, definition TEXT, PRIMARY KEY (name, version)
);
CREATE TABLE IF NOT EXISTS refreshes (
    id INTEGER PRIMARY KEY, name TEXT, version INTEGER, build TEXT, at TEXT, size INTEGER,
    spend REAL, added INTEGER, removed INTEGER, problem TEXT, members BLOB
);
CREATE TABLE IF NOT EXISTS exports (
    id INTEGER PRIMARY KEY, name TEXT, version INTEGER, build TEXT, at TEXT, form TEXT,
    columns TEXT, size INTEGER, members BLOB
);
CREATE TABLE IF NOT EXISTS campaigns (
    id INTEGER PRIMARY KEY, name TEXT, audience TEXT, version INTEGER, build TEXT, sent TEXT,
    share REAL, members BLOB
);
CREATE TABLE IF NOT EXISTS suppressed (user_id TEXT PRIMARY KEY, at TEXT);
CREATE TABLE IF NOT EXISTS erased (digest BLOB PRIMARY KEY, at TEXT);
CREATE TABLE IF NOT EXISTS changes (value INTEGER);
INSERT INTO changes SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM changes);
"""


@dataclass(frozen=True)
class Saved:
    """One version of an audience."""

    definition: Definition
    version: int
    created: datetime

    @property
    def name(self) -> str:
        """Of the audience."""
        return self.definition.name


@dataclass(frozen=True)
class Refresh:
    """An audience as it was over one build.

    Attributes:
        version: of the definition.
        build, at: over what, and when.
        size: members; ``None`` where it could not be evaluated.
        spend: of all members, in the shop's currency.
        added, removed: members who came and went since the refresh before; ``None`` for the first.
        problem: why it could not be evaluated.
    """

    version: int
    build: str
    at: datetime
    size: int | None
    spend: float | None
    added: int | None
    removed: int | None
    problem: str

    @property
    def net(self) -> int | None:
        """Members gained; negative where lost."""
        return None if self.added is None or self.removed is None else self.added - self.removed


@dataclass(frozen=True)
class Exported:
    """What left the house: who, from which build."""

    name: str
    version: int
    members: pl.Series


class Vault:
    """The audiences of one shop.

    Args:
        path: the file; made when first written to.
        keep: refreshes of each audience whose members are kept.
    """

    def __init__(self, path: Path, keep: int = 12) -> None:
        self.path, self._keep = path, keep

    def _open(self) -> AbstractContextManager[sqlite3.Connection]:
        """A connection in one transaction, which holds if the block ends well."""
        return transaction(self.path, _SCHEMA)

    def _read(self, query: str, *values: Any) -> list[Any]:
        if not self.path.exists():
            return []
        with self._open() as connection:
            return connection.execute(query, values).fetchall()

    def save(self, definition: Definition) -> Saved:
        """Keep ``definition`` as the next version of its audience; as it is if nothing changed."""
        text, now = canonical(definition), _now()
        with self._open() as connection:
            row = connection.execute(
                "SELECT version, created, definition FROM versions WHERE name = ?"
                " ORDER BY version DESC LIMIT 1",
                (definition.name,),
            ).fetchone()
            if row and row[2] == text:
                return _saved(row)
            version = row[0] + 1 if row else 1
            connection.execute(
                "INSERT INTO versions VALUES (?, ?, ?, ?)", (definition.name, version, now, text)
            )
        return _saved((version, now, text))

    def audiences(self) -> dict[str, Saved]:
        """The latest version of each audience, by name in order."""
        rows = self._read(
            "SELECT version, created, definition FROM versions AS v WHERE version ="
            " (SELECT max(version) FROM versions WHERE name = v.name) ORDER BY name"
        )
        return {saved.name: saved for saved in map(_saved, rows)}

    def versions(self, name: str) -> list[Saved]:
        """All versions of one audience, oldest first.

        Raises:
            UnknownAudience: there is none of this name.
        """
        rows = self._read(
            "SELECT version, created, definition FROM versions WHERE name = ? ORDER BY version",
            name,
        )
        if not rows:
            known = ", ".join(self.audiences()) or "none"
            raise UnknownAudience(f"there is no audience {name!r}; there are: {known}")
        return [_saved(row) for row in rows]

    def delete(self, name: str) -> None:
        """Forget an audience, its versions, history and exports.

        Raises:
            UnknownAudience: there is none of this name.
            AudienceError: another audience refers to it.
        """
        self.versions(name)
        users = [n for n, s in self.audiences().items() if name in references(s.definition.where)]
        if users:
            told = f"{', '.join(users)} refer to it; change or delete them first"
            raise AudienceError([(name, told)])
        with self._open() as connection:
            for table in ("versions", "refreshes", "exports"):
                connection.execute(f"DELETE FROM {table} WHERE name = ?", (name,))

    def refresh(
        self, saved: Saved, build: str, members: pl.Series | None, spend: float, problem: str = ""
    ) -> Refresh:
        """Add a line to an audience's history.

        Args:
            saved: the version that was evaluated.
            build: over which build.
            members: ids of the members; ``None`` where it could not be evaluated.
            spend: of all members.
            problem: why it could not.
        """
        with self._open() as connection:
            before = _members(connection, saved.name)
            added = removed = None
            if members is not None and before is not None:
                added = int((~members.is_in(before.implode())).sum())
                removed = len(before) + added - len(members)
            size, spent = (None, None) if members is None else (len(members), spend)
            row = (saved.version, build, _now(), size, spent, added, removed, problem)
            connection.execute(
                "INSERT INTO refreshes (name, version, build, at, size, spend, added, removed,"
                " problem, members) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (saved.name, *row, None if members is None else _packed(members)),
            )
            connection.execute(
                "UPDATE refreshes SET members = NULL WHERE name = ? AND id NOT IN (SELECT id FROM"
                " refreshes WHERE name = ? AND members IS NOT NULL ORDER BY id DESC LIMIT ?)",
                (saved.name, saved.name, self._keep),
            )
        return _refresh(row)

    def history(self, name: str) -> list[Refresh]:
        """All refreshes of an audience, oldest first."""
        rows = self._read(
            "SELECT version, build, at, size, spend, added, removed, problem FROM refreshes"
            " WHERE name = ? ORDER BY id",
            name,
        )
        return [_refresh(row) for row in rows]

    def members(self, name: str) -> pl.Series | None:
        """Ids of an audience's members at the latest refresh that worked; ``None`` before."""
        if not self.path.exists():
            return None
        with self._open() as connection:
            return _members(connection, name)

    def exported(
        self, saved: Saved, build: str, members: pl.Series, form: str, columns: Iterable[str]
    ) -> None:
        """Note that members left the house."""
        row = (saved.name, saved.version, build, _now(), form, json.dumps(list(columns)))
        with self._open() as connection:
            connection.execute(
                "INSERT INTO exports (name, version, build, at, form, columns, size, members)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, len(members), _packed(members)),
            )

    def exports(self, build: str) -> list[Exported]:
        """What left the house from ``build``, each version of an audience once."""
        rows = self._read(
            "SELECT name, version, members, max(id) FROM exports WHERE build = ?"
            " GROUP BY name, version",
            build,
        )
        return [Exported(name, version, _unpacked(members)) for name, version, members, _ in rows]

    def campaign(self, saved: Saved, build: str, members: pl.Series, held: HoldOut) -> None:
        """Note that members were exported for a campaign, some of them held out.

        Raises:
            OptionError: earlier exports of the campaign hold out another share.
        """
        row = (held.campaign, saved.name, saved.version, build, held.sent.isoformat(), held.share)
        with self._open() as connection:
            query = "SELECT share FROM campaigns WHERE name = ? LIMIT 1"
            before = connection.execute(query, (held.campaign,)).fetchone()
            if before and before[0] != held.share:
                told = f"campaign {held.campaign} holds out {before[0]:g}; keep it, or name another"
                raise OptionError("holdout", told)
            connection.execute(
                "INSERT INTO campaigns (name, audience, version, build, sent, share, members)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*row, _packed(members)),
            )

    def campaigns(self) -> list[Campaign]:
        """What was exported for campaigns, oldest first."""
        query = (
            "SELECT name, audience, version, build, sent, share, members FROM campaigns ORDER BY id"
        )
        return [
            Campaign(name, audience, version, build, datetime.fromisoformat(sent), share, ids)
            for name, audience, version, build, sent, share, blob in self._read(query)
            for ids in [_unpacked(blob)]
        ]

    def forget_campaign(self, name: str) -> None:
        """Forget the exports of a campaign."""
        with self._open() as connection:
            connection.execute("DELETE FROM campaigns WHERE name = ?", (name,))

    def suppress(self, user_ids: Iterable[str]) -> int:
        """Put customers on the suppression list; returns how many are new there."""
        rows = [(user_id, _now()) for user_id in dict.fromkeys(user_ids)]
        with self._open() as connection:
            _changed(connection)
            before = connection.total_changes
            connection.executemany("INSERT OR IGNORE INTO suppressed VALUES (?, ?)", rows)
            return connection.total_changes - before

    def allow(self, user_ids: Iterable[str]) -> int:
        """Take customers off the suppression list; returns how many were on it."""
        with self._open() as connection:
            _changed(connection)
            before = connection.total_changes
            rows = [(user_id,) for user_id in dict.fromkeys(user_ids)]
            connection.executemany("DELETE FROM suppressed WHERE user_id = ?", rows)
            return connection.total_changes - before

    def suppressed(self) -> list[str]:
        """Ids on the suppression list, sorted."""
        return [row[0] for row in self._read("SELECT user_id FROM suppressed ORDER BY user_id")]

    def erase(self, user_ids: Iterable[str]) -> int:
        """Take customers out of everything kept here, for good; returns how many are new."""
        gone = list(dict.fromkeys(user_ids))
        with self._open() as connection:
            _changed(connection)
            rows = [(_digest(user_id), _now()) for user_id in gone]
            before = connection.total_changes
            connection.executemany("INSERT OR IGNORE INTO erased VALUES (?, ?)", rows)
            new = connection.total_changes - before
            connection.executemany(
                "DELETE FROM suppressed WHERE user_id = ?", [(user_id,) for user_id in gone]
            )
            for table in ("refreshes", "exports", "campaigns"):
                _without(connection, table, gone)
        return new

    def state(self) -> tuple[Any, ...]:
        """Differs whenever someone was suppressed, allowed or erased in between."""
        rows = self._read("SELECT value FROM changes")
        return tuple(rows[0]) if rows else ()

    def barred(self, user_ids: pl.Series) -> pl.Series:
        """Those of ``user_ids`` that are suppressed or erased."""
        listed = user_ids.filter(
            user_ids.is_in(pl.Series(self.suppressed(), dtype=pl.String).implode())
        )
        digests = {row[0] for row in self._read("SELECT digest FROM erased")}
        if not digests:
            return listed
        erased = [user_id for user_id in user_ids if _digest(user_id) in digests]
        return pl.concat([listed, pl.Series(listed.name, erased, pl.String)]).unique()


def _changed(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE changes SET value = value + 1")


def _saved(row: Any) -> Saved:
    version, created, text = row
    return Saved(parse(json.loads(text)), version, datetime.fromisoformat(created))


def _refresh(row: Any) -> Refresh:
    version, build, at, *rest = row
    return Refresh(version, build, datetime.fromisoformat(at), *rest)


def _members(connection: sqlite3.Connection, name: str) -> pl.Series | None:
    """Members at the latest refresh that worked."""
    row = connection.execute(
        "SELECT members FROM refreshes WHERE name = ? AND members IS NOT NULL"
        " ORDER BY id DESC LIMIT 1",
        (name,),
    ).fetchone()
    return _unpacked(row[0]) if row else None


def _without(connection: sqlite3.Connection, table: str, user_ids: list[str]) -> None:
    """Rewrite the members kept in ``table`` without these customers."""
    gone = pl.Series(user_ids, dtype=pl.String).implode()
    query = f"SELECT id, members FROM {table} WHERE members IS NOT NULL"
    for place, blob in connection.execute(query).fetchall():
        members = _unpacked(blob)
        kept = members.filter(~members.is_in(gone))
        if len(kept) < len(members):
            connection.execute(
                f"UPDATE {table} SET members = ? WHERE id = ?", (_packed(kept), place)
            )


def _packed(members: pl.Series) -> bytes:
    out = io.BytesIO()
    members.rename("user_id").to_frame().write_parquet(out, compression="zstd")
    return out.getvalue()


def _unpacked(blob: bytes) -> pl.Series:
    return pl.read_parquet(io.BytesIO(blob))["user_id"]


def _digest(user_id: str) -> bytes:
    return hashlib.sha256(user_id.encode()).digest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
