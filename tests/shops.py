"""Whole homes for end-to-end tests: small shops, settings that learn in seconds, one command line.

``fresh`` makes a home from any data set; the session's ``built`` (in ``conftest.py``) is built once
and only read; who changes a home takes a copy of it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl

from cli import output
from cli.main import main
from graph.open import open_store
from graph.write import write_dataset
from loaders.dataset import Dataset
from loaders.report import LoadReport
from pipeline.config import Config, load_config
from pipeline.home import Home

ROOT = Path(__file__).parent.parent
for _console in (output.out, output.err):  # wide enough for whole sentences, wherever it was made
    _console.width = 200
SMALL = """
[gnn]
epochs = 3
dim = 16

[evaluation]
bootstrap = 50
window_days = 30

[segments]
runs = 2
resolutions = [0.5, 1.0]
"""
START = datetime(2024, 1, 1, tzinfo=UTC)

Line = tuple[str, str, float, str | None]
"""User, product, day of 2024 from 0, order."""


def shop_of(
    lines: Iterable[Line],
    *,
    event: str = "purchase",
    value: float | None = 2.0,
    users: pl.DataFrame | None = None,
    products: pl.DataFrame | None = None,
    categories: pl.DataFrame | None = None,
) -> Dataset:
    """A data set of events written by hand, each worth ``value``."""
    rows = [
        {
            "event_id": f"e{i}",
            "event": event,
            "user_id": user,
            "product_id": product,
            "at": START + timedelta(days=day),
            "value": value,
            "order_id": order,
            "rating": 4.0 if event == "rate" else None,
        }
        for i, (user, product, day, order) in enumerate(lines)
    ]
    types = {"value": pl.Float64, "order_id": pl.String, "rating": pl.Float64}
    events = pl.DataFrame(rows, schema_overrides=types)
    others = {} if categories is None else {"categories": categories}
    report = LoadReport("by hand", len(rows), len(rows))
    return Dataset.of(events, report, users=users, products=products, **others)


def fresh(path: Path, data: Dataset, settings: str = SMALL) -> Home:
    """A home with ``data`` in its store and ``settings``; nothing built."""
    home = Home(path)
    home.store.parent.mkdir(parents=True)
    (path / "coterie.toml").write_text(settings)
    with open_store(home.store) as store:
        write_dataset(store, data)
    return home


def config_of(home: Home) -> Config:
    """The home's settings."""
    return load_config(home.path / "coterie.toml")


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout; not-a-number is none of JSON."""
        return json.loads(self.out, parse_constant=_refuse)


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def coterie(*arguments: str | Path) -> Ran:
    """Run a command in this process, as the console script does."""
    out, err = io.StringIO(), io.StringIO()
    code: Any = 0
    with (
        mock.patch.object(sys, "argv", ["coterie", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as stop:
            code = stop.code
    return Ran(code or 0, out.getvalue(), err.getvalue())


def environment() -> dict[str, str]:
    """This process's environment, with this checkout first on the path."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def process(
    arguments: Sequence[str | Path], cwd: Path | None = None, **options: Any
) -> subprocess.Popen[str]:
    """Start a command in a process of its own, to be killed or talked to."""
    return subprocess.Popen(
        [sys.executable, "-m", "cli.main", *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
