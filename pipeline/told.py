"""``Told``: how far a running build is, in a file of the home that a server shows to people.

HOME/build.json is replaced at most twice a second; the lock tells whether the build still runs.
"""

from __future__ import annotations

import fcntl
import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from loaders.progress import Progress
from pipeline.home import Home, write_atomically

__all__ = ["BuildTold", "noted", "told_of_build"]

EVERY_SECONDS: Final = 0.5
MOST_STAGES: Final = 60


@dataclass(frozen=True)
class BuildTold:
    """What a build said last.

    Attributes:
        running: it goes on.
        stage, done, total: where it is; ``total`` 0 while unknown, no stage before the first.
        started, told: ISO 8601, UTC.
        stages: names of those before, oldest first.
    """

    running: bool
    stage: str | None = None
    done: int = 0
    total: int = 0
    started: str | None = None
    told: str | None = None
    stages: tuple[str, ...] = ()


def _file(home: Home) -> Path:
    return home.path / "build.json"


def noted(home: Home, progress: Progress) -> Progress:
    """``progress`` that also writes to the home where the build is."""
    started, stages = _now(), [""]
    last = 0.0

    def tell(stage: str, done: int, total: int) -> None:
        nonlocal last
        progress(stage, done, total)
        # What follows a colon is detail of one stage, such as the loss of an epoch.
        name = stage.partition(":")[0]
        new = name != stages[-1]
        if new:
            stages.append(name)
        if not new and time.monotonic() - last < EVERY_SECONDS:
            return
        last = time.monotonic()
        before = tuple(stages[1:-1][-MOST_STAGES:])
        told = BuildTold(True, stage, done, total, started, _now(), before)
        write_atomically(_file(home), json.dumps(asdict(told)))

    return tell


def told_of_build(home: Home) -> BuildTold:
    """What the latest build said; nothing where there was none."""
    try:
        found: dict[str, Any] = json.loads(_file(home).read_text("utf-8"))
        return BuildTold(**(found | {"running": _running(home), "stages": tuple(found["stages"])}))
    except (OSError, ValueError, TypeError, KeyError):
        return BuildTold(_running(home))


def _running(home: Home) -> bool:
    """Whether a process holds the right to build, which it loses when it dies."""
    try:
        with (home.path / "build.lock").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
