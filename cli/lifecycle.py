"""``coterie lifecycle | demand``: where customers stand and why, and what will be asked for."""

from __future__ import annotations

from typing import Annotated, Any

import polars as pl
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
from cli.output import emit_json, out, table
from lifecycle.drivers import explain_driver
from lifecycle.stages import STAGES, explain_stage
from loaders.errors import UnknownUser
from pipeline.build import read_home
from pipeline.demand import foresee_shop_demand
from pipeline.snapshot import read_customers, read_manifest

__all__ = ["register"]


def lifecycle(
    customer: Annotated[
        str | None, typer.Option(help="Explain one customer, by the shop's own id.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    json: JsonOption = False,
) -> None:
    """Show how many customers are in each stage and what they are worth, or explain one.

    Stages, value and risk are as of the last event that the published build has seen.

    Example: `coterie lifecycle`

    Example: `coterie lifecycle --customer 1228`
    """
    folder = at_home(home).snapshot()
    customers, facts = read_customers(folder), read_manifest(folder).lifecycle
    if customer is not None:
        _explain(customers, customer, facts, json)
        return
    stages = _stages(customers)
    if json:
        emit_json({"facts": facts, "stages": stages.to_dicts()})
        return
    table(
        f"Stages, and what is expected within {facts['horizon_days']:g} days",
        ("stage", "customers", "share", "orders", "value", "value each", "churn risk"),
        [_line(row) for row in stages.iter_rows(named=True)],
        ("customers", "share", "orders", "value", "value each", "churn risk"),
    )
    out.print(
        f"churn risk: no purchase within {facts['churn_days']:g} days, of customers who bought "
        f"within {facts['active_days']:g}; value by {facts['value_model']}, risk by "
        f"{facts['churn_model'] or 'nothing: ' + facts['churn_not_learned']}"
    )


def _stages(customers: pl.DataFrame) -> pl.DataFrame:
    """One row a stage, in the order of a life."""
    found = (
        customers.drop_nulls("stage")
        .group_by("stage")
        .agg(
            customers=pl.len(),
            expected_orders=pl.col("expected_orders").sum(),
            expected_value=pl.col("expected_value").sum(),
            churn_risk=pl.col("churn_risk").mean(),
        )
    )
    order = pl.DataFrame({"stage": STAGES})
    rows = order.join(found, on="stage", how="inner", maintain_order="left")
    return rows.with_columns(share=pl.col("customers") / pl.col("customers").sum())


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    risk = row["churn_risk"]
    return (
        row["stage"],
        f"{row['customers']:,}",
        f"{row['share']:.0%}",
        f"{row['expected_orders']:,.0f}",
        f"{row['expected_value']:,.0f}",
        f"{row['expected_value'] / row['customers']:,.2f}",
        "" if risk is None else f"{risk:.0%}",
    )


def _explain(customers: pl.DataFrame, customer: str, facts: dict[str, Any], json: bool) -> None:
    found = customers.filter(pl.col("user_id") == customer)
    if found.is_empty():
        raise UnknownUser(f"no customer has the id {customer!r}")
    row = found.row(0, named=True)
    reason = explain_stage(row)
    drivers = [explain_driver(entry) for entry in row["churn_drivers"] or ()]
    if json:
        emit_json({**row, "why": reason.sentence, "why_risk": drivers})
        return
    out.print(f"{customer}: {reason.stage or 'no stage'}. {reason.sentence}")
    if row["rfm"]:
        out.print(f"RFM {row['rfm']} ({row['rfm_cell']})")
    if row["expected_orders"] is not None:
        worth = row["expected_value"]
        out.print(
            f"Within {facts['horizon_days']:g} days: {row['expected_orders']:.1f} purchase days"
            + ("" if worth is None else f", worth {worth:,.2f}")
            + f"; still a customer with a probability of {row['probability_alive']:.0%}"
        )
    if row["churn_risk"] is not None:
        days = facts["churn_days"]
        out.print(f"No purchase within {days:g} days: {row['churn_risk']:.0%}, because")
        for sentence in drivers:
            out.print(f"  {sentence}")


def demand(
    home: HomeOption = DEFAULT_HOME,
    store: StoreOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Foresee the sales of the next four weeks by segment and category, with intervals.

    By whichever forecast did best on earlier weeks; `coterie evaluate --task demand` shows all.

    Example: `coterie demand`
    """
    place = at_home(home, store)
    best, found = foresee_shop_demand(read_home(place), place, settings(place, config))
    if json:
        emit_json({"method": best, "weeks": found.to_dicts()})
        return
    table(
        f"Sales a week by {best}, and what 8 weeks in 10 stay within",
        ("segment", "category", "week from", "sales", "low", "high"),
        [(s, c, w, f"{x:,.0f}", f"{lo:,.0f}", f"{hi:,.0f}") for s, c, w, x, lo, hi in found.rows()],
        ("sales", "low", "high"),
    )


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(lifecycle)
    app.command()(demand)
