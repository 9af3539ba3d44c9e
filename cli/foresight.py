"""``coterie evaluate --task churn | value | demand``: what was foreseen, as tables."""

from __future__ import annotations

from typing import Any, Literal

from cli.output import emit_json, out, progress_bars, table
from pipeline.build import read_home
from pipeline.config import Config
from pipeline.customers import measure_customers
from pipeline.demand import measure_shop_demand
from pipeline.home import Home

__all__ = ["evaluate_customers"]

CHURN = {
    "AUC (95 %)": "auc",
    "Brier (95 %)": "brier",
    "lift of top tenth (95 %)": "lift_top_decile",
    "mean risk": "mean_risk",
    "calibration error": "calibration_error",
}
VALUE = {
    "expected": "expected",
    "root mean square error (95 %)": "rmse",
    "mean error (95 %)": "mae",
    "buys again, AUC (95 %)": "auc_buys_again",
    "error in value (95 %)": "value_mae",
    "value, of real": "value_share",
}
DEMAND = {
    "MASE (95 %)": "mase",
    "inside the interval": "coverage",
}


def evaluate_customers(
    home: Home, config: Config, task: Literal["churn", "value", "demand"], json: bool
) -> None:
    """Measure, and print one table or one JSON document."""
    with progress_bars() as progress:
        shop = read_home(home)
        if task == "demand":
            found = measure_shop_demand(shop, home, config, progress).to_json()
        else:
            found = measure_customers(shop, config, task).to_json()
    if json:
        emit_json(found)
        return
    columns = {"churn": CHURN, "value": VALUE, "demand": DEMAND}[task]
    table(
        _title(task, found["settings"]),
        ("method", *columns),
        [
            (
                f"{row['method']} *" if row["served"] else row["method"],
                *(_cell(row[name]) for name in columns.values()),
            )
            for row in found["rows"]
        ],
    )
    _below(task, found["settings"])


def _title(task: str, settings: dict[str, Any]) -> str:
    if task == "churn":
        return (
            f"No purchase within {settings['churn_days']:g} days of {settings['cut']}: "
            f"{settings['customers']:,} customers, {settings['churned']:.1%} of them"
        )
    if task == "value":
        return (
            f"Within {settings['horizon_days']:g} days of {settings['cut']}: "
            f"{settings['customers']:,} customers, {settings['purchase_days']:,.0f} purchase days"
        )
    return (
        f"Sales of {settings['series']:,} series, {settings['weeks_ahead']} weeks ahead, "
        f"{settings['origins']} origins"
    )


def _below(task: str, settings: dict[str, Any]) -> None:
    if task == "value" and "spend_mae_gamma_gamma" in settings:
        modelled, own = settings["spend_mae_gamma_gamma"], settings["spend_mae_own_mean"]
        out.print(
            f"error in spend a purchase day: Gamma-Gamma {_cell(modelled)}, own mean {_cell(own)}"
        )
    served = "of what is known before the last origin" if task == "demand" else "before the cut"
    out.print(f"* served: what won on the last horizon {served}")


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return f"{_number(value['value'])} ({_number(value['low'])} to {_number(value['high'])})"
    return _number(value)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3f}"
