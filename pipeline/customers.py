"""What the lifecycle room needs of a shop, as arrays, and how good it is at a cut in time."""

from __future__ import annotations

from typing import Literal

import numpy as np

from graph.interactions import from_day, to_day
from graph.shop import Shop
from lifecycle.churn import ChurnData
from lifecycle.measure import Measured, measure_churn, measure_value
from lifecycle.occasions import find_occasions
from lifecycle.tastes import Shelves
from loaders.errors import DataError
from pipeline.config import Config

__all__ = ["measure_customers", "shelves_of"]

LEVEL = 1
"""Of categories that customers are compared by: departments are too few, shelves too many."""


def shelves_of(shop: Shop) -> Shelves:
    """Categories and usual prices of the shop's products."""
    prices = shop.products["price"].fill_null(np.nan).to_numpy().astype(np.float64)
    return Shelves(shop.category_rows(min(LEVEL, max(shop.levels - 1, 0))), prices)


def measure_customers(shop: Shop, config: Config, task: Literal["churn", "value"]) -> Measured:
    """Measure churn or value at ``evaluation.cut``.

    Without a cut, the days judged end with the data.

    Raises:
        DataError: too little is known before or after the cut.
    """
    settings = config.lifecycle
    ahead = settings.churn_days if task == "churn" else settings.horizon_days
    cut = config.evaluation.cut
    day = np.floor(shop.graph.last_day + 1 - ahead) if cut is None else to_day(cut)
    if not len(shop.graph) or day <= shop.graph.days.min():
        raise DataError(f"nothing is known before {from_day(float(day)):%Y-%m-%d}; cut later")
    if task == "churn":
        found = measure_churn(ChurnData.of(shop.graph, shelves_of(shop)), float(day), settings)
    else:
        found = measure_value(find_occasions(shop.graph), float(day), settings)
    told = {"task": task, "cut": f"{from_day(float(day)):%Y-%m-%d}", **found.settings}
    return Measured(told, found.rows)
