"""``KeyFile``: the keys of one shop, kept as hashes in a file of its home.

A key is ``coterie_ID_SECRET``. Its secret is 256 random bits, so one SHA-256 is as good as a slow
hash: there is no dictionary to try. What the file holds opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from graph.locks import FileGate
from loaders.errors import ConfigError
from pipeline.home import write_atomically

__all__ = ["SCOPES", "Key", "KeyFile", "Scope", "key_file"]

_log = logging.getLogger("coterie.api")

Scope = Literal["storefront", "analyst", "marketer", "admin", "metrics"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
"""``storefront`` may be public: lists and events. ``analyst`` asks Cypher, ``marketer`` sees
customers and segments, ``admin`` changes what is published, ``metrics`` sees how a server does."""
PREFIX: Final = "coterie"
WAIT_SECONDS: Final = 10.0


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Key(_Model):
    """What is known of a key; its secret is not."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    origins: tuple[str, ...] = ()
    per_minute: int = Field(ge=1)
    created: datetime
    expires: datetime | None = None
    digest: str = Field(repr=False)
    earlier_digest: str | None = Field(default=None, repr=False)
    earlier_until: datetime | None = None

    def opens(self, secret: str, now: datetime) -> bool:
        """Whether ``secret`` is this key's, or was until a rotation whose grace goes on."""
        found = _digest(secret)
        fits = hmac.compare_digest(found, self.digest)
        if self.earlier_digest and self.earlier_until and now < self.earlier_until:
            fits |= hmac.compare_digest(found, self.earlier_digest)
        return fits and (self.expires is None or now < self.expires)


class _Keys(_Model):
    keys: tuple[Key, ...] = ()


_NOBODY: Final = Key(id="", name="", scopes=(), per_minute=1, created=datetime.min, digest="0" * 64)


def key_file(home: Path) -> Path:
    """The keys of the shop that lives in ``home``."""
    return home / "keys.json"


class KeyFile:
    """Keys in a file, read again whenever it changes.

    Args:
        path: the file; it need not exist.

    Raises:
        ConfigError: the file is there and cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._stamp()
        self._keys = self._read()

    def all(self) -> Sequence[Key]:
        """All keys, oldest first."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._keys = self._read()
            except ConfigError as error:  # those who were let in before still are
                _log.error("%s", error)
        return tuple(self._keys.values())

    def find(self, token: str) -> Key | None:
        """The key that ``token`` is, or ``None``; takes as long whether or not its id is known."""
        self.all()
        prefix, _, rest = token.partition("_")
        key_id, _, secret = rest.partition("_")
        key = self._keys.get(key_id, _NOBODY)
        fits = key.opens(secret, datetime.now(UTC))
        return key if fits and prefix == PREFIX and key is not _NOBODY else None

    def create(
        self,
        name: str,
        scopes: Sequence[Scope],
        *,
        origins: Sequence[str] = (),
        per_minute: int,
        days: float | None = None,
    ) -> tuple[Key, str]:
        """A new key, and the token that opens, which cannot be had again."""
        now, secret = datetime.now(UTC), secrets.token_hex(32)
        key = Key(
            id=secrets.token_hex(4),
            name=name,
            scopes=tuple(dict.fromkeys(scopes)),
            origins=tuple(dict.fromkeys(_origin(o) for o in origins)),
            per_minute=per_minute,
            created=now,
            expires=now + timedelta(days=days) if days else None,
            digest=_digest(secret),
        )
        with self._changing() as keys:
            keys[key.id] = key
        return key, _token(key.id, secret)

    def rotate(self, key_id: str, grace_hours: float) -> tuple[Key, str]:
        """A new secret for a key; the one before opens for ``grace_hours`` more.

        Raises:
            ConfigError: there is no such key.
        """
        secret = secrets.token_hex(32)
        with self._changing() as keys:
            key = self._known(keys, key_id)
            changes = {
                "digest": _digest(secret),
                "earlier_digest": key.digest,
                "earlier_until": datetime.now(UTC) + timedelta(hours=grace_hours),
            }
            keys[key_id] = key = key.model_copy(update=changes)
        return key, _token(key_id, secret)

    def revoke(self, key_id: str) -> Key:
        """Take a key away at once.

        Raises:
            ConfigError: there is no such key.
        """
        with self._changing() as keys:
            key = self._known(keys, key_id)
            del keys[key_id]
        return key

    def _known(self, keys: dict[str, Key], key_id: str) -> Key:
        if key_id not in keys:
            known = ", ".join(keys) or "none"
            raise ConfigError(f"no key has the id '{key_id}'; there are: {known}")
        return keys[key_id]

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Key]]:
        """The keys as they are now, written back at the end of the block."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with FileGate(self._path, WAIT_SECONDS).alone():
            keys = self._read()
            yield keys
            whole = _Keys(keys=tuple(keys.values()))
            write_atomically(self._path, whole.model_dump_json(indent=1) + "\n")
            self._keys, self._seen = keys, self._stamp()

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns

    def _read(self) -> dict[str, Key]:
        try:
            text = self._path.read_text(encoding="utf-8")
            return {key.id: key for key in _Keys.model_validate_json(text).keys}
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            raise ConfigError(
                f"the keys in {self._path} cannot be read ({type(error).__name__}); restore the "
                "file from a backup, or delete it and create new keys"
            ) from error


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _token(key_id: str, secret: str) -> str:
    return f"{PREFIX}_{key_id}_{secret}"


def _origin(text: str) -> str:
    """An origin as browsers send it: scheme and host, no path.

    Raises:
        ConfigError: it is not one.
    """
    scheme, mark, host = text.strip().rstrip("/").lower().partition("://")
    if not mark or scheme not in ("http", "https") or not host or set(host) & set("/*? "):
        raise ConfigError(f"'{text}' is no origin; give scheme and host, like https://shop.example")
    return f"{scheme}://{host}"
