"""``coterie rules mine | show | explain``: what is bought together, and the evidence for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import polars as pl
import typer

from cli.ask import open_service
from cli.options import DEFAULT_HOME, ConfigOption, HomeOption, JsonOption, at_home, settings
from cli.output import emit_json, out, progress_bars, table
from graph.shop import Shop
from loaders.errors import ConfigError, UnknownProduct, UnknownSegment
from pipeline.build import read_home
from pipeline.home import Home
from pipeline.snapshot import Snapshot
from rules.baskets import Baskets
from rules.config import RulesConfig
from rules.contrast import CONTRAST, segment_rules
from rules.derive import closed, maximal
from rules.mine import level_baskets, level_itemsets, level_names, mine_level, mine_sequences
from rules.mixed import Mixed
from rules.shuffle import shuffled
from rules.table import THEN, TOGETHER

__all__ = ["register"]

HELP = """Mine, list and explain association rules.

Example: `coterie rules show 1029743`
"""

rules = typer.Typer(no_args_is_help=True, help=HELP)

Kind = Literal["together", "then"]
Sets = Literal["closed", "maximal"]
SHOWN = ("count", "support", "confidence", "lift", "q_value", "later_confidence", "segments_held")
BESIDE = (
    "support",
    "shop_support",
    "confidence",
    "shop_confidence",
    "times_as_sure",
    "difference_q",
)
"""What a segment's rules show; the file has all columns."""
LEVEL = "product, category:0 and so on, brand, or mixed."


@rules.command()
def mine(
    level: Annotated[str, typer.Option(help=LEVEL)] = "product",
    kind: Annotated[
        Kind, typer.Option(help="Bought together in a basket, or one then the other.")
    ] = TOGETHER,
    segment: Annotated[
        str | None,
        typer.Option(help="Id of a segment: its own rules, beside the whole shop."),
    ] = None,
    sets: Annotated[
        Sets | None, typer.Option(help="List condensed frequent sets instead of rules.")
    ] = None,
    shuffle: Annotated[
        bool, typer.Option("--shuffle", help="Shuffle the baskets first: what chance alone gives.")
    ] = False,
    k: Annotated[int, typer.Option(min=1, help="How many to print.")] = 20,
    output: Annotated[
        Path | None, typer.Option(help="Write all of them to this Parquet file.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Mine one level afresh from the store, by the settings of section `rules`.

    Nothing is published; a build does that. All days are used, so nothing is held out.

    Example: `coterie rules mine --level mixed`

    Example: `coterie rules mine --segment segment-2 --output segment-2.parquet`
    """
    place = at_home(home)
    chosen = settings(place, config).rules
    with progress_bars() as progress:
        progress("mine rules", 0, 1)
        shop = read_home(place)
        baskets, mixed = _level(shop, chosen, level)
        baskets = shuffled(baskets) if shuffle else baskets
        if sets:
            found = _sets(baskets, chosen, sets)
        elif segment:
            # Row -1 is a visitor, who is in no segment; as an index it would be the last customer.
            inside = _members(place, shop, segment)[baskets.users] & (baskets.users >= 0)
            found = segment_rules(baskets, inside, chosen, mixed)
        elif kind == THEN:
            found = mine_sequences(baskets, chosen)
        else:
            found = mine_level(baskets, chosen, mixed=mixed)
        progress("mine rules", 1, 1)
    if output:
        found.write_parquet(output)
    _print(found, f"{level}: {len(found):,} found in {len(baskets):,} baskets", k, json)


def _level(shop: Shop, config: RulesConfig, level: str) -> tuple[Baskets, Mixed | None]:
    known = level_names(shop, config)
    if level not in known:
        raise ConfigError(f"there is no level {level!r} to mine; there are: {', '.join(known)}")
    return next((baskets, mixed) for _, baskets, mixed in level_baskets(shop, config, level))


def _sets(baskets: Baskets, config: RulesConfig, kind: Sets) -> pl.DataFrame:
    """Condensed sets up to the longest rule, told apart by sets one longer still."""
    longer = config.model_copy(update={"max_length": config.max_length + 1})
    condense = closed if kind == "closed" else maximal
    itemsets = condense(level_itemsets(baskets, longer)[0]).up_to(config.max_length)
    rows = [
        (baskets.items.to_ids(list(items)), count) for items, count in itemsets.to_dict().items()
    ]
    found = pl.DataFrame(rows, schema=["items", "count"], orient="row")
    return found.sort("count", descending=True)


def _members(home: Home, shop: Shop, segment: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which users of ``shop`` are in a segment of the published build, bool [n_users]."""
    snapshot = Snapshot.load(home.snapshot())
    known = [s.id for s in snapshot.segmentation.segments]
    if segment not in known:
        raise UnknownSegment(f"no segment has the id {segment!r}; there are: {', '.join(known)}")
    members = snapshot.users.filter(pl.Series(snapshot.segmentation.member == known.index(segment)))
    return shop.graph.users.ids.is_in(members["user_id"].implode()).to_numpy()


@rules.command()
def show(
    product_id: Annotated[
        str | None, typer.Argument(help="A product: what orders with it also hold.")
    ] = None,
    level: Annotated[str, typer.Option(help=f"Without a product: {LEVEL}")] = "product",
    kind: Annotated[
        Kind, typer.Option(help="Bought together in a basket, or one then the other.")
    ] = TOGETHER,
    k: Annotated[int, typer.Option(min=1, max=1000, help="Length of the list.")] = 10,
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> None:
    """List the published rules, of one product or of a level, with their evidence.

    Example: `coterie rules show 1029743`

    Example: `coterie rules show --level category:1 --kind then`
    """
    if product_id is None:
        snapshot = Snapshot.load(at_home(home).snapshot())
        found = snapshot.rules.level(level, kind)
        _print(found, f"Rules of level {level} ({kind})", k, json)
        return
    answer = open_service(home).bought_together(product_id, min(k, 100))
    if json:
        emit_json(answer.model_dump(mode="json"))
        return
    lines = [
        (
            i.product.product_id,
            i.product.title,
            f"{i.orders:,}",
            f"{i.support:.4f}",
            f"{i.confidence:.0%}",
            f"{i.lift:.1f}",
            _cell(i.evidence.get("later_confidence"), "later_confidence"),
        )
        for i in answer.items
    ]
    columns = ("product", "title", "orders", "support", "confidence", "lift", "last month")
    title = f"Bought together with {answer.product.title} ({product_id})"
    table(title, columns, lines, columns[2:])


@rules.command()
def explain(
    items: Annotated[
        list[str], typer.Argument(help="Products of the rule; the last is what it leads to.")
    ],
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> None:
    """Tell all that is known of one published rule between products.

    Example: `coterie rules explain 1029743 981760`
    """
    snapshot = Snapshot.load(at_home(home).snapshot())
    *antecedent, consequent = items
    for item in items:
        if item not in snapshot.product_ids:
            raise UnknownProduct(f"no product has the id {item!r}")
    rule = snapshot.rules.index.find(antecedent, consequent)
    if json:
        emit_json(
            {
                "antecedent": antecedent,
                "consequent": consequent,
                "measures": dict(rule.measures) if rule else None,
            }
        )
    elif rule is None:
        out.print("No rule leads from these to the last: too rare, or explained by chance.")
    else:
        _tell(rule.measures, snapshot.rules.baskets["product"])


def _tell(m: Mapping[str, float | None], baskets: int) -> None:
    """A rule in sentences made of its measures alone."""
    v = {name: value if value is not None else float("nan") for name, value in m.items()}
    out.print(
        f"{v['count']:,.0f} of {baskets:,} orders hold all of them ({v['support']:.3%}): "
        f"{v['confidence']:.1%} of those with the first, {v['lift']:.2f} times the usual share."
    )
    out.print(f"By chance: p = {v['p_value']:.2g}, q = {v['q_value']:.2g} for all rules tried.")
    if m["later_confidence"] is not None:
        out.print(
            f"In the last month, which it was not found in: {v['later_confidence']:.1%} of "
            f"{v['later_baskets']:,.0f} orders ({v['later_low']:.1%} to {v['later_high']:.1%})."
        )
    if m["segments_tested"]:
        out.print(
            f"Above chance in {v['segments_held']:.0f} of {v['segments_tested']:.0f} segments with "
            f"enough orders; lift inside segments {v['lift_within']:.2f}."
        )
    rest = ("leverage", "conviction", "zhang", "kulczynski", "imbalance")
    out.print(", ".join(f"{name} {v[name]:.4g}" for name in rest if m[name] is not None) + ".")


def _print(found: pl.DataFrame, title: str, k: int, json: bool) -> None:
    """The first ``k`` lines of rules or sets."""
    if json:
        emit_json(found.head(k).to_dicts())
        return
    lists = [name for name in ("items", "antecedent", "consequent") if name in found.columns]
    wanted = BESIDE if CONTRAST[0] in found.columns else (*SHOWN, "wait_days")
    numbers = [c for c in wanted if c in found.columns and found[c].null_count() < len(found)]
    lines = [
        (*(" + ".join(row[c]) for c in lists), *(_cell(row[c], c) for c in numbers))
        for row in found.head(k).iter_rows(named=True)
    ]
    table(title, [*lists, *numbers], lines, numbers)


def _cell(value: Any, name: str) -> str:
    if value is None:
        return ""
    if name.endswith("confidence"):
        return f"{value:.1%}"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(rules, name="rules")
