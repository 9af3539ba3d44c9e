"""How commands speak: tables and progress bars for people, one JSON document for machines.

With ``--json`` the document is all of stdout; everything else goes to stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_json
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from loaders.progress import Progress as ProgressCall

__all__ = ["emit_json", "emitted", "err", "out", "progress_bars", "table"]

# A title such as "Cola [/b] :smile:" is a shop's own text and no markup.
out = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)


def emit_json(document: Any) -> None:
    """Write one JSON document to stdout, values as in the HTTP API; not-a-number becomes null."""
    text = to_json(document, indent=2, inf_nan_mode="null", bytes_mode="base64", fallback=str)
    sys.stdout.write(text.decode() + "\n")


def emitted(answer: BaseModel, json: bool) -> bool:
    """Print ``answer`` as JSON where that is asked for; whether it was."""
    if json:
        emit_json(answer.model_dump(mode="json"))
    return json


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], numbers: Sequence[str] = ()
) -> None:
    """Print rows under ``columns``; those named in ``numbers`` are aligned right."""
    drawn = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    for column in columns:
        drawn.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*("" if cell is None else str(cell) for cell in row))
    out.print(drawn)


@contextmanager
def progress_bars() -> Iterator[ProgressCall]:
    """A progress callable that draws one bar a stage on a terminal, and lines elsewhere."""
    if not err.is_terminal:
        yield _lines()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err) as bars:
        yield _drawn(bars)


def _stage(stage: str) -> str:
    """What names a bar: the text before the first colon; the rest is what changes."""
    return stage.split(":", 1)[0]


def _drawn(bars: Progress) -> ProgressCall:
    tasks: dict[str, TaskID] = {}

    def report(stage: str, done: int, total: int) -> None:
        key = _stage(stage)
        if key not in tasks:
            tasks[key] = bars.add_task(key, total=None, count="")
        count = f"{done:,} of {total:,}" if total else ""
        bars.update(tasks[key], description=stage, completed=done, total=total or None, count=count)

    return report


def _lines() -> ProgressCall:
    seen: set[str] = set()

    def report(stage: str, done: int, total: int) -> None:
        key = _stage(stage)
        if key not in seen:
            seen.add(key)
            err.print(f"{key} ...")

    return report
