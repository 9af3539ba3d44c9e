"""``MerchandisingDesk``: a shop's merchandising rules in one file, with all their versions.

The file is replaced in one step, so a reader finds the old or the new rules whole; servers look at
it twice a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from graph.locks import FileGate
from loaders.errors import ConfigError, MerchandisingError, UnknownMerchandising
from pipeline.home import Home, write_atomically
from ranking.merchandising import MerchandisingRule, Saved

__all__ = ["MOST_RULES", "MerchandisingDesk"]

WAIT_SECONDS: Final = 10.0
MOST_RULES: Final = 500
"""Of a shop: each costs a request a little."""


class _Book(BaseModel):
    """All rules of a shop, in the order they were made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: tuple[Saved, ...] = ()


class MerchandisingDesk:
    """Merchandising rules of one shop.

    Args:
        home: the shop.
        clock: gives the time, UTC.
    """

    def __init__(
        self, home: Home, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._path, self._clock = home.path / "merchandising.json", clock

    def stamp(self) -> tuple[int, int] | None:
        """Differs whenever a rule was changed in between; ``None`` where there never was one."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_ino

    def all(self) -> dict[str, Saved]:
        """All rules by id, oldest first.

        Raises:
            ConfigError: the file cannot be read.
        """
        try:
            found = _Book.model_validate_json(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            raise ConfigError(
                f"the merchandising rules in {self._path} cannot be read ({type(error).__name__}); "
                "restore the file from a backup"
            ) from error
        return {saved.rule.id: saved for saved in found.rules}

    def get(self, rule: str) -> Saved:
        """One of them.

        Raises:
            UnknownMerchandising: there is none of this id.
        """
        return _known(self.all(), rule)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Saved]]:
        """The rules as they are now, written back at the end of the block."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with FileGate(self._path, WAIT_SECONDS).alone():
            found = self.all()
            yield found
            whole = _Book(rules=tuple(found.values()))
            write_atomically(self._path, whole.model_dump_json(indent=1) + "\n")

    def put(self, rule: MerchandisingRule, by: str | None = None) -> Saved:
        """Save a rule, as a new one or as the next version of the one of its id.

        Args:
            rule: as it is to be.
            by: who wants it so.

        Raises:
            MerchandisingError: there are too many rules.
        """
        with self._changing() as found:
            before = found.get(rule.id)
            if before is None and len(found) >= MOST_RULES:
                told = f"there are {MOST_RULES} rules already; delete those that have ended"
                raise MerchandisingError([("id", told)])
            now = self._clock()
            saved = before.changed(rule, now, by) if before else Saved.new(rule, now, by)
            found[rule.id] = saved
        return saved

    def delete(self, rule: str) -> None:
        """Forget a rule and its versions.

        Raises:
            UnknownMerchandising: there is none of this id.
        """
        with self._changing() as found:
            _known(found, rule)
            del found[rule]


def _known(found: dict[str, Saved], rule: str) -> Saved:
    if rule not in found:
        known = ", ".join(found) or "none"
        raise UnknownMerchandising(f"there is no merchandising rule {rule!r}; there are: {known}")
    return found[rule]
