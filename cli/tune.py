"""``coterie tune``: search settings on the validation window and write the best to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.options import (
    DEFAULT_HOME,
    ConfigOption,
    HomeOption,
    JsonOption,
    StoreOption,
    at_home,
    settings,
)
from cli.output import emit_json, out, progress_bars, table
from pipeline.build import read_home
from pipeline.config import read_settings
from pipeline.home import write_atomically

__all__ = ["register"]


def tune(
    minutes: Annotated[
        float,
        typer.Option(min=0, help="Time for all methods together, over all runs; equal shares."),
    ] = 30.0,
    trials: Annotated[
        int, typer.Option(min=0, max=10_000, help="Most settings tried of each method.")
    ] = 100,
    method: Annotated[
        list[str] | None,
        typer.Option(help="Tune this one, by its name in the tables; may be given again."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="File to write; by default HOME/tuned.toml.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    store: StoreOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Search the settings of each method on the validation window, and write down the best.

    The window before the test window decides, so that `coterie evaluate` tells afterwards what it
    is worth. After Ctrl-C the same command goes on with the time that is left; with more --minutes,
    longer. Needs the extra `learn`.

    Example: `coterie tune --minutes 30`

    Example: `coterie tune --method EASE --method LightGCN --trials 20`

    Example: `coterie build --config tuned.toml`
    """
    from pipeline.tune import best_settings, settings_text
    from pipeline.tune import tune as run_tune

    place = at_home(home, store)
    chosen = settings(place, config)
    with progress_bars() as progress:
        found = run_tune(
            read_home(place),
            chosen,
            place,
            minutes=minutes,
            trials=trials,
            methods=method or (),
            progress=progress,
        )
    path = output or place.path / "tuned.toml"
    before = read_settings(config or place.path / "coterie.toml")
    write_atomically(path, settings_text(found, before))
    if json:
        tried = [t.to_json() for t in found]
        emit_json({"methods": tried, "settings": best_settings(found), "file": path})
        return
    rows = [
        (
            t.method,
            t.mode,
            f"{t.as_set:.4f}",
            f"{t.best:.4f}",
            str(t.trials),
            f"{t.seconds:.0f} s",
            ", ".join(f"{k} = {_short(v)}" for k, v in t.settings.items()) or "as set",
        )
        for t in found
    ]
    columns = ("method", "mode", "as set", "best", "trials", "time", "settings")
    table("NDCG on the validation window", columns, rows, columns[2:6])
    out.print(f"written to {path}; use it: coterie build --config {path}")


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(tune)
