"""``coterie experiments``: two ways to make lists, side by side, and what came of each."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from cli.experiment_views import experiment_row, print_experiments, print_results
from cli.options import (
    DEFAULT_HOME,
    ConfigOption,
    HomeOption,
    JsonOption,
    StoreOption,
    at_home,
    settings,
)
from cli.output import emit_json, out, table
from experiments.definition import Metric, parse
from experiments.plan import Wish, needed
from experiments.register import Experiment
from loaders.errors import ExperimentError
from pipeline.experiments import ExperimentDesk

__all__ = ["register"]

HELP = """Show some visitors other lists than others, and see who clicks and buys.

Example: `coterie experiments create home.toml`
"""

experiments = typer.Typer(no_args_is_help=True, help=HELP)

Id = Annotated[str, typer.Argument(help="Id of the experiment.")]
File = Annotated[Path, typer.Argument(help="A definition, .toml or .json.")]


def _desk(home: Path, config: Path | None, store: str | None = None) -> ExperimentDesk:
    place = at_home(home, store)
    return ExperimentDesk(place, settings(place, config).experiments)


def _told(desk: ExperimentDesk, one: Experiment, json: bool) -> None:
    """Where an experiment stands."""
    row = experiment_row(one, desk.ledger.units().get(one.id, 0), desk.problem(one))
    if json:
        emit_json(row)
    else:
        print_experiments([row])


@experiments.command("list")
def list_(
    home: HomeOption = DEFAULT_HOME, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """List all experiments and where they stand.

    Example: `coterie experiments list`
    """
    desk = _desk(home, config)
    units = desk.ledger.units()
    found = desk.all().values()
    rows = [experiment_row(one, units.get(one.id, 0), desk.problem(one)) for one in found]
    if json:
        emit_json(rows)
    else:
        print_experiments(rows)


@experiments.command()
def show(
    experiment: Id,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show an experiment's definition and versions.

    Example: `coterie experiments show home-discover`
    """
    one = _desk(home, config).get(experiment)
    if json:
        emit_json(one.model_dump(mode="json"))
        return
    lines = [(v.version, f"{v.at:%Y-%m-%d %H:%M}") for v in one.versions]
    table(f"{one.id}: {one.state}", ("version", "saved"), lines, ("version",))
    out.print(one.definition.model_dump_json(indent=2, exclude_defaults=True))


@experiments.command()
def create(
    file: File,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Save a definition, as a draft or as the next version where its id is taken.

    Example: `coterie experiments create home.toml`
    """
    desk, wanted = _desk(home, config), parse(file)
    save = desk.change if wanted.id in desk.all() else desk.create
    _told(desk, save(wanted), json)


@experiments.command()
def start(
    experiment: Id,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Let visitors in; running servers do so within a second.

    Example: `coterie experiments start home-discover`
    """
    desk = _desk(home, config)
    _told(desk, desk.start(experiment), json)


@experiments.command()
def stop(
    experiment: Id,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Let nobody in any more, for good; what follows earlier exposures still counts.

    Example: `coterie experiments stop home-discover`
    """
    desk = _desk(home, config)
    _told(desk, desk.stop(experiment), json)


@experiments.command()
def delete(
    experiment: Id,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Forget an experiment with its versions, exposures and clicks; not while it runs.

    Example: `coterie experiments delete home-discover`
    """
    _desk(home, config).delete(experiment)
    if json:
        emit_json({"deleted": experiment})
    else:
        out.print(f"deleted {experiment}")


@experiments.command()
def results(
    experiment: Id,
    home: HomeOption = DEFAULT_HOME,
    store: StoreOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Tell what came of each variant, and whether they differ.

    Example: `coterie experiments results home-discover`
    """
    found = _desk(home, config, store).results(experiment)
    if json:
        emit_json(found.plain())
    else:
        print_results(experiment, found)


@experiments.command()
def plan(
    baseline: Annotated[
        float, typer.Option(help="What it is now: a share, or revenue of a visitor.")
    ],
    effect: Annotated[
        float, typer.Option(help="Least relative change worth finding: 0.1 is 10 %.")
    ] = 0.1,
    metric: Annotated[Metric, typer.Option(help="The figure that decides.")] = "conversion",
    deviation: Annotated[
        float | None, typer.Option(help="Standard deviation of a visitor's revenue.")
    ] = None,
    power: Annotated[float, typer.Option(help="Chance of finding it where it is.")] = 0.8,
    alpha: Annotated[float, typer.Option(help="Chance of finding one where there is none.")] = 0.05,
    variants: Annotated[int, typer.Option(help="How many, the control among them.")] = 2,
    per_day: Annotated[
        float | None, typer.Option(help="Visitors a day who would take part.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Tell how many visitors it takes to find an effect.

    Example: `coterie experiments plan --baseline 0.04 --effect 0.1 --per-day 10000`
    """
    values = {
        "baseline": baseline,
        "effect": effect,
        "metric": metric,
        "deviation": deviation,
        "power": power,
        "alpha": alpha,
        "variants": variants,
        "units_per_day": per_day,
    }
    try:
        found = needed(Wish.model_validate(values))
    except ValidationError as error:
        wrong = [(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
        raise ExperimentError(wrong) from error
    if json:
        emit_json(asdict(found))
        return
    days = f", {found.days:,.1f} days" if found.days is not None else ""
    out.print(f"{found.units_per_variant:,} visitors a variant, {found.units:,} in all{days}")
    once = f"{found.fixed_units_per_variant:,} a variant"
    out.print(f"looking once, at an end set beforehand: {once}")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(experiments, name="experiments")
