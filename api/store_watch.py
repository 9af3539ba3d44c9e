"""``StoreWatch``: whether the graph store answers, known at any time without asking it.

A thread asks every few seconds. A store that hangs holds up that thread only, and from how long it
has been waiting the watch knows that the store hangs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from graph.neo4j_address import is_address
from graph.open import open_store
from loaders.errors import ConfigError, CoterieError

__all__ = ["StoreWatch", "asked"]

PATIENCE_SECONDS: Final = 5.0
"""A store that takes longer to say anything counts as away."""


def asked(uri: str | Path) -> None:
    """Ask the store at ``uri`` for as little as can be.

    Raises:
        CoterieError: it does not answer, or there is none.
    """
    if not is_address(uri):
        # A file needs no more: whoever reads it opens it, and waits for a writer's commit.
        if not Path(uri).exists():
            raise ConfigError(f"there is no store at {uri}; the first event makes one")
        return
    with open_store(uri, read_only=True) as store:
        store.query("RETURN 1 AS one")


class StoreWatch:
    """Knows what the store at ``uri`` answered last.

    Args:
        uri: path of an embedded store, or address of a server.
        every: seconds between two questions.
        ask: asks the store; raises where it does not answer.
    """

    def __init__(
        self,
        uri: str | Path,
        every: float,
        ask: Callable[[str | Path], None] = asked,
    ) -> None:
        self._uri, self._every, self._ask = uri, every, ask
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store watch", daemon=True)
        self._trouble = ""
        self._asking_since: float | None = None

    @property
    def trouble(self) -> str:
        """What is wrong with the store, in a sentence; empty where nothing is."""
        since = self._asking_since
        waited = 0.0 if since is None else time.monotonic() - since
        if waited > PATIENCE_SECONDS:
            return f"the store has not answered for {waited:.0f} seconds"
        return self._trouble

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self, seconds: float = 2.0) -> None:
        """End; a store that hangs is not waited for."""
        self._stop.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            self._asking_since = time.monotonic()
            self._trouble = self._answer()
            self._asking_since = None
            if self._stop.wait(self._every):
                return

    def _answer(self) -> str:
        try:
            self._ask(self._uri)
        except CoterieError as error:
            return str(error)
        except Exception as error:  # whatever it is, the watch goes on
            return f"the store cannot be asked: {error}"
        return ""
